"""Errors of the FHIR API and the OperationOutcome that carries them.

https://hl7.org/fhir/R4/operationoutcome.html

FhirError
    Raised anywhere below ``rest``, built by the small constructors here, and turned into
    a response in one place (``fhir_server.rest.errors``). The status is the HTTP status of
    http.html; the issues become the OperationOutcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue; ``code`` is from https://hl7.org/fhir/R4/valueset-issue-type.html.

    ``expression`` is a FHIRPath to the element, empty when no element is at fault.
    """

    code: str
    diagnostics: str
    expression: str = ""
    severity: Severity = "error"

    def json(self) -> dict[str, Any]:
        """The ``OperationOutcome.issue`` element."""
        element: dict[str, Any] = {
            "severity": self.severity,
            "code": self.code,
            "diagnostics": self.diagnostics,
        }
        if self.expression:
            element["expression"] = [self.expression]
        return element


class FhirError(Exception):
    """A request that cannot be answered as asked; ``headers`` go into the response.

    ``key`` is the type and id of the one resource of many that was refused, where that is known.
    """

    def __init__(
        self, status: int, issues: Sequence[Issue], headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status}: " + "; ".join(issue.diagnostics for issue in issues))
        self.status = status
        self.issues = tuple(issues)
        self.headers = headers or {}
        self.key: tuple[str, str] | None = None


def operation_outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """An OperationOutcome resource; an empty sequence says that all went well."""
    listed = issues or (Issue("informational", "All OK", severity="information"),)
    return {"resourceType": "OperationOutcome", "issue": [issue.json() for issue in listed]}


def malformed(text: str, expression: str = "") -> FhirError:
    """400: the body or a parameter cannot be read at all."""
    return FhirError(400, [Issue("structure", text, expression)])


def invalid(expression: str, text: str, *, status: int = 400) -> FhirError:
    """400 (or 422): an element or parameter was read and is wrong."""
    return FhirError(status, [Issue("invalid", text, expression)])


def unknown_parameter(text: str) -> FhirError:
    """400: a search parameter, modifier or prefix that this server does not know."""
    return FhirError(400, [Issue("not-supported", text)])


def unknown_type(name: str) -> FhirError:
    """404: http.html asks for 404 where the resource type is not supported."""
    return FhirError(404, [Issue("not-supported", f"{name!r} is not a resource type of FHIR R4")])


def not_found(type: str, id: str) -> FhirError:
    """404: never existed, or lies outside the grant."""
    return FhirError(404, [Issue("not-found", f"{type}/{id} is not known")])


def deleted(type: str, id: str, vid: int) -> FhirError:
    """410: the current version is a deletion."""
    issue = Issue("deleted", f"{type}/{id} was deleted in version {vid}")
    return FhirError(410, [issue], {"ETag": f'W/"{vid}"'})


def method_not_allowed(text: str, allow: str) -> FhirError:
    """405, with the methods that are allowed."""
    return FhirError(405, [Issue("not-supported", text)], {"Allow": allow})


def conflict(text: str) -> FhirError:
    """409: the request collides with the current state or with another request."""
    return FhirError(409, [Issue("conflict", text)])


def precondition_failed(text: str) -> FhirError:
    """412: If-Match does not hold, or conditional criteria match more than once."""
    return FhirError(412, [Issue("conflict", text)])


def multiple_matches(text: str) -> FhirError:
    """412: conditional criteria that are not selective enough."""
    return FhirError(412, [Issue("multiple-matches", text)])


def unprocessable(issues: Sequence[Issue]) -> FhirError:
    """422: the resource was read, and breaks a rule of FHIR or of this server."""
    return FhirError(422, issues)


def forbidden(text: str) -> FhirError:
    """403: the grant does not allow it."""
    return FhirError(403, [Issue("forbidden", text)])


def too_costly(text: str, *, status: int = 400) -> FhirError:
    """400 for a limit that the request breaks, 503 for a time limit that ran out."""
    return FhirError(status, [Issue("too-costly", text)])
