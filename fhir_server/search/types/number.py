"""Number search parameters, and the comparison of numbers that quantities share.

https://hl7.org/fhir/R4/search.html#number
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Literal, LiteralString, cast

from fhir_server.r4.json import MAX_DIGITS, MAX_EXPONENT
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
    in_table,
)
from fhir_server.search.types.prefix import take_prefix
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from fhir_server.r4.definitions import Definitions
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.search.types.prefix import Prefix
    from fhir_server.store.rows import IndexRows

VALUE = "v"
# A stored range has other hashes than a point, so that points can be found by their low end alone.
_SPAN = "~"

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)
# Sums and products of the largest numbers that are let in are still exact.
_EXACT = Context(prec=2 * (MAX_DIGITS + MAX_EXPONENT) + 10)


@dataclass(frozen=True, slots=True)
class Number:
    """A number asked for; ``low`` and ``high`` are the range that its precision implies."""

    prefix: Prefix
    value: Decimal
    low: Decimal
    high: Decimal


def read_number(text: str) -> Number:
    """A prefix and a number; its last digit says how precise it is.

    ValueError for what is no number.
    """
    prefix, rest = take_prefix(text)
    if not _NUMBER.fullmatch(rest):
        raise ValueError(f"{rest[:100]!r} is not a number")
    value = Decimal(rest)
    sign, digits, exponent = value.as_tuple()
    last = cast("int", exponent)
    if len(digits) > MAX_DIGITS or abs(last) > MAX_EXPONENT:
        raise ValueError(f"has more than {MAX_DIGITS} digits or an exponent beyond {MAX_EXPONENT}")
    if prefix == "ap":
        half = _EXACT.divide(abs(value), Decimal(10))
    else:
        # 1e2 is [95, 105) by the text: a whole mantissa counts as if written 1.0e2.
        whole = re.fullmatch(r"[+-]?[0-9]+[eE].*", rest) is not None
        half = Decimal((0, (5,), last - 1 - whole))
    del sign
    return Number(prefix, value, _EXACT.subtract(value, half), _EXACT.add(value, half))


def exact(value: object) -> Decimal | None:
    """A JSON number as Decimal, None for anything else."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def point_or_span(form: tuple[str, ...], low: Decimal, high: Decimal) -> tuple[str, ...]:
    """The form under which a stored range stands."""
    return form if low == high else span(form)


def span(form: tuple[str, ...]) -> tuple[str, ...]:
    """The form for ranges that is next to a form for points."""
    return (form[0] + _SPAN, *form[1:])


def matching(asked: Number, low: LiteralString, high: LiteralString) -> Fragment:
    """What must hold of a stored range, ends included, in the columns ``low`` and ``high``."""
    text, ends = _CONDITIONS[asked.prefix]
    parts: dict[str, Decimal] = {"low": asked.low, "value": asked.value, "high": asked.high}
    return Fragment(
        text.replace("LOW", low).replace("HIGH", high), tuple(parts[end] for end in ends)
    )


def in_rows(
    scope: Scope, type: str, slots: tuple[str, ...], form: tuple[str, ...], asked: Number
) -> Condition:
    """Where a number row in one of the slots matches."""
    points = [scope.hash(type, slot, *form) for slot in slots]
    spans = [scope.hash(type, slot, *span(form)) for slot in slots]
    of_point = matching(asked, "x.lo", "x.lo")
    of_span = matching(asked, "x.lo", "x.hi")
    return in_table(
        scope.tables.number,
        Fragment("x.h = ANY(%s::bigint[]) AND " + of_point.text, (points, *of_point.values)),
        Fragment("x.h = ANY(%s::bigint[]) AND " + of_span.text, (spans, *of_span.values)),
    )


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:  # noqa: ARG001
    """The number itself: its own precision plays no part."""
    number = exact(value)
    if number is not None:
        rows.numbers.append((slot.hash(VALUE), number, number))


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Number:  # noqa: ARG001
    """A prefix and a number."""
    return read_number(unescape(text))


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the numbers."""
    parameter = criterion.parameter
    return any_of(
        [
            in_rows(scope, parameter.type, parameter.slots, (VALUE,), cast("Number", value))
            for value in criterion.values
        ]
    )


def sort(
    parameter: Parameter,
    descending: bool,  # noqa: FBT001 - the signature of every type's sort
    scope: Scope,
    definitions: Definitions,  # noqa: ARG001
) -> Key | None:
    """The lowest of the values, the highest when descending."""
    pick: LiteralString = "max(x.hi)" if descending else "min(x.lo)"
    forms = ((VALUE,), span((VALUE,)))
    hashes = [scope.hash(parameter.type, slot, *f) for slot in parameter.slots for f in forms]
    return Key(
        "(SELECT " + pick + " FROM " + scope.tables.number + " x"
        " WHERE x.rid = s.rid AND x.h = ANY(%s::bigint[]))",
        (hashes,),
        "numeric",
    )


End = Literal["low", "value", "high"]

# Over the stored range (LOW, HIGH), a point for most numbers.
_CONDITIONS: dict[Prefix, tuple[LiteralString, tuple[End, ...]]] = {
    "eq": ("(LOW >= %s AND HIGH < %s)", ("low", "high")),
    "ne": ("NOT (LOW >= %s AND HIGH < %s)", ("low", "high")),
    "gt": ("HIGH > %s", ("value",)),
    "lt": ("LOW < %s", ("value",)),
    "ge": ("HIGH >= %s", ("value",)),
    "le": ("LOW <= %s", ("value",)),
    "sa": ("LOW > %s", ("value",)),
    "eb": ("HIGH < %s", ("value",)),
    "ap": ("(HIGH >= %s AND LOW <= %s)", ("low", "high")),
}


def _pieces(slot: Slot, value: object, type_code: str) -> list[Piece]:  # noqa: ARG001
    number = exact(value)
    return [] if number is None else [Piece((VALUE,), "number", number, number)]


def asked_numbers(form: tuple[str, ...], asked: Number) -> list[Asked]:
    """A point first, then a range."""
    return [
        Asked(form, "number", lambda low, _high: matching(asked, low, low)),
        Asked(span(form), "number", lambda low, high: matching(asked, low, high)),
    ]


def _asked(value: object) -> list[Asked]:
    return asked_numbers((VALUE,), cast("Number", value))


TYPE = SearchType(
    index=index,
    modifiers={"": Modifier(read, compare)},
    sort=sort,
    component=Component(_pieces, _asked),
)
