"""How resources refer to each other: `Type/id` or urn:uuid with conditional references.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Identified:
    """What a reference needs to know of its target."""

    type: str
    id: str
    system: str
    value: str


class Links(Protocol):
    """The two ways in which output refers."""

    def own(self, type: str, id: str) -> str:
        """To a resource of the same patient, or of the same bundle."""
        ...

    def shared(self, target: Identified) -> str:
        """To a hospital, clinician, payer or product that many patients share."""
        ...


@dataclass(frozen=True, slots=True)
class RelativeLinks:
    """`Type/id` everywhere: for NDJSON."""

    def own(self, type: str, id: str) -> str:
        """See Links."""
        return f"{type}/{id}"

    def shared(self, target: Identified) -> str:
        """See Links."""
        return f"{target.type}/{target.id}"


@dataclass(frozen=True, slots=True)
class BundleLinks:
    """urn:uuid inside the bundle, a conditional reference by identifier outside it."""

    def own(self, type: str, id: str) -> str:
        """See Links."""
        del type
        return f"urn:uuid:{id}"

    def shared(self, target: Identified) -> str:
        """See Links."""
        return f"{target.type}?{identifier_query(target.system, target.value)}"


def identifier_query(system: str, value: str) -> str:
    """The search by identifier that finds a shared resource again."""
    return f"identifier={quote(system, safe=':/.')}|{quote(value, safe='')}"
