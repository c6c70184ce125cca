"""Quantity search parameters.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, cast

from fhir_server.search.escapes import split, unescape
from fhir_server.search.kind import (
    Asked,
    Component,
    Condition,
    Modifier,
    Piece,
    SearchType,
    all_of,
    any_of,
    holds,
)
from fhir_server.search.types import number
from fhir_server.search.types.number import VALUE, exact, point_or_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.json import Json
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.search.types.number import Number
    from fhir_server.store.rows import IndexRows

# Forms of hashes beside VALUE: numbers in a unit named by its code or word, or by system and code.
UNIT = "u"
SYSTEM_UNIT = "su"

CURRENCY = "urn:iso:std:iso:4217"
_INFINITE = Decimal("Infinity")
# A stored "<5" ends just below 5.
_JUST = Decimal("1E-40")
_WIDE = Context(prec=200)
_MAX_SAMPLES = 100_000


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number asked for, in a unit: ``system`` is empty for any, ``code`` for any unit."""

    number: Number
    system: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A stored range of numbers, ends included, and the forms of its unit."""

    low: Decimal
    high: Decimal
    units: tuple[tuple[str, ...], ...]


def measures(value: object, type_code: str) -> Iterator[Measure]:
    """What a Quantity, Money, Range or SampledData measures; nothing for what is none."""
    if not isinstance(value, dict):
        return
    found = cast("Json", value)
    if type_code == "Range":
        yield from _range(found)
    elif type_code == "Money":
        amount = exact(found.get("value"))
        if amount is not None:
            units = tuple(_units(CURRENCY, found.get("currency"), None))
            yield Measure(amount, amount, units)
    elif type_code == "SampledData":
        yield from _sampled(found)
    else:
        yield from _quantity(found)


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:
    """A row for the number, and its unit: as hashes beside the one value, else as further rows."""
    for measure in measures(value, type_code):
        low, high = measure.low, measure.high
        rows.numbers.append((slot.hash(*point_or_span((VALUE,), low, high)), low, high))
        for unit in measure.units:
            if slot.single:
                rows.tokens.append(slot.hash(*unit))
            else:
                rows.numbers.append((slot.hash(*point_or_span(unit, low, high)), low, high))


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Quantity:  # noqa: ARG001
    """``number``, ``number|system|code`` or ``number||code``, the number with a prefix."""
    pieces = [unescape(piece) for piece in split(text, "|")]
    asked = number.read_number(pieces[0])
    if len(pieces) == 1:
        return Quantity(asked)
    if len(pieces) != 3:
        raise ValueError("is none of: number, number|system|code, number||code")
    _, system, code = pieces
    if system and not code:
        raise ValueError("names a system of units, but no code")
    return Quantity(asked, system, code)


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the quantities."""
    parameter = criterion.parameter
    found: list[Condition] = []
    for value in criterion.values:
        asked = cast("Quantity", value)
        found.extend(
            _compare_in_slot(asked, parameter.type, slot, scope) for slot in parameter.slots
        )
    return any_of(found)


def _compare_in_slot(asked: Quantity, type: str, slot: str, scope: Scope) -> Condition:
    form = asked_form(asked)
    single = scope.registry.of(type)[slot].single
    row_form = (VALUE,) if single else form
    found = number.in_rows(scope, type, (slot,), row_form, asked.number)
    if row_form == form:
        return found
    return all_of([found, holds((scope.hash(type, slot, *form),))])


def asked_form(asked: Quantity) -> tuple[str, ...]:
    """The form whose rows hold what is asked for."""
    if not asked.code:
        return (VALUE,)
    return (SYSTEM_UNIT, asked.system, asked.code) if asked.system else (UNIT, asked.code)


def _quantity(found: Json) -> Iterator[Measure]:
    value = exact(found.get("value"))
    if value is None:
        return
    low = high = value
    match found.get("comparator"):
        case "<":
            low, high = -_INFINITE, _WIDE.subtract(value, _JUST)
        case "<=":
            low = -_INFINITE
        case ">":
            low, high = _WIDE.add(value, _JUST), _INFINITE
        case ">=":
            high = _INFINITE
        case _:
            pass
    yield Measure(
        low, high, tuple(_units(found.get("system"), found.get("code"), found.get("unit")))
    )


def _range(found: Json) -> Iterator[Measure]:
    low, high = found.get("low"), found.get("high")
    ends = [
        next(_quantity(cast("Json", e)), None) if isinstance(e, dict) else None for e in (low, high)
    ]
    first, last = ends
    known = first or last
    if known is not None:
        yield Measure(
            first.low if first else -_INFINITE, last.high if last else _INFINITE, known.units
        )


def _sampled(found: Json) -> Iterator[Measure]:
    """From the lowest to the highest sample: (sample times factor) plus origin."""
    origin, data = found.get("origin"), found.get("data")
    if not isinstance(origin, dict) or not isinstance(data, str):
        return
    zero = next(_quantity(cast("Json", origin)), None)
    factor = exact(found.get("factor", 1))
    if zero is None or factor is None:
        return
    samples = [s for s in (_sample(text) for text in data.split()[:_MAX_SAMPLES]) if s is not None]
    if samples:
        ends = sorted(
            _WIDE.add(_WIDE.multiply(sample, factor), zero.low)
            for sample in (min(samples), max(samples))
        )
        yield Measure(ends[0], ends[1], zero.units)


def _sample(text: str) -> Decimal | None:
    """None for E, U and L: error, below and above what the device detects."""
    try:
        sample = Decimal(text)
    except InvalidOperation:
        return None
    return sample if sample.is_finite() else None


def _units(system: object, code: object, unit: object) -> Iterator[tuple[str, ...]]:
    if isinstance(code, str):
        yield UNIT, code
        if isinstance(system, str):
            yield SYSTEM_UNIT, system, code
    if isinstance(unit, str) and unit != code:
        yield UNIT, unit


def _pieces(slot: Slot, value: object, type_code: str) -> list[Piece]:  # noqa: ARG001
    return [
        Piece(point_or_span(form, measure.low, measure.high), "number", measure.low, measure.high)
        for measure in measures(value, type_code)
        for form in ((VALUE,), *measure.units)
    ]


def _asked(value: object) -> list[Asked]:
    asked = cast("Quantity", value)
    return number.asked_numbers(asked_form(asked), asked.number)


TYPE = SearchType(
    index=index,
    modifiers={"": Modifier(read, compare)},
    sort=number.sort,
    component=Component(_pieces, _asked),
)
