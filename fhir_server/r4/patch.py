"""What both kinds of patch have in common: how they fail, and what they must not change.

https://hl7.org/fhir/R4/http.html#patch

A patch document that cannot be understood is a 400; one that is understood and cannot be applied
to this resource is a 422. Both name the operation, counted from 0 as in the document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fhir_server.r4.outcome import FhirError, Issue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.r4.json import Json

MAX_DEPTH = 150
"""Levels of nesting in a patched resource: what was stored must decode again."""


def not_understood(operation: int | None, text: str) -> FhirError:
    """400: the patch document itself is wrong."""
    return FhirError(400, [Issue("structure", _located(operation, text))])


def not_applicable(operation: int | None, text: str, code: str = "processing") -> FhirError:
    """422: the operation does not fit the resource as it is."""
    return FhirError(422, [Issue(code, _located(operation, text))])


def checked(before: Json, after: object) -> Json:
    """The patched resource; 422 where a patch touched what only the server may set."""
    if not isinstance(after, dict):
        raise not_applicable(None, "the patched document is not a resource")
    patched = cast("Json", after)
    for name in ("resourceType", "id"):
        if patched.get(name) != before.get(name):
            raise not_applicable(None, f"a patch must not change {name}", "business-rule")
    version = _version(patched)
    if version is not None and version != _version(before):
        raise not_applicable(None, "a patch must not change meta.versionId", "business-rule")
    if _deeper_than(patched, MAX_DEPTH):
        raise not_applicable(None, f"the result nests deeper than {MAX_DEPTH} levels", "too-costly")
    return patched


def _located(operation: int | None, text: str) -> str:
    place = "Patch" if operation is None else f"Patch operation[{operation}]"
    return f"{place}: {text}"


def _version(resource: Json) -> object:
    meta: object = resource.get("meta")
    return cast("Json", meta).get("versionId") if isinstance(meta, dict) else None


def _deeper_than(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        inner: Iterable[object] = cast("Json", value).values()
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    else:
        return False
    return levels == 0 or any(_deeper_than(child, levels - 1) for child in inner)
