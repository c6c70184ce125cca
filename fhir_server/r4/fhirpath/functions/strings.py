"""String functions. https://hl7.org/fhirpath/N1/#string-manipulation."""

from __future__ import annotations

import base64
import binascii
import html
import importlib
import json
import operator
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import EMPTY, Nodes, boolean, number, string
from fhir_server.r4.fhirpath.values import integer, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.r4.fhirpath.scope import Scope

MAX_RESULT = 10_000_000

_BARE_QUOTE = re.compile(r'(?<!\\)"')


def _on_strings(answer: Callable[..., str | bool | int | None]) -> Callable[..., Nodes]:
    """A function of strings only: nothing comes of an empty focus or argument."""

    def implement(focus: Nodes, _: Scope, *arguments: Nodes) -> Nodes:
        values = [text(focus), *(text(argument) for argument in arguments)]
        if None in values:
            return EMPTY
        result = answer(*values)
        if result is None:
            return EMPTY
        if isinstance(result, bool):
            return boolean(result)
        return (string(result) if isinstance(result, str) else number(result),)

    return implement


def _substring(focus: Nodes, _: Scope, start: Nodes, length: Nodes = EMPTY) -> Nodes:
    value, begin, count = text(focus), integer(start), integer(length)
    if value is None or begin is None or not 0 <= begin < len(value):
        return EMPTY
    return (string(value[begin:] if count is None else value[begin : begin + max(0, count)]),)


def _to_chars(focus: Nodes, _: Scope) -> Nodes:
    return [string(character) for character in text(focus) or ""]


def _split(focus: Nodes, _: Scope, separator: Nodes) -> Nodes:
    value, by = text(focus), text(separator)
    if value is None or by is None:
        return EMPTY
    return [string(part) for part in (value.split(by) if by else value)]


def _join(focus: Nodes, _: Scope, separator: Nodes = EMPTY) -> Nodes:
    parts = [text((node,)) or "" for node in focus]
    return (string((text(separator) or "").join(parts)),) if parts else EMPTY


def _replace(value: str, pattern: str, substitution: str) -> str:
    if not pattern:
        value = substitution + "".join(character + substitution for character in value)
    else:
        value = value.replace(pattern, substitution)
    if len(value) > MAX_RESULT:
        raise FhirPathError(f"a string of more than {MAX_RESULT} characters")
    return value


@cache
def _re2() -> Any:
    """The re2 module: untyped, and loaded by the few processes that ever match."""
    return importlib.import_module("re2")


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Any:
    """A regex of RE2, whose matching takes linear time whatever the pattern.

    Python's own would let a hostile pattern run for ever. RE2 knows no back-references and no
    look-around; a pattern with those is an error, never a wrong answer.
    """
    options = _re2().Options()
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return _re2().compile(pattern, options)
    except _re2().error as error:
        raise FhirPathError(f"not a regular expression: {error}") from None


def _matches(value: str, pattern: str) -> bool:
    return _pattern(pattern).search(value) is not None


def _matches_full(value: str, pattern: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _replace_matches(value: str, pattern: str, substitution: str) -> str:
    if not pattern:
        return value
    compiled = _pattern(pattern)

    def expand(match: Any) -> str:
        return _expanded(match, substitution)

    try:
        found: str = compiled.sub(expand, value)
    except (IndexError, KeyError, _re2().error):
        raise FhirPathError(f"{substitution!r} names a group that the pattern lacks") from None
    return found


def _expanded(match: Any, substitution: str) -> str:
    """$1 and ${name} stand for groups."""
    parts = substitution.split("$")
    found = parts[0]
    for part in parts[1:]:
        if part[:1] == "{" and "}" in part:
            name, _, rest = part[1:].partition("}")
            found += (match.group(int(name) if name.isdigit() else name) or "") + rest
        elif part[:1].isdigit():
            found += (match.group(int(part[0])) or "") + part[1:]
        else:
            found += "$" + part
    return found


def _encode(value: str, format: str) -> str | None:
    data = value.encode()
    match format:
        case "hex":
            return data.hex()
        case "base64":
            return base64.b64encode(data).decode()
        case "urlbase64":
            return base64.urlsafe_b64encode(data).decode()
        case _:
            return None


def _decode(value: str, format: str) -> str | None:
    try:
        match format:
            case "hex":
                return bytes.fromhex(value).decode()
            case "base64":
                return base64.b64decode(value, validate=True).decode()
            case "urlbase64":
                return base64.b64decode(value, b"-_", validate=True).decode()
            case _:
                return None
    except (binascii.Error, ValueError):
        raise FhirPathError(f"not {format}") from None


def _escape(value: str, target: str) -> str | None:
    match target:
        case "html":
            return html.escape(value)
        case "json":
            return json.dumps(value, ensure_ascii=False)[1:-1]
        case _:
            return None


def _unescape(value: str, target: str) -> str | None:
    match target:
        case "html":
            return html.unescape(value)
        case "json":
            try:
                return str(json.loads('"' + _BARE_QUOTE.sub(r'\\"', value) + '"'))
            except ValueError:
                raise FhirPathError("not JSON") from None
        case _:
            return None


_TWO = ("value", "value")
FUNCTIONS = {
    "indexOf": Function(_on_strings(str.find), ("value",)),
    "substring": Function(_substring, _TWO, optional=1),
    "startsWith": Function(_on_strings(str.startswith), ("value",)),
    "endsWith": Function(_on_strings(str.endswith), ("value",)),
    "contains": Function(_on_strings(operator.contains), ("value",)),
    "upper": Function(_on_strings(str.upper)),
    "lower": Function(_on_strings(str.lower)),
    "replace": Function(_on_strings(_replace), _TWO),
    "matches": Function(_on_strings(_matches), ("value",)),
    "matchesFull": Function(_on_strings(_matches_full), ("value",)),
    "replaceMatches": Function(_on_strings(_replace_matches), _TWO),
    "length": Function(_on_strings(len)),
    "toChars": Function(_to_chars),
    "trim": Function(_on_strings(str.strip)),
    "split": Function(_split, ("value",)),
    "join": Function(_join, ("value",), optional=1),
    "encode": Function(_on_strings(_encode), ("value",)),
    "decode": Function(_on_strings(_decode), ("value",)),
    "escape": Function(_on_strings(_escape), ("value",)),
    "unescape": Function(_on_strings(_unescape), ("value",)),
}
