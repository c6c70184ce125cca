"""The functions that FHIR adds. https://hl7.org/fhir/R4/fhirpath.html#functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.r4 import narrative
from fhir_server.r4.fhirpath import node as nodes
from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import EMPTY, Node, Nodes, boolean
from fhir_server.r4.fhirpath.types import kind
from fhir_server.r4.fhirpath.values import text
from fhir_server.r4.reference import parse

if TYPE_CHECKING:
    from fhir_server.r4.fhirpath.scope import Scope


def _extension(focus: Nodes, _: Scope, url: Nodes) -> Nodes:
    wanted = text(url)
    return [
        found
        for node in focus
        for found in nodes.child(node, "extension")
        if found.value.get("url") == wanted
    ]


def _has_extension(focus: Nodes, scope: Scope, url: Nodes) -> Nodes:
    return boolean(bool(_extension(focus, scope, url)))


def _has_value(focus: Nodes, _: Scope) -> Nodes:
    return boolean(len(focus) == 1 and _is_primitive(focus[0]) and focus[0].value is not None)


def _get_value(focus: Nodes, scope: Scope) -> Nodes:
    return focus if _has_value(focus, scope)[0].value else EMPTY


def _is_primitive(node: Node) -> bool:
    return kind(node.type) not in {"complex", "quantity"}


def _resolve(focus: Nodes, scope: Scope) -> Nodes:
    """The targets of references; unknown ones as no more than type and id.

    R4's own expressions resolve only to ask for the type, which the reference tells.
    """
    return [target for node in focus if (target := _target(node, scope)) is not None]


def _target(node: Node, scope: Scope) -> Node | None:
    value: Any = node.value
    named: str | None = None
    if value.__class__ is dict:
        named = value.get("type")
        value = value.get("reference")
    if not isinstance(value, str):
        return None
    found = _contained(value, scope) or _entry(value, scope)
    if found is None and scope.run.resolver is not None:
        found = scope.run.resolver(value)
    if found is not None:
        return nodes.root(found, "Resource")
    reference = parse(value)
    type_ = reference.type or named
    if type_ is None or reference.kind == "fragment":
        return None
    return Node({"resourceType": type_, "id": reference.id or ""}, type_, type_)


def _contained(reference: str, scope: Scope) -> dict[str, Any] | None:
    if not reference.startswith("#"):
        return None
    container: Any = scope.run.root.value
    if reference == "#":
        return container
    for resource in container.get("contained", ()):
        if resource.get("id") == reference[1:]:
            return resource
    return None


def _entry(reference: str, scope: Scope) -> dict[str, Any] | None:
    """A target in the same Bundle: https://hl7.org/fhir/R4/bundle.html#references."""
    bundle: Any = scope.run.root.value
    if scope.run.root.type != "Bundle":
        return None
    for entry in bundle.get("entry", ()):
        if entry.get("fullUrl") == reference:
            return entry.get("resource")
    return None


def _html_checks(focus: Nodes, _: Scope) -> Nodes:
    """https://hl7.org/fhir/R4/narrative.html: elements, attributes, and that there is content."""
    return boolean(all(narrative.fault(str(node.value)) is None for node in focus))


FUNCTIONS = {
    "extension": Function(_extension, ("value",)),
    "hasExtension": Function(_has_extension, ("value",)),
    "hasValue": Function(_has_value),
    "getValue": Function(_get_value),
    "resolve": Function(_resolve),
    "htmlChecks": Function(_html_checks),
}
