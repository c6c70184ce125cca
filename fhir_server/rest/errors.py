"""Errors as OperationOutcome: the one place that does it.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from fhir_server.r4.outcome import FhirError, Issue, operation_outcome

if TYPE_CHECKING:
    from fhir_server.r4.json import Json


def outcome_of(error: FhirError, request_id: str) -> Json:
    """The OperationOutcome of an error; a 500 names the request, for the log has the rest."""
    outcome = operation_outcome(error.issues)
    if error.status >= 500:
        outcome["id"] = request_id
    return outcome


def unexpected(request_id: str) -> FhirError:
    """500: a fault of this server; what went wrong stands in the log, not in the answer."""
    text = f"The server failed. The log has the cause under request id {request_id}"
    return FhirError(500, [Issue("exception", text, severity="fatal")])


def described(error: BaseException) -> str:
    """Where an unexpected exception came from: types and places, no values, which may be PHI."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in frames[::-1])
    return f"{type(error).__qualname__} in {places}"
