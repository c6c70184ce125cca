"""Required bindings: the code must be one of the value set.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fhir_server.r4.definitions import definitions
from fhir_server.validation.primitives import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.r4.definitions import Element

MOST_SHOWN = 12


def binding_check(element: Element, type_code: str) -> Callable[[Any], str | None] | None:
    """A function from a value to what is wrong with its code.

    None where the element has no required binding or its value set cannot be expanded from the
    definitions alone.
    """
    binding = element.binding
    if binding is None or binding.strength != "required":
        return None
    members = definitions().expansion(binding.valueset)
    if members is None:
        return None
    if type_code == "Coding":
        return _coding(members, binding.valueset)
    if type_code == "CodeableConcept":
        return _concept(members, binding.valueset)
    if type_code in {"code", "string", "uri"}:
        return _code(frozenset(code for _, code in members))
    return None


def _code(codes: frozenset[str]) -> Callable[[Any], str | None]:
    listed = _listed(codes)

    def check(value: object) -> str | None:
        return None if value in codes else f"{shown(value)} is not one of {listed}"

    return check


def _coding(members: frozenset[tuple[str, str]], url: str) -> Callable[[Any], str | None]:
    listed = _listed(frozenset(code for _, code in members))

    def check(value: dict[str, Any]) -> str | None:
        if (value.get("system"), value.get("code")) in members:
            return None
        given = f"{value.get('system', '')}|{value.get('code', '')}"
        return f"{given!r} is not in the required value set {url} ({listed})"

    return check


def _concept(members: frozenset[tuple[str, str]], url: str) -> Callable[[Any], str | None]:
    listed = _listed(frozenset(code for _, code in members))

    def check(value: dict[str, Any]) -> str | None:
        codings = value.get("coding")
        if not isinstance(codings, list):
            return f"a coding from the required value set {url} is missing ({listed})"
        for coding in cast("list[object]", codings):
            if not isinstance(coding, dict):
                continue
            given = cast("dict[str, object]", coding)
            if (given.get("system"), given.get("code")) in members:
                return None
        return f"no coding is in the required value set {url} ({listed})"

    return check


def _listed(codes: frozenset[str]) -> str:
    ordered = sorted(codes)
    more = f" | … ({len(ordered)} in all)" if len(ordered) > MOST_SHOWN else ""
    return " | ".join(ordered[:MOST_SHOWN]) + more
