"""URI search parameters.

https://hl7.org/fhir/R4/search.html#uri
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fhir_server.r4.reference import parse_canonical
from fhir_server.search.escapes import unescape
from fhir_server.search.kind import Condition, Modifier, SearchType, holds
from fhir_server.search.types.body import sorted_by_text

if TYPE_CHECKING:
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.store.rows import IndexRows

# Forms of hashes: the URI without and with the version of a canonical; rows of text.
URI = "u"
VERSIONED = "v"
TEXT = "n"

# A btree entry holds at most 2.7 kB.
LONGEST_TEXT = 600


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:
    """Hashes for equality; the beginning as text, for what lies below a URI."""
    if not isinstance(value, str):
        return
    plain, version = _taken_apart(value) if type_code == "canonical" else (value, None)
    rows.tokens.append(slot.hash(URI, plain))
    if version:
        rows.tokens.append(slot.hash(VERSIONED, plain, version))
    if not slot.everywhere:
        rows.strings.append((slot.hash(TEXT), plain[:LONGEST_TEXT]))


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> str:  # noqa: ARG001
    """The URI as it is: comparison is precise, including case and accents."""
    return unescape(text)


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the URIs; ``url|version`` asks for a version of a canonical."""
    parameter = criterion.parameter
    tokens: list[int] = []
    for value in criterion.values:
        text = cast("str", value)
        plain, version = _taken_apart(text)
        for slot in parameter.slots:
            tokens.append(scope.hash(parameter.type, slot, URI, text))
            if version:
                tokens.append(scope.hash(parameter.type, slot, VERSIONED, plain, version))
    return holds(tuple(tokens), few=not parameter.code.startswith("_"))


def _taken_apart(text: str) -> tuple[str, str | None]:
    canonical = parse_canonical(text)
    return canonical.url, canonical.version


TYPE = SearchType(index=index, modifiers={"": Modifier(read, compare)}, sort=sorted_by_text)
