"""The search parameters of each resource type, as the index keeps them.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.search import hot
from fhir_server.search.paths import Step, leaves, steps, union

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.r4.definitions import Definitions, SearchParameter

Operand = tuple[Step, ...] | str
"""A plain path below the resource, or an expression for the FHIRPath engine."""

_OWN_KIND: Mapping[str, str] = {"_id": "id", "_lastUpdated": "updated", "near": "near"}
_INHERITED = frozenset({"Resource", "DomainResource"})
_NEVER_MISSING = frozenset({"id", "updated", "composite"})


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a composite: where to look below its element, and how to compare.

    ``parameter`` is the code of the parameter with just these values, empty if there is none.
    """

    parameter: str
    kind: str
    target: tuple[str, ...]
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Composite:
    """One operand of a composite's expression; an empty ``element`` is the resource itself."""

    element: tuple[Step, ...]
    slot: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one resource type.

    ``kind``      the row of ``types.table`` that reads, indexes and compares it
    ``slots``     under which codes its index rows stand: another parameter's where both have the
                  same expression, several where the expression is the union of theirs
    ``leading``   its dates stand in the search row
    ``hot``       its tokens have hot rows
    ``presence``  its number among the type's parameters that ``:missing`` can ask for, or -1
    ``single``    a resource has one value at most
    ``patients``  a patient it refers to is one in whose compartment the resource lies
    """

    type: str
    code: str
    kind: str
    target: tuple[str, ...]
    operands: tuple[Operand, ...]
    slots: tuple[str, ...]
    composites: tuple[Composite, ...] = ()
    leading: bool = False
    hot: bool = False
    presence: int = -1
    single: bool = False
    patients: bool = False


class Registry:
    """All parameters that are indexed, by type and code."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._by_type: dict[str, Mapping[str, Parameter]] = {}
        self._by_url = {p.url: p for p in definitions.search_parameters}

    def of(self, type: str) -> Mapping[str, Parameter]:
        """The parameters of a type by code, in alphabetical order."""
        found = self._by_type.get(type)
        if found is None:
            found = self._by_type.setdefault(type, MappingProxyType(self._parameters(type)))
        return found

    def _parameters(self, type: str) -> dict[str, Parameter]:
        definitions = self._definitions.search_parameters_of(type)
        compartment = self._definitions.compartments["Patient"].get(type, ())
        rows = {
            code: self._parameter(type, definition)
            for code, definition in sorted(definitions.items())
            if definition.expression
        }
        plain = {code: row for code, row in rows.items() if row.kind != "composite"}
        members = {operand for code in compartment for operand in rows[code].operands}
        counted = [code for code, row in rows.items() if row.kind not in _NEVER_MISSING]
        for number, code in enumerate(counted):
            slots = _slots(code, plain)
            rows[code] = replace(
                rows[code],
                slots=slots,
                leading=slots == (hot.leading_date(type),),
                hot=all(hot.is_hot(type, slot) for slot in slots),
                presence=number,
                single=self._is_single(rows[code]),
                patients=all(_without_target(o) in members for o in rows[code].operands),
            )
        for code, row in rows.items():
            if row.kind == "composite":
                rows[code] = replace(row, composites=self._composites(row, definitions[code], rows))
        return rows

    def _parameter(self, type: str, definition: SearchParameter) -> Parameter:
        code = definition.code
        operands = _operands(type, definition.expression or "")
        return Parameter(
            type=type,
            code=code,
            kind=_OWN_KIND.get(code, definition.type),
            target=self._targets(type, definition, operands),
            operands=operands,
            slots=(code,),
        )

    def _targets(
        self, type: str, definition: SearchParameter, operands: tuple[Operand, ...]
    ) -> tuple[str, ...]:
        """The types that this parameter of this type can refer to; empty for any.

        A definition shared by many types lists the targets of all of them.
        """
        found: set[str] = set()
        for operand in operands:
            if isinstance(operand, str):
                return definition.target
            for leaf in leaves(self._definitions, type, operand):
                if leaf.target is None and (not leaf.targets or "Resource" in leaf.targets):
                    return definition.target
                found.update((leaf.target,) if leaf.target else leaf.targets)
        return tuple(t for t in definition.target if t in found) or definition.target

    def _is_single(self, row: Parameter) -> bool:
        found = [
            leaf
            for operand in row.operands
            if not isinstance(operand, str)
            for leaf in leaves(self._definitions, row.type, operand)
        ]
        # The types of one choice stand under the same element.
        one = len({leaf.element for leaf in found}) == 1 and all(leaf.single for leaf in found)
        return one and not any(isinstance(operand, str) for operand in row.operands)

    def _composites(
        self, row: Parameter, definition: SearchParameter, rows: Mapping[str, Parameter]
    ) -> tuple[Composite, ...]:
        """One per operand; operands of the same shape share a slot across parameters."""
        expressions = ",".join(c.expression for c in definition.components)
        found: list[Composite] = []
        for operand in row.operands:
            if isinstance(operand, str):
                continue
            parts = tuple(
                self._part(operand, c.definition, c.expression, rows) for c in definition.components
            )
            element = ".".join(step.name for step in operand)
            found.append(Composite(operand, f"{element}({expressions})", parts))
        return tuple(found)

    def _part(
        self,
        element: tuple[Step, ...],
        url: str,
        expression: str,
        rows: Mapping[str, Parameter],
    ) -> Part:
        definition = self._by_url[url]
        operands: tuple[Operand, ...] = tuple(
            operand if (path := steps(operand)) is None else path for operand in union(expression)
        )
        wanted = {_joined(element, operand) for operand in operands}
        same = (
            code
            for code, row in rows.items()
            if row.kind == definition.type and wanted <= set(row.operands) and row.code in row.slots
        )
        return Part(next(same, ""), definition.type, definition.target, operands)


def _without_target(operand: Operand) -> Operand:
    """``subject`` for ``subject.where(resolve() is Patient)``."""
    if not isinstance(operand, str) and operand[-1] == Step("target", "Patient"):
        return operand[:-1]
    return operand


def _joined(element: tuple[Step, ...], operand: Operand) -> Operand:
    return operand if isinstance(operand, str) else (*element, *operand)


def _operands(type: str, expression: str) -> tuple[Operand, ...]:
    """The operands that concern this type, without the type at their beginning."""
    found: list[Operand] = []
    for operand in union(expression):
        path = steps(operand)
        if path is None:
            found.append(operand)
        elif path[0].name in _INHERITED or path[0].name == type:
            found.append(path[1:])
        elif path[0].name[0].islower():
            # InsurancePlan-name and -phonetic are published without the type.
            found.append(path)
    return tuple(found)


def _slots(code: str, plain: Mapping[str, Parameter]) -> tuple[str, ...]:
    own = plain[code]
    wanted = set(own.operands)
    peers = [
        row
        for row in plain.values()
        if row.kind == own.kind and row.target == own.target and set(row.operands) <= wanted
    ]
    same = [row.code for row in peers if set(row.operands) == wanted]
    parts: list[str] = []
    missing = set(wanted)
    for row in sorted(peers, key=lambda row: -len(row.operands)):
        if set(row.operands) < wanted and not missing.isdisjoint(row.operands):
            parts.append(row.code)
            missing -= set(row.operands)
    return tuple(parts) if parts and not missing else (same[0],)
