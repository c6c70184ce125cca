"""From a resource to everything that search stores about it, in one pass over its properties.

https://hl7.org/fhir/R4/searchparameter.html

The plain paths of all parameters of a type are laid into one tree, so that only the properties a
resource really has cost anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.expression import compile as compile_fhirpath
from fhir_server.search.hot import is_hot
from fhir_server.search.kind import Slot
from fhir_server.search.parameters import Registry
from fhir_server.search.paths import Leaf, leaves
from fhir_server.search.types import composite
from fhir_server.search.types.missing import GROUP, presence_hashes
from fhir_server.search.types.reference import local, refers_to
from fhir_server.search.types.table import TYPES
from fhir_server.store.rows import IndexRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fhir_server.r4.definitions import Definitions
    from fhir_server.r4.fhirpath.expression import Expression
    from fhir_server.r4.json import Json
    from fhir_server.search.hashes import Hasher
    from fhir_server.search.kind import Index
    from fhir_server.search.parameters import Composite, Operand, Parameter, Part

_RESOURCE = "%resource."


@dataclass(slots=True)
class _Work:
    """One resource being indexed; ``present`` has a bit per parameter that has a value."""

    resource: Json
    rows: IndexRows = field(default_factory=IndexRows)
    present: int = 0
    patients: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class _Entry:
    """What to do with a value: bits of ``_Work.present`` to set, rows to add."""

    act: Callable[[object, _Work], None] | None
    bits: int
    target: str | None


@dataclass(slots=True)
class _Branch:
    """A property in the tree of paths; ``where`` is (property, literal) that must hold."""

    where: tuple[str, str] | None = None
    entries: list[_Entry] = field(default_factory=list[_Entry])
    children: dict[str, list[_Branch]] = field(default_factory=dict[str, "list[_Branch]"])


@dataclass(frozen=True, slots=True)
class _TypeIndex:
    """Everything compiled for one resource type."""

    root: _Branch
    presence: tuple[tuple[int, ...], ...]


class Indexer:
    """Index rows of resources; compiled per type when the first of it comes."""

    def __init__(self, definitions: Definitions, hasher: Hasher, base_url: str) -> None:
        self.registry = Registry(definitions)
        self._definitions = definitions
        self._hasher = hasher
        self._base_url = base_url
        self._types: dict[str, _TypeIndex] = {}

    def rows(self, resource: Json) -> IndexRows:
        """What search stores about a resource; values of a wrong JSON type add nothing."""
        type_: str = resource["resourceType"]
        compiled = self._types.get(type_)
        if compiled is None:
            compiled = self._types.setdefault(type_, self._compile(type_))
        work = _Work(resource)
        _walk(compiled.root, resource, work)
        if type_ == "Patient" and isinstance(resource.get("id"), str):
            work.patients.add(resource["id"])
        return self._finished(work, compiled)

    def _finished(self, work: _Work, compiled: _TypeIndex) -> IndexRows:
        rows = work.rows
        rows.pats = tuple(sorted(self._hasher.patient(id_) for id_ in work.patients))
        tokens = rows.tokens
        if len(rows.pats) > 1:
            # Which patients, where the column can only say: several.
            tokens.extend(rows.pats)
        present = work.present
        for group in compiled.presence:
            tokens.append(group[present & (1 << GROUP) - 1])
            present >>= GROUP
        rows.tokens = list(dict.fromkeys(tokens))
        rows.hot = list(dict.fromkeys(rows.hot))
        rows.numbers = list(dict.fromkeys(rows.numbers))
        rows.strings = list(dict.fromkeys(rows.strings))
        rows.periods = list(dict.fromkeys(rows.periods))
        return rows

    def _compile(self, type: str) -> _TypeIndex:
        root = _Branch()
        parameters = self.registry.of(type)
        compartment = self._definitions.compartments["Patient"].get(type, ())
        for parameter in parameters.values():
            for operand in parameter.operands:
                self._lay(root, parameter, operand)
                if parameter.code in compartment and not isinstance(operand, str):
                    for leaf in leaves(self._definitions, type, operand):
                        _put(root, leaf, _Entry(self._note_patient, 0, leaf.target))
            for element in parameter.composites:
                self._lay_composite(root, parameter, element)
        counted = 1 + max((p.presence for p in parameters.values()), default=-1)
        groups = -(-counted // GROUP)
        return _TypeIndex(root, presence_hashes(self._hasher, type, groups))

    def _lay(self, root: _Branch, parameter: Parameter, operand: Operand) -> None:
        if parameter.kind == "composite":
            return
        bits = 1 << parameter.presence if parameter.presence >= 0 else 0
        if isinstance(operand, str):
            expression = compile_fhirpath(operand, context_type=parameter.type)
            index = TYPES[parameter.kind].index
            act = partial(_evaluate, expression, index, self._slot(parameter), bits)
            root.entries.append(_Entry(act, 0, None))
            return
        for leaf in leaves(self._definitions, parameter.type, operand):
            act = None
            if parameter.slots == (parameter.code,):
                index = TYPES[parameter.kind].index
                act = partial(_index, index, self._slot(parameter, leaf.valueset), leaf.type_code)
            _put(root, leaf, _Entry(act, bits, leaf.target))

    def _slot(self, parameter: Parameter, valueset: str | None = None, code: str = "") -> Slot:
        name = code or parameter.code
        return Slot(
            hash=partial(self._hasher.hash, parameter.type, name),
            base_url=self._base_url,
            hot=is_hot(parameter.type, name),
            leading=parameter.leading,
            single=parameter.single,
            many=len(parameter.target) != 1,
            everywhere=parameter.code.startswith("_"),
            systems=self._systems(valueset),
        )

    def _systems(self, valueset: str | None) -> Mapping[str, str]:
        expansion = self._definitions.expansion(valueset) if valueset else None
        return {code: system for system, code in expansion or ()}

    def _note_patient(self, value: object, work: _Work) -> None:
        literal = cast("Json", value).get("reference") if isinstance(value, dict) else None
        if isinstance(literal, str):
            parsed = local(literal, self._base_url)
            if parsed is not None and parsed.type == "Patient" and parsed.id:
                work.patients.add(parsed.id)

    def _lay_composite(self, root: _Branch, parameter: Parameter, element: Composite) -> None:
        if composite.is_of_the_resource(element) or not self._owns(parameter, element):
            return
        slot = self._slot(parameter, code=element.slot)
        for leaf in leaves(self._definitions, parameter.type, element.element):
            parts = [self._part_values(leaf, part, parameter.type) for part in element.parts]
            act = partial(_index_element, slot, tuple(parts))
            if element.element:
                _put(root, leaf, _Entry(act, 0, None))
            else:
                root.entries.append(_Entry(act, 0, None))

    def _owns(self, parameter: Parameter, element: Composite) -> bool:
        """The first parameter with a slot fills it."""
        owners = (
            other.code
            for other in self.registry.of(parameter.type).values()
            for one in other.composites
            if one.slot == element.slot
        )
        return next(owners) == parameter.code

    def _part_values(self, element: Leaf, part: Part, type: str) -> _PartValues:
        found: list[tuple[bool, Leaf]] = []
        for operand in part.operands:
            from_root = isinstance(operand, str) and operand.startswith(_RESOURCE)
            path = composite.part_path(operand)
            start = type if from_root else element.path
            found.extend((from_root, leaf) for leaf in leaves(self._definitions, start, path))
        return _PartValues(part.kind, tuple(found))


@dataclass(frozen=True, slots=True)
class _PartValues:
    """Where the values of one component stand: below the resource (True) or below the element."""

    kind: str
    leaves: tuple[tuple[bool, Leaf], ...]


def _index(index: Index, slot: Slot, type_code: str, value: object, work: _Work) -> None:
    index(slot, value, type_code, work.rows)


def _evaluate(
    expression: Expression, index: Index, slot: Slot, bits: int, value: object, work: _Work
) -> None:
    try:
        nodes = expression.evaluate(cast("Json", value))
    except FhirPathError:
        # A value of a wrong JSON type; validation says so, the index just leaves it out.
        return
    for node in nodes:
        work.present |= bits
        index(slot, node.value, node.type.removeprefix("System."), work.rows)


def _index_element(slot: Slot, parts: tuple[_PartValues, ...], value: object, work: _Work) -> None:
    components = [
        [
            piece
            for from_root, leaf in part.leaves
            for found in _values(work.resource if from_root else value, leaf, 0)
            for piece in composite.pieces(part.kind, slot, found, leaf.type_code)
        ]
        for part in parts
    ]
    composite.index_element(slot, components, work.rows)


def _put(root: _Branch, leaf: Leaf, entry: _Entry) -> None:
    branch = root
    for place in leaf.places:
        siblings = branch.children.setdefault(place.property, [])
        found = next((b for b in siblings if b.where == place.where), None)
        if found is None:
            found = _Branch(place.where)
            siblings.append(found)
        branch = found
    same = next(
        (
            e
            for e in branch.entries
            if e.act is None and entry.act is None and e.target == entry.target
        ),
        None,
    )
    if same is not None:
        branch.entries.remove(same)
        entry = _Entry(None, same.bits | entry.bits, entry.target)
    branch.entries.append(entry)


def _walk(branch: _Branch, value: object, work: _Work) -> None:
    if type(value) is list:
        for item in cast("list[object]", value):
            _walk(branch, item, work)
        return
    if value is None or (branch.where is not None and not _holds(branch.where, value)):
        return
    for entry in branch.entries:
        if entry.target is None or refers_to(value, entry.target, work.resource):
            work.present |= entry.bits
            if entry.act is not None:
                entry.act(value, work)
    children = branch.children
    if children and type(value) is dict:
        for name, inner in cast("Json", value).items():
            for child in children.get(name, ()):
                _walk(child, inner, work)


def _holds(where: tuple[str, str], value: object) -> bool:
    return isinstance(value, dict) and cast("Json", value).get(where[0]) == where[1]


def _values(value: object, leaf: Leaf, depth: int) -> Iterator[Any]:
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _values(item, leaf, depth)
    elif depth == len(leaf.places):
        if value is not None:
            yield value
    elif isinstance(value, dict):
        place = leaf.places[depth]
        inner: object = cast("Json", value).get(place.property)
        yield from _values(inner, leaf, depth + 1)
