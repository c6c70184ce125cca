"""The FHIR R4 definitions: types, elements, search parameters, compartments, operations.

https://hl7.org/fhir/R4/structuredefinition.html
https://hl7.org/fhir/R4/searchparameter.html

Read from the tables that compile_definitions.py writes; a part is read when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from fhir_server.r4.definitions_errata import CONSTRAINTS, SEARCH_PARAMETERS
from fhir_server.r4.definitions_operations import Operation, operation
from fhir_server.r4.definitions_tables import read_table
from fhir_server.r4.definitions_terminology import Terminology

if TYPE_CHECKING:
    from fhir_server.r4.definitions_terminology import CodeSystem
    from fhir_server.r4.json import Json

Kind = Literal["resource", "complex-type", "primitive-type"]

_SEPARATE_CHILDREN = frozenset({"BackboneElement", "Element"})


@dataclass(frozen=True, slots=True)
class ElementType:
    """One type that an element may have.

    ``targets`` are the types a Reference or canonical may point at, ``profiles`` the profiles
    that narrow the type (SimpleQuantity).
    """

    code: str
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """``valueset`` is the canonical URL without a version."""

    strength: str
    valueset: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element; ``path`` as in the definition ("Observation.value[x]"), ``name`` "value".

    ``content`` is the path whose elements this one repeats (contentReference). ``constraints``
    are keys into ``Definitions.constraints``.
    """

    path: str
    name: str
    choice: bool
    min: int
    max: int | None
    types: tuple[ElementType, ...]
    content: str | None
    binding: Binding | None
    summary: bool
    modifier: bool
    constraints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A JSON property below a path; its own children stand under ``path_of_children``.

    The first segment of ``path_of_children`` names the type that resolves it.
    """

    element: Element
    type_code: str
    path_of_children: str


@dataclass(frozen=True)
class TypeDefinition:
    """A resource or data type; ``elements`` in canonical order, inherited ones included."""

    name: str
    kind: Kind
    base: str | None
    abstract: bool
    url: str
    elements: tuple[Element, ...]
    regex: str | None

    def children(self, path: str) -> Mapping[str, Child]:
        """The JSON properties below a path of this type, in canonical order.

        A choice has one property per type ("valueQuantity"); "_status" and "resourceType" are
        not listed. An unknown path has no children.
        """
        return self._children.get(path, _NO_CHILDREN)

    @cached_property
    def _children(self) -> dict[str, Mapping[str, Child]]:
        below: dict[str, dict[str, Child]] = {}
        for element in self.elements[1:]:
            siblings = below.setdefault(element.path.rpartition(".")[0], {})
            for property_, child in _properties(element):
                siblings[property_] = child
        return {path: MappingProxyType(children) for path, children in below.items()}


def _properties(element: Element) -> Iterator[tuple[str, Child]]:
    if element.content is not None:
        yield element.name, Child(element, "BackboneElement", element.content)
    for type_ in element.types:
        code = type_.code
        name = element.name + code[0].upper() + code[1:] if element.choice else element.name
        path = element.path if code in _SEPARATE_CHILDREN else code
        yield name, Child(element, code, path)


_NO_CHILDREN: Mapping[str, Child] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite parameter: the parameter's URL and where to evaluate it."""

    definition: str
    expression: str


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter; ``expression`` is None for those that the server itself answers."""

    url: str
    code: str
    type: str
    base: tuple[str, ...]
    expression: str | None
    target: tuple[str, ...]
    components: tuple[Component, ...]
    multiple_or: bool
    multiple_and: bool
    comparators: tuple[str, ...]
    modifiers: tuple[str, ...]
    chains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant; ``key`` as published, also where the tables qualify it to be unique."""

    key: str
    severity: str
    human: str
    expression: str


class _Types(Mapping[str, TypeDefinition]):
    """Type definitions by name, built from their rows when first asked for."""

    def __init__(self, rows: list[Json]) -> None:
        self._rows = {row["name"]: row for row in rows}
        self._built: dict[str, TypeDefinition] = {}

    def __getitem__(self, name: str) -> TypeDefinition:
        try:
            return self._built[name]
        except KeyError:
            return self._built.setdefault(name, _type_definition(self._rows[name]))

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def concrete(self) -> tuple[str, ...]:
        """The resource types that can have instances."""
        rows = self._rows.items()
        return tuple(n for n, row in rows if row["kind"] == "resource" and not row["abstract"])


class Definitions:
    """Everything the tables hold, as typed values."""

    @cached_property
    def types(self) -> Mapping[str, TypeDefinition]:
        """All resources and data types by name."""
        return self._types

    @cached_property
    def _types(self) -> _Types:
        return _Types(read_table("types"))

    @cached_property
    def resource_types(self) -> tuple[str, ...]:
        """The 146 concrete resource types, in alphabetical order."""
        return self._types.concrete()

    @cached_property
    def endpoint_types(self) -> tuple[str, ...]:
        """The 145 that have an endpoint; https://hl7.org/fhir/R4/parameters.html has none."""
        return tuple(name for name in self.resource_types if name != "Parameters")

    def children(self, path: str) -> Mapping[str, Child]:
        """The JSON properties below a path, as ``Child.path_of_children`` names it."""
        definition = self.types.get(path.partition(".")[0])
        return _NO_CHILDREN if definition is None else definition.children(path)

    @cached_property
    def search_parameters(self) -> tuple[SearchParameter, ...]:
        """The usable search parameters, errata applied."""
        rows = (row | _search_erratum(row) for row in read_table("search_parameters"))
        return tuple(_search_parameter(row) for row in rows if row.get("base"))

    def search_parameters_of(self, type: str) -> Mapping[str, SearchParameter]:
        """By code, those of Resource and DomainResource first."""
        return self._search_parameters_by_type.get(type, MappingProxyType({}))

    @cached_property
    def _search_parameters_by_type(self) -> Mapping[str, Mapping[str, SearchParameter]]:
        own: dict[str, dict[str, SearchParameter]] = {}
        for parameter in self.search_parameters:
            for base in parameter.base:
                own.setdefault(base, {})[parameter.code] = parameter
        resource, domain = own.pop("Resource"), own.pop("DomainResource")
        return {
            name: MappingProxyType(
                resource | (domain if self._is_domain(name) else {}) | own.get(name, {})
            )
            for name in self.resource_types
        }

    def _is_domain(self, name: str) -> bool:
        return self.types[name].base == "DomainResource"

    @cached_property
    def compartments(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Compartment to type to parameter codes; types outside are absent."""
        table: dict[str, dict[str, list[str]]] = read_table("compartments")
        return {
            name: {type_: tuple(codes) for type_, codes in members.items()}
            for name, members in table.items()
        }

    @cached_property
    def constraints(self) -> Mapping[str, Constraint]:
        """Invariants by the keys that elements carry, errata applied."""
        table: dict[str, Json] = read_table("constraints")
        return {
            key: Constraint(**(row | {"expression": CONSTRAINTS.get(key, row["expression"])}))
            for key, row in table.items()
        }

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of the specification."""
        return tuple(operation(row) for row in read_table("operations"))

    @cached_property
    def _terminology(self) -> Terminology:
        return Terminology(read_table("valuesets"), read_table("codesystems"))

    @property
    def codesystems(self) -> Mapping[str, CodeSystem]:
        """The code systems of the package by URL, each parsed when first asked for."""
        return self._terminology.codesystems

    def expansion(self, valueset: str) -> frozenset[tuple[str, str]] | None:
        """(system, code) of a value set, or None if it needs more than the package holds."""
        return self._terminology.expansion(valueset)


@cache
def definitions() -> Definitions:
    """The definitions of FHIR R4 4.0.1."""
    return Definitions()


def _type_definition(row: Json) -> TypeDefinition:
    return TypeDefinition(
        name=row["name"],
        kind=row["kind"],
        base=row["base"] or None,
        abstract=row["abstract"],
        url=row["url"],
        elements=tuple(_element(e) for e in row["elements"]),
        regex=row.get("regex"),
    )


def _element(row: Json) -> Element:
    path: str = row["path"]
    name = path.rpartition(".")[2]
    maximum: str = row.get("max", "1")
    binding: list[str] | None = row.get("binding")
    return Element(
        path=path,
        name=name.removesuffix("[x]"),
        choice=name.endswith("[x]"),
        min=row.get("min", 0),
        max=None if maximum == "*" else int(maximum),
        types=tuple(
            ElementType(t[0], *(tuple(rest) for rest in t[1:])) for t in row.get("types", ())
        ),
        content=row.get("content"),
        binding=Binding(*binding) if binding else None,
        summary=row.get("summary", False),
        modifier=row.get("modifier", False),
        constraints=tuple(row.get("constraints", ())),
    )


def _search_erratum(row: Json) -> Json:
    erratum = SEARCH_PARAMETERS.get(row["url"])
    return {} if erratum is None else dict(erratum.change)


def _search_parameter(row: Json) -> SearchParameter:
    return SearchParameter(
        url=row["url"],
        code=row["code"],
        type=row["type"],
        base=tuple(row["base"]),
        expression=row.get("expression"),
        target=tuple(row.get("target", ())),
        components=tuple(Component(*pair) for pair in row.get("component", ())),
        multiple_or=row.get("multipleOr", True),
        multiple_and=row.get("multipleAnd", True),
        comparators=tuple(row.get("comparator", ())),
        modifiers=tuple(row.get("modifier", ())),
        chains=tuple(row.get("chain", ())),
    )
