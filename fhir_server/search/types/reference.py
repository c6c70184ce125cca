"""Reference search parameters.

https://hl7.org/fhir/R4/search.html#reference
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from fhir_server.r4 import reference as r4
from fhir_server.search.escapes import unescape
from fhir_server.search.hot import DENSE_TARGETS
from fhir_server.search.kind import (
    Asked,
    Component,
    Condition,
    Modifier,
    Piece,
    SearchType,
    holds,
)
from fhir_server.search.types import token
from fhir_server.search.types.body import sorted_by_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.json import Json
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.store.rows import IndexRows

# Forms of hashes: Type/id, id alone, another URL, either of them with its version; the forms of
# tokens follow IDENTIFIER for Reference.identifier.
LOCAL = "r"
ID = "i"
URL = "u"
VERSIONED = "v"
IDENTIFIER = "id"

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A reference asked for: the form that finds it; ``patient`` is the id of a local Patient."""

    form: tuple[str, ...]
    patient: str = ""


def forms(slot: Slot, value: object) -> Iterator[tuple[str, ...]]:
    """The forms that a Reference, canonical, uri or contained resource can be found by."""
    if isinstance(value, str):
        yield from _canonical_forms(slot, value)
    elif isinstance(value, dict):
        found = cast("Json", value)
        literal: object = found.get("reference")
        if isinstance(literal, str):
            yield from _literal_forms(slot, literal)
        identifier: object = found.get("identifier")
        if isinstance(identifier, dict) and "resourceType" not in found:
            named = cast("Json", identifier)
            for form in token.coded(named.get("system"), named.get("value")):
                yield IDENTIFIER, *form
        if isinstance(found.get("resourceType"), str) and isinstance(found.get("id"), str):
            yield from _literal_forms(slot, f"{found['resourceType']}/{found['id']}")


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:  # noqa: ARG001
    """One hash per form."""
    alone = _alone(value)
    kept = None if alone is None else slot.kept.get(alone)
    if kept is None:
        kept = tuple([slot.hash(*form) for form in forms(slot, value)])
        if alone is not None:
            slot.keep(alone, kept)
    rows.tokens.extend(kept)


def _alone(value: object) -> object:
    """What tells a canonical, or a Reference that is only a literal, from others; else None."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        found = cast("Json", value)
        literal: object = found.get("reference")
        if len(found) == 1 and isinstance(literal, str):
            return (literal,)
    return None


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Target:  # noqa: ARG001
    """``id``, ``Type/id`` or a URL; each with a version or without."""
    return _target(parameter, unescape(text), reading)


def read_typed(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Target:
    """``:Patient=23`` is ``=Patient/23``."""
    plain = unescape(text)
    if parameter.target and modifier not in parameter.target:
        raise ValueError(f"never refers to a {modifier}")
    target = _target(parameter, plain if "/" in plain else f"{modifier}/{plain}", reading)
    if target.form[0] in {LOCAL, VERSIONED} and not target.form[1].startswith(f"{modifier}/"):
        raise ValueError(f"names another type than {modifier}")
    return target


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the targets."""
    parameter = criterion.parameter
    targets = [cast("Target", value) for value in criterion.values]
    tokens = tuple(
        scope.hash(parameter.type, slot, *target.form)
        for target in targets
        for slot in parameter.slots
    )
    found = holds(tokens, few=DENSE_TARGETS.isdisjoint(parameter.target))
    if not parameter.patients or not all(target.patient for target in targets):
        return found
    patients = tuple(scope.hasher.patient(target.patient) for target in targets)
    return Condition(found.text, found.values, tokens, few=found.few, patients=patients)


def compare_identifier(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the identifiers, as the reference itself carries them."""
    parameter = criterion.parameter
    return holds(
        tuple(
            scope.hash(
                parameter.type, slot, IDENTIFIER, *token.asked_form(cast("token.Token", value))
            )
            for value in criterion.values
            for slot in parameter.slots
        ),
        few=True,
    )


def refers_to(value: object, type: str, resource: Json) -> bool:
    """Whether a Reference's literal names a resource of this type, perhaps a contained one."""
    literal = cast("Json", value).get("reference") if isinstance(value, dict) else value
    if not isinstance(literal, str):
        return False
    if literal.startswith("#"):
        contained: object = resource.get("contained")
        return any(
            isinstance(one, dict)
            and cast("Json", one).get("id") == literal[1:]
            and cast("Json", one).get("resourceType") == type
            for one in (cast("list[object]", contained) if isinstance(contained, list) else [])
        )
    return literal.startswith(type + "/") or f"/{type}/" in literal


@lru_cache(maxsize=8192)
def local(text: str, base_url: str) -> r4.Reference | None:
    """A reference into this server, None for any other."""
    parsed = r4.relative(text, base_url)
    return parsed if parsed.kind == "relative" else None


def _literal_forms(slot: Slot, text: str) -> Iterator[tuple[str, ...]]:
    parsed = r4.relative(text, slot.base_url)
    if parsed.kind == "relative" and parsed.type and parsed.id:
        yield LOCAL, f"{parsed.type}/{parsed.id}"
        if slot.many:
            yield ID, parsed.id
        if parsed.version:
            yield VERSIONED, f"{parsed.type}/{parsed.id}/_history/{parsed.version}"
    elif parsed.kind == "absolute" and parsed.version:
        yield URL, text.partition("/_history/")[0]
        yield VERSIONED, text
    elif parsed.kind != "fragment":
        yield from _url_forms(text)


def _canonical_forms(slot: Slot, text: str) -> Iterator[tuple[str, ...]]:
    if "|" in text:
        yield from _url_forms(text)
    else:
        yield from _literal_forms(slot, text)


def _url_forms(text: str) -> Iterator[tuple[str, ...]]:
    canonical = r4.parse_canonical(text)
    yield URL, canonical.url
    if canonical.version:
        yield VERSIONED, f"{canonical.url}|{canonical.version}"


def _target(parameter: Parameter, text: str, reading: Reading) -> Target:
    if "/" not in text and ":" not in text:
        return _by_id(parameter, text)
    parsed = r4.relative(text, reading.base_url)
    if parsed.kind == "relative" and parsed.type and parsed.id:
        patient = parsed.id if parsed.type == "Patient" else ""
        if parsed.version:
            versioned = f"{parsed.type}/{parsed.id}/_history/{parsed.version}"
            return Target((VERSIONED, versioned), patient)
        return Target((LOCAL, f"{parsed.type}/{parsed.id}"), patient)
    if parsed.kind == "absolute" and parsed.version:
        return Target((VERSIONED, text))
    if parsed.kind in {"malformed", "conditional", "fragment"}:
        raise ValueError(f"{text[:100]!r} is not an id, Type/id or URL")
    canonical = r4.parse_canonical(text)
    if canonical.version:
        return Target((VERSIONED, f"{canonical.url}|{canonical.version}"))
    return Target((URL, canonical.url))


def _by_id(parameter: Parameter, text: str) -> Target:
    if not _ID.fullmatch(text):
        raise ValueError(f"{text[:100]!r} is not an id, Type/id or URL")
    if len(parameter.target) == 1:
        (type_,) = parameter.target
        return Target((LOCAL, f"{type_}/{text}"), text if type_ == "Patient" else "")
    return Target((ID, text))


def _pieces(slot: Slot, value: object, type_code: str) -> list[Piece]:  # noqa: ARG001
    return [Piece(form) for form in forms(slot, value)]


def _asked(value: object) -> list[Asked]:
    return [Asked(cast("Target", value).form)]


TYPE = SearchType(
    index=index,
    modifiers={
        "": Modifier(read, compare),
        "identifier": Modifier(token.read, compare_identifier),
    },
    sort=sorted_by_text,
    by_type=Modifier(read_typed, compare),
    component=Component(_pieces, _asked),
)
