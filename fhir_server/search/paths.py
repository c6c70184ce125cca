"""Search expressions that are plain paths, taken apart so that one pass finds all their values.

Nine in ten expressions of R4 are paths with at most a type, an equality or the type of a
reference's target beside them; the FHIRPath engine evaluates the others.
https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.definitions import Child, Definitions

StepKind = Literal["property", "as", "where", "target", "extension"]

_TOKEN = re.compile(
    r"""where\(resolve\(\)\ is\ (?P<target>\w+)\)
      | where\((?P<property>\w+)\ ?=\ ?'(?P<literal>[^']*)'\)
      | extension\('(?P<url>[^']*)'\)
      | (?:as|ofType)\((?P<as>\w+)\)
      | (?P<name>\w+)""",
    re.VERBOSE | re.ASCII,
)
# Observation-code-value-date writes the type this way.
_MISSPELT = {"DateTime": "dateTime"}
_TYPED = re.compile(r"\((?P<path>[\w.]+) as (?P<as>\w+)\)(?P<rest>\..+)?", re.ASCII)
_TYPED_TAIL = re.compile(r"(?P<path>[\w.]+) as (?P<as>\w+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path; ``name`` is a property, a type or a URL, ``literal`` what it equals."""

    kind: StepKind
    name: str
    literal: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A property to go into; only elements for which ``where`` holds are followed."""

    property: str
    where: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where values of a path stand: places from the start, then the values' type.

    ``path`` is where its children are defined, ``element`` where it is itself; ``single`` says
    that a resource has one at most. ``valueset`` is that of a required binding; ``target`` the
    only type of reference kept, ``targets`` those that the element may point at.
    """

    places: tuple[Place, ...]
    type_code: str
    path: str
    element: str = ""
    single: bool = True
    valueset: str | None = None
    target: str | None = None
    targets: tuple[str, ...] = ()


def union(expression: str) -> tuple[str, ...]:
    """The operands of ``|`` at the top, without enclosing parentheses."""
    operands: list[str] = []
    depth, start = 0, 0
    for position, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            operands.append(expression[start:position].strip())
            start = position + 1
    operands.append(expression[start:].strip())
    inner = operands[0]
    if len(operands) == 1 and _enclosed(inner) and "|" in inner:
        return union(inner[1:-1])
    return tuple(operands)


def steps(operand: str) -> tuple[Step, ...] | None:
    """The steps of a plain path, None for anything else."""
    typed = _TYPED.fullmatch(operand) or _TYPED_TAIL.fullmatch(operand)
    if typed is not None:
        rest = typed.groupdict().get("rest") or ""
        operand = f"{typed['path']}.as({typed['as']}){rest}"
    elif _enclosed(operand):
        return steps(operand[1:-1])
    found: list[Step] = []
    position = 0
    while position < len(operand):
        match = _TOKEN.match(operand, position)
        if match is None:
            return None
        found.append(_step(match))
        position = match.end()
        if position < len(operand):
            if operand[position] != ".":
                return None
            position += 1
    return tuple(found)


def leaves(definitions: Definitions, start: str, path: tuple[Step, ...]) -> tuple[Leaf, ...]:
    """Where the values of a path from an element or type stand; empty if it leads nowhere."""
    return tuple(_follow(definitions, Leaf((), start.partition(".")[0], start), path))


def _follow(definitions: Definitions, at: Leaf, path: tuple[Step, ...]) -> Iterator[Leaf]:
    if not path:
        yield at
        return
    step, rest = path[0], path[1:]
    if step.kind == "as":
        if _is_a(definitions, at.type_code, step.name):
            yield from _follow(definitions, at, rest)
    elif step.kind == "target":
        yield from _follow(definitions, replace(at, target=step.name), rest)
    elif step.kind == "where":
        last = Place(at.places[-1].property, (step.name, step.literal))
        narrowed = replace(at, places=(*at.places[:-1], last))
        yield from _follow(definitions, narrowed, rest)
    else:
        for leaf in _below(definitions, at, step):
            yield from _follow(definitions, leaf, rest)


def _is_a(definitions: Definitions, type: str, ancestor: str) -> bool:
    """Whether a type is another or specialises it: a canonical is a uri."""
    if type == ancestor:
        return True
    defined = definitions.types.get(type)
    return defined is not None and defined.base == ancestor


def _below(definitions: Definitions, at: Leaf, step: Step) -> Iterator[Leaf]:
    if step.kind == "extension":
        places = (*at.places, Place("extension", ("url", step.name)))
        yield replace(at, places=places, type_code="Extension", path="Extension", single=False)
        return
    for name, child in definitions.children(at.path).items():
        if child.element.name == step.name:
            yield _child(at, name, child)


def _child(at: Leaf, name: str, child: Child) -> Leaf:
    binding = child.element.binding
    required = binding is not None and binding.strength == "required" and child.type_code == "code"
    return Leaf(
        places=(*at.places, Place(name)),
        type_code=child.type_code,
        path=child.path_of_children,
        element=child.element.path,
        single=at.single and child.element.max == 1,
        valueset=binding.valueset if required and binding else None,
        targets=next((t.targets for t in child.element.types if t.code == child.type_code), ()),
    )


def _step(match: re.Match[str]) -> Step:
    groups = match.groupdict()
    if groups["target"]:
        return Step("target", groups["target"])
    if groups["property"]:
        return Step("where", groups["property"], groups["literal"])
    if groups["url"]:
        return Step("extension", groups["url"])
    if groups["as"]:
        return Step("as", _MISSPELT.get(groups["as"], groups["as"]))
    return Step("property", groups["name"])


def _enclosed(text: str) -> bool:
    """Whether the first parenthesis closes at the very end."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position == len(text) - 1
    return False
