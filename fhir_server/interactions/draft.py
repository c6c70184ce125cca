"""A version that is to be written.

https://hl7.org/fhir/R4/http.html#versioning
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from fhir_server.r4.json import Json
    from fhir_server.store.rows import Method


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be; ``resource`` is None for a deletion.

    ``expect`` is the version that must be current: None = any, 0 = none that lives.
    ``where`` is the FHIRPath of the resource in the request: "Bundle.entry[3].resource", or "".
    """

    method: Method
    type: str
    id: str
    resource: Json | None
    expect: int | None = None
    where: str = ""
