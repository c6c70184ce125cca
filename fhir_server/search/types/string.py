"""String search parameters.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, cast
from unicodedata import category, normalize

from fhir_server.search.escapes import unescape
from fhir_server.search.kind import (
    Asked,
    Component,
    Condition,
    Key,
    Modifier,
    Piece,
    SearchType,
    any_of,
    holds,
    in_table,
)
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.definitions import Definitions
    from fhir_server.r4.json import Json
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.store.rows import IndexRows

# Forms of hashes: the beginning of the normalised text, a later stretch of it, the exact text.
START = "n"
LATER = "m"
EXACT = "x"

# A btree entry holds at most 2.7 kB. Longer texts are kept in stretches that overlap, so that
# whatever is asked for lies wholly within one.
STRETCH = 600
LONGEST_ASKED = STRETCH // 2

_PARTS = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
    "CodeableConcept": ("text",),
    "Coding": ("display",),
    "Annotation": ("text",),
}
_LAST = chr(0x10FFFF)


def normalised(text: str) -> str:
    """Without case, accents and doubled spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    apart = normalize("NFKD", text.casefold())
    bare = "".join(c for c in apart if category(c) != "Mn")
    return " ".join(normalize("NFKD", bare.casefold()).split())


def texts(value: object, type_code: str) -> Iterator[str]:
    """All strings that a value is made of."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name in _PARTS.get(type_code, ()):
            part: object = cast("Json", value).get(name)
            for text in cast("list[Any]", part) if isinstance(part, list) else [part]:
                if isinstance(text, str):
                    yield text


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:
    """Normalised text for beginnings and contents, a hash for exact equality."""
    start = slot.hash(START)
    for text in texts(value, type_code):
        rows.tokens.append(slot.hash(EXACT, text))
        plain = normalised(text)
        if plain:
            rows.strings.append((start, plain[:STRETCH]))
        step = STRETCH - LONGEST_ASKED
        for position in range(step, len(plain) - LONGEST_ASKED, step):
            rows.strings.append((slot.hash(LATER), plain[position : position + STRETCH]))


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> str:  # noqa: ARG001
    """The normalised text."""
    plain = normalised(unescape(text))
    if not plain:
        raise ValueError("holds nothing to compare")
    if len(plain) > LONGEST_ASKED:
        raise ValueError(f"is longer than {LONGEST_ASKED} characters; :exact takes any length")
    return plain


def read_exact(parameter: Parameter, modifier: str, text: str, reading: Reading) -> str:  # noqa: ARG001
    """The text as it is."""
    return unescape(text)


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Texts that begin with one of the values."""
    return any_of(
        [_begins(scope, hashed, cast("str", value)) for hashed, value in _asked(criterion, scope)]
    )


def compare_contains(criterion: Criterion, scope: Scope) -> Condition:
    """Texts that hold one of the values anywhere."""
    later = _asked(criterion, scope, LATER)
    pairs = zip(_asked(criterion, scope), later, strict=True)
    return any_of(
        [_holds(scope, (start, more), cast("str", value)) for (start, value), (more, _) in pairs]
    )


def compare_exact(criterion: Criterion, scope: Scope) -> Condition:
    """Texts equal to one of the values, to the letter."""
    parameter = criterion.parameter
    return holds(
        tuple(
            scope.hash(parameter.type, slot, EXACT, cast("str", value))
            for value in criterion.values
            for slot in parameter.slots
        ),
        few=True,
    )


def sort(
    parameter: Parameter,
    descending: bool,  # noqa: FBT001 - the signature of every type's sort
    scope: Scope,
    definitions: Definitions,  # noqa: ARG001
) -> Key | None:
    """The first of the texts in normalised order, the last one when descending."""
    pick: LiteralString = "max" if descending else "min"
    hashes = [scope.hash(parameter.type, slot, START) for slot in parameter.slots]
    return Key(
        "(SELECT " + pick + "(x.v) FROM " + scope.tables.string + " x"
        " WHERE x.rid = s.rid AND x.h = ANY(%s::bigint[]))",
        (hashes,),
    )


def _asked(criterion: Criterion, scope: Scope, form: str = START) -> list[tuple[int, object]]:
    parameter = criterion.parameter
    return [
        (scope.hash(parameter.type, slot, form), value)
        for value in criterion.values
        for slot in parameter.slots
    ]


def beginning(text: str) -> Fragment:
    """A condition on ``x.v`` in C collation."""
    return Fragment("x.v >= %s AND x.v < %s", (text, text + _LAST))


def _begins(scope: Scope, hashed: int, text: str) -> Condition:
    where = beginning(text)
    matching = Fragment("x.h = %s::bigint AND " + where.text, (hashed, *where.values))
    return in_table(scope.tables.string, matching)


def _holds(scope: Scope, hashes: tuple[int, int], text: str) -> Condition:
    matching = Fragment("x.h = ANY(%s::bigint[]) AND strpos(x.v, %s) > 0", (list(hashes), text))
    return in_table(scope.tables.string, matching)


def _pieces(slot: Slot, value: object, type_code: str) -> list[Piece]:  # noqa: ARG001
    plain = (normalised(text)[:STRETCH] for text in texts(value, type_code))
    return [Piece((START,), "string", text) for text in plain if text]


def _component_asked(value: object) -> list[Asked]:
    return [Asked((START,), "string", lambda _low, _high: beginning(cast("str", value)))]


TYPE = SearchType(
    index=index,
    modifiers={
        "": Modifier(read, compare),
        "exact": Modifier(read_exact, compare_exact),
        "contains": Modifier(read, compare_contains),
    },
    sort=sort,
    component=Component(_pieces, _component_asked),
)
