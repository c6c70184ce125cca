"""Composite search parameters: components that hold of the same element.

https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, LiteralString, cast

from fhir_server.search.escapes import split
from fhir_server.search.kind import (
    Asked,
    Condition,
    Criterion,
    Modifier,
    Piece,
    SearchType,
    all_of,
    any_of,
    holds,
    in_table,
)
from fhir_server.search.paths import steps
from fhir_server.search.types import date, number, quantity, reference, string, token
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.search.kind import Component, Reading, Scope, Slot
    from fhir_server.search.parameters import Composite, Operand, Parameter, Part
    from fhir_server.search.paths import Step
    from fhir_server.store.rows import IndexRows

_TYPES: Mapping[str, SearchType] = {
    "date": date.TYPE,
    "number": number.TYPE,
    "quantity": quantity.TYPE,
    "reference": reference.TYPE,
    "string": string.TYPE,
    "token": token.TYPE,
}


@dataclass(frozen=True, slots=True)
class Tuple:
    """The values asked for, one per component."""

    values: tuple[object, ...]


def pieces(kind: str, slot: Slot, value: object, type_code: str) -> list[Piece]:
    """What one value of a component contributes to the rows of its element."""
    return _component(kind).pieces(slot, value, type_code)


def part_path(operand: Operand) -> tuple[Step, ...]:
    """The path of a component, from its element or, with ``%resource``, from the resource."""
    if not isinstance(operand, str):
        return operand
    path = steps(operand.removeprefix("%resource."))
    if path is None:
        raise ValueError(f"{operand} is not a plain path")
    return path


def index_element(slot: Slot, components: list[list[Piece]], rows: IndexRows) -> None:
    """The rows of one element: every combination of what its components contribute."""
    for combination in product(*components):
        hashed = slot.hash(*(form for piece in combination for form in piece.forms))
        ordered = [piece for piece in combination if piece.table]
        if not ordered:
            rows.tokens.append(hashed)
        elif len(ordered) == 2:
            # Two numbers (the start and end of a sequence variant) share a row.
            rows.numbers.append((hashed, ordered[0].low, ordered[1].low))
        elif ordered[0].table == "number":
            rows.numbers.append((hashed, ordered[0].low, ordered[0].high))
        elif ordered[0].table == "period":
            rows.periods.append((hashed, ordered[0].low, ordered[0].high))
        else:
            rows.strings.append((hashed, ordered[0].low))


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:
    """Nothing by itself: the indexer takes the element apart and calls `index_element`."""


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Tuple:  # noqa: ARG001
    """One value per component, joined by ``$``."""
    parts = parameter.composites[0].parts
    texts = split(text, "$")
    if len(texts) != len(parts):
        raise ValueError(f"needs {len(parts)} values joined by $, has {len(texts)}")
    return Tuple(tuple(_read(part, one, reading) for part, one in zip(parts, texts, strict=True)))


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the tuples, in any of the elements that the parameter looks at."""
    parameter = criterion.parameter
    return any_of(
        [
            _compare(parameter, composite, cast("Tuple", value).values, scope)
            for value in criterion.values
            for composite in parameter.composites
        ]
    )


def _compare(
    parameter: Parameter, composite: Composite, values: tuple[object, ...], scope: Scope
) -> Condition:
    if is_of_the_resource(composite):
        return _compare_apart(parameter, composite, values, scope)
    asked = [
        _component(part.kind).asked(value)
        for part, value in zip(composite.parts, values, strict=True)
    ]
    found: list[Condition] = []
    for combination in product(*asked):
        ordered = [one for one in combination if one.table]
        hashed = scope.hash(
            parameter.type, composite.slot, *(form for one in combination for form in one.forms)
        )
        found.append(_in_rows(hashed, ordered, scope) if ordered else holds((hashed,)))
    return any_of(found)


def is_of_the_resource(composite: Composite) -> bool:
    """Whether the element is the resource itself, so that each component can be asked alone."""
    return not composite.element and all(part.parameter for part in composite.parts)


def _compare_apart(
    parameter: Parameter, composite: Composite, values: tuple[object, ...], scope: Scope
) -> Condition:
    rows = scope.registry.of(parameter.type)
    return all_of(
        [
            _TYPES[part.kind]
            .modifiers[""]
            .compare(Criterion(rows[part.parameter], "", (value,)), scope)
            for part, value in zip(composite.parts, values, strict=True)
        ]
    )


def _in_rows(hashed: int, ordered: list[Asked], scope: Scope) -> Condition:
    tables: dict[str, LiteralString] = {
        "number": scope.tables.number,
        "period": scope.tables.period,
        "string": scope.tables.string,
    }
    table = tables[ordered[0].table]
    columns: list[tuple[LiteralString, LiteralString]] = (
        [("x.lo", "x.hi")] if len(ordered) == 1 else [("x.lo", "x.lo"), ("x.hi", "x.hi")]
    )
    wheres = [
        one.compare(*pair) if one.compare else Fragment("true")
        for one, pair in zip(ordered, columns, strict=True)
    ]
    text: LiteralString = " AND ".join(["x.h = %s::bigint", *(where.text for where in wheres)])
    values = (hashed, *(value for where in wheres for value in where.values))
    return in_table(table, Fragment(text, values))


def _read(part: Part, text: str, reading: Reading) -> object:
    target = _PartParameter(part)
    return _TYPES[part.kind].modifiers[""].read(cast("Parameter", target), "", text, reading)


class _PartParameter:
    """As much of a Parameter as reading a value looks at."""

    __slots__ = ("code", "target")

    def __init__(self, part: Part) -> None:
        self.code = part.parameter
        self.target = part.target


def _component(kind: str) -> Component:
    component = _TYPES[kind].component
    if component is None:
        raise KeyError(kind)
    return component


TYPE = SearchType(index=index, modifiers={"": Modifier(read, compare)})
