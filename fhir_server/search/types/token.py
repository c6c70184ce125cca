"""Token search parameters.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from fhir_server.r4.definitions import definitions
from fhir_server.search.escapes import split, unescape
from fhir_server.search.kind import (
    Asked,
    Component,
    Condition,
    Modifier,
    Piece,
    SearchType,
    holds,
    negated,
)
from fhir_server.search.types.body import sorted_by_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.json import Json
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.store.rows import IndexRows

# Forms of hashes: a code in any system, in a system ("" for none), any code of a system.
CODE = "c"
SYSTEM_CODE = "sc"
SYSTEM = "s"
OF_TYPE = "t"

# Not among the definitions' code systems; its own specification says that case matters.
_CASE_SENSITIVE = frozenset({"http://unitsofmeasure.org"})
_NUMBER_TYPES = (int, str)


@dataclass(frozen=True, slots=True)
class Token:
    """A value asked for; ``system`` is None for any, "" for none; ``code`` "" for any."""

    system: str | None
    code: str


def fold(code: str) -> str:
    """Codes compare without case: in doubt, search.html asks for the wider reading."""
    return code.casefold()


@lru_cache(maxsize=4096)
def case_matters(system: str) -> bool:
    """Whether a code system is known to distinguish codes by case."""
    if system in _CASE_SENSITIVE:
        return True
    known = definitions().codesystems.get(system)
    return known is not None and known.case_sensitive


def in_system(system: str, code: str) -> str:
    """The code as it compares within its system."""
    return code if case_matters(system) else code.casefold()


def coded(system: object, code: object) -> Iterator[tuple[str, ...]]:
    """The forms of one code with its system, neither of which need be there: SYSTEM last."""
    named = system if isinstance(system, str) else ""
    if isinstance(code, _NUMBER_TYPES) and not isinstance(code, bool):
        text = str(code)
        yield CODE, text.casefold()
        yield SYSTEM_CODE, named, in_system(named, text)
    if named:
        yield SYSTEM, named


def forms(slot: Slot, value: object, type_code: str) -> Iterator[tuple[str, ...]]:
    """The forms that a value can be found by."""
    if isinstance(value, dict):
        yield from _complex_forms(cast("Json", value), type_code)
    elif isinstance(value, bool):
        yield from coded(None, "true" if value else "false")
    elif isinstance(value, _NUMBER_TYPES):
        text = str(value)
        # An element of type code has no system of its own: its binding implies one.
        yield from coded(slot.systems.get(text), text)


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:
    """Equality hashes; codes of hot parameters also become hot rows."""
    if type_code == "CodeableConcept" and isinstance(value, dict):
        # Most tokens by far: the hashes of a code that was seen lately are at hand.
        for coding in _codings(cast("Json", value)):
            system, code = coding.get("system"), coding.get("code")
            if (system is None or type(system) is str) and type(code) is str:
                kept = slot.kept.get((system, code))
                _add(slot, kept or slot.keep((system, code), _hashed(slot, system, code)), rows)
            else:
                _add(slot, _hashed(slot, system, code), rows)
        return
    _add(slot, tuple(slot.hash(*form) for form in forms(slot, value, type_code)), rows)
    if type_code == "Identifier" and isinstance(value, dict):
        rows.tokens.extend(slot.hash(*form) for form in _typed_identifier(cast("Json", value)))


def _hashed(slot: Slot, system: object, code: object) -> tuple[int, ...]:
    return tuple(slot.hash(*form) for form in coded(system, code))


def _add(slot: Slot, hashes: tuple[int, ...], rows: IndexRows) -> None:
    """All are tokens; the first two, of a code alone and with its system, may be hot."""
    rows.tokens.extend(hashes)
    if slot.hot:
        rows.hot.extend(hashes[:2])


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Token:  # noqa: ARG001
    """``code``, ``system|code``, ``|code`` or ``system|``."""
    pieces = split(text, "|")
    if len(pieces) == 1:
        return Token(None, unescape(text))
    if len(pieces) > 2:
        raise ValueError(r"has more than one |: a | within a code is written \|")
    system, code = (unescape(piece) for piece in pieces)
    if not system and not code:
        raise ValueError("names neither a system nor a code")
    return Token(system, code)


def asked_form(token: Token) -> tuple[str, ...]:
    """The form that finds what is asked for."""
    if token.system is None:
        return CODE, fold(token.code)
    if token.code:
        return SYSTEM_CODE, token.system, in_system(token.system, token.code)
    return SYSTEM, token.system


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the codes."""
    parameter = criterion.parameter
    asked = [asked_form(cast("Token", value)) for value in criterion.values]
    tokens = tuple(
        scope.hash(parameter.type, slot, *form) for form in asked for slot in parameter.slots
    )
    hot = parameter.hot and all(form[0] is not SYSTEM for form in asked)
    return holds(tokens, hot=hot, few=parameter.code == "identifier")


def compare_not(criterion: Criterion, scope: Scope) -> Condition:
    """None of the codes; also true of resources without any value."""
    return negated(compare(criterion, scope))


def _complex_forms(value: Json, type_code: str) -> Iterator[tuple[str, ...]]:
    if type_code == "CodeableConcept":
        for coding in _codings(value):
            yield from coded(coding.get("system"), coding.get("code"))
    elif type_code == "Coding":
        yield from coded(value.get("system"), value.get("code"))
    elif type_code == "Identifier":
        yield from coded(value.get("system"), value.get("value"))
    elif type_code == "ContactPoint":
        yield from coded(None, value.get("value"))


def _codings(concept: Json) -> list[Json]:
    codings: object = concept.get("coding")
    if not isinstance(codings, list):
        return []
    return [cast("Json", one) for one in cast("list[object]", codings) if isinstance(one, dict)]


def _typed_identifier(value: Json) -> Iterator[tuple[str, ...]]:
    """``:of-type``: system and code of the identifier's type, and its value."""
    type_: object = value.get("type")
    text: object = value.get("value")
    if not isinstance(type_, dict) or not isinstance(text, str):
        return
    for coding in _codings(cast("Json", type_)):
        system, code = coding.get("system"), coding.get("code")
        if isinstance(system, str) and isinstance(code, str):
            yield OF_TYPE, system, in_system(system, code), fold(text)


def _pieces(slot: Slot, value: object, type_code: str) -> list[Piece]:
    return [Piece(form) for form in forms(slot, value, type_code)]


def _asked(value: object) -> list[Asked]:
    return [Asked(asked_form(cast("Token", value)))]


TYPE = SearchType(
    index=index,
    modifiers={"": Modifier(read, compare), "not": Modifier(read, compare_not)},
    sort=sorted_by_text,
    component=Component(_pieces, _asked),
)
