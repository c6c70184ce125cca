"""Resources that fill every element of a type, for tests that must reach all of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.r4.definitions import definitions

if TYPE_CHECKING:
    from fhir_server.r4.definitions import Child, Element

DEPTH = 6
VALUES: dict[str, Any] = {
    "boolean": True,
    "integer": 1,
    "positiveInt": 1,
    "unsignedInt": 1,
    "decimal": Decimal("1.50"),
    "date": "2020-02-03",
    "dateTime": "2020-02-03T04:05:06Z",
    "instant": "2020-02-03T04:05:06.789Z",
    "time": "04:05:06",
    "uri": "urn:x",
    "url": "http://example.org/x",
    "canonical": "http://example.org/x|1",
    "oid": "urn:oid:1.2.3",
    "uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "base64Binary": "AAAA",
    "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
}


def resource(type: str, variant: int = 0) -> dict[str, Any]:
    """Every element once, lists with two items; a choice takes its type number ``variant``."""
    return {"resourceType": type, **_object(type, variant, 1)}


def _object(path: str, variant: int, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    choices: dict[str, list[str]] = {}
    children = definitions().children(path)
    for name, child in children.items():
        choices.setdefault(child.element.path, []).append(name)
    for names in choices.values():
        name = names[variant % len(names)]
        child = children[name]
        value = _value(child, variant, depth)
        if value is not None:
            many = child.element.max is None or child.element.max > 1
            found[name] = [value, value] if many else value
    return found


def _value(child: Child, variant: int, depth: int) -> Any:
    code = child.type_code
    if code in ("Extension", "Resource"):
        return None
    if code == "Reference":
        return _reference(child.element, variant)
    if code in VALUES:
        return VALUES[code]
    definition = definitions().types.get(child.path_of_children)
    if definition is not None and definition.kind == "primitive-type":
        return f"{child.element.name}-{depth}"
    below = _object(child.path_of_children, variant, depth + 1) if depth < DEPTH else {}
    return below if below.keys() - {"id"} else None


def _reference(element: Element, variant: int) -> dict[str, Any]:
    targets = next(t.targets for t in element.types if t.code == "Reference") or ("Patient",)
    target = targets[variant % len(targets)]
    target = "Patient" if target == "Resource" else target
    return {"reference": f"{target}/1", "identifier": {"system": "urn:s", "value": "v"}}
