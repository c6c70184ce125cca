"""The forms of path and query that name an interaction.

https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from fhir_server.r4.outcome import FhirError, Issue, malformed

SYSTEM = "system"
SYSTEM_SEARCH = "system-search"
SYSTEM_HISTORY = "system-history"
SYSTEM_OPERATION = "system-operation"
METADATA = "metadata"
TYPE = "type"
TYPE_SEARCH = "type-search"
TYPE_HISTORY = "type-history"
TYPE_OPERATION = "type-operation"
INSTANCE = "instance"
INSTANCE_HISTORY = "instance-history"
INSTANCE_OPERATION = "instance-operation"
VERSION = "version"

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
VERSION_ID = re.compile(r"[1-9][0-9]{0,8}")
TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{1,63}")


class Address(msgspec.Struct, frozen=True):
    """A path taken apart; ``type`` is a name that looks like a type, known or not."""

    shape: str
    type: str = ""
    id: str = ""
    vid: str = ""
    operation: str = ""


ROOT = Address(SYSTEM)
_WORDS = {
    "": SYSTEM,
    "metadata": METADATA,
    "_history": SYSTEM_HISTORY,
    "_search": SYSTEM_SEARCH,
}
_TYPE_WORDS = {"_search": TYPE_SEARCH, "_history": TYPE_HISTORY}


def parse_path(path: str) -> Address:
    """The address of a path relative to the service base, without query.

    A trailing slash makes no difference. Raises 404 for a path of no known form.
    """
    parts = path.strip("/").split("/")
    address = _PARSERS[len(parts)](*parts) if len(parts) in _PARSERS else None
    if address is None:
        raise no_such_address(path)
    return address


def parse_query(text: str) -> tuple[tuple[str, str], ...]:
    """Names and values in order, decoded; 400 for bad percent-encoding or UTF-8."""
    if not text:
        return ()
    try:
        return tuple(_pair(part) for part in text.split("&") if part)
    except UnicodeDecodeError:
        raise malformed("The query is not percent-encoded UTF-8") from None


def no_such_address(path: str) -> FhirError:
    """404: the path has none of the forms of http.html."""
    return FhirError(404, [Issue("not-found", f"Nothing is served at {path[:200]!r}")])


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    decoded = unquote(text.replace("+", " "), errors="strict")
    if "\0" in decoded:
        raise malformed("U+0000 is not allowed in a query")
    return decoded


def _system(word: str) -> Address | None:
    if word in _WORDS:
        return Address(_WORDS[word])
    if word.startswith("$"):
        return Address(SYSTEM_OPERATION, operation=word[1:])
    return Address(TYPE, word) if TYPE_NAME.fullmatch(word) else None


def _type(type: str, word: str) -> Address | None:
    if not TYPE_NAME.fullmatch(type):
        return None
    if ID.fullmatch(word):
        return Address(INSTANCE, type, word)
    if word in _TYPE_WORDS:
        return Address(_TYPE_WORDS[word], type)
    if word.startswith("$"):
        return Address(TYPE_OPERATION, type, operation=word[1:])
    return None


def _instance(type: str, id: str, word: str) -> Address | None:
    if not (TYPE_NAME.fullmatch(type) and ID.fullmatch(id)):
        return None
    if word == "_history":
        return Address(INSTANCE_HISTORY, type, id)
    if word.startswith("$"):
        return Address(INSTANCE_OPERATION, type, id, operation=word[1:])
    return None


def _version(type: str, id: str, word: str, vid: str) -> Address | None:
    named = TYPE_NAME.fullmatch(type) and ID.fullmatch(id) and word == "_history"
    return Address(VERSION, type, id, vid) if named and VERSION_ID.fullmatch(vid) else None


_PARSERS = {1: _system, 2: _type, 3: _instance, 4: _version}
