"""The audit hook: one event per version written, per read, and per refusal.

https://hl7.org/fhir/R4/security.html#audit
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.r4.outcome import FhirError


class Event(msgspec.Struct, frozen=True):
    """What was done or refused; ``id`` and ``vid`` are empty and 0 where no one version is meant.

    ``status`` is the HTTP status, of a refusal too; ``query`` holds names of parameters, never
    values, which may be PHI.
    """

    context: Context
    interaction: str
    status: int
    type: str = ""
    id: str = ""
    vid: int = 0
    query: tuple[str, ...] = ()


def refusal(context: Context, interaction: str, error: FhirError, type: str, id: str) -> Event:
    """The event of a request that was refused."""
    return Event(context, interaction, error.status, type, id)
