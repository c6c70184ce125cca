"""The form of Reference.reference and the types it may point at.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_server.r4.definitions import definitions

if TYPE_CHECKING:
    from collections.abc import Callable

_LOCAL = re.compile(
    r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII
)
_ABSOLUTE = re.compile(r"(https?|urn|ftp|mailto|file):\S+", re.ASCII | re.IGNORECASE)


def reference_check(targets: tuple[str, ...]) -> Callable[[str], tuple[str | None, bool]]:
    """A function from a reference to (what is wrong, whether it names a local resource).

    ``targets`` are the allowed types; none or Resource means any.
    """
    known = frozenset(definitions().resource_types)
    allowed = known if not targets or "Resource" in targets else frozenset(targets)

    def check(reference: str) -> tuple[str | None, bool]:
        match = _LOCAL.fullmatch(reference)
        if match is None:
            return _other_form(reference), False
        type = match[1]
        if type in allowed:
            return None, True
        if type in known:
            return f"{reference!r} may only point at {', '.join(sorted(allowed))}", False
        return f"{reference!r}: {type} is not a resource type", False

    return check


def _other_form(reference: str) -> str | None:
    if reference.startswith("#") or _ABSOLUTE.fullmatch(reference):
        return None
    if "?" in reference:
        return f"{reference!r} is a conditional reference: these are for transactions only"
    return f"{reference!r} is not Type/id, an absolute URL, a URN or #id"
