"""Which format is asked for, and which one was sent.

https://hl7.org/fhir/R4/http.html#mime-type
https://hl7.org/fhir/R4/http.html#parameters
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from fhir_server.interactions.request import FHIR_JSON, JSON_PATCH, NO_PREFERENCE, Prefer
from fhir_server.r4.outcome import FhirError, Issue

if TYPE_CHECKING:
    from fhir_server.interactions.request import Handling, Return

FORM = "application/x-www-form-urlencoded"

# What each name asks for, and the type it is answered with.
_JSON = {
    FHIR_JSON: FHIR_JSON,
    "application/json": "application/json",
    "text/json": "text/json",
    "application/json+fhir": FHIR_JSON,
    "application/*": FHIR_JSON,
    "*/*": FHIR_JSON,
}
_FORMATS = _JSON | {"json": FHIR_JSON}
_OF_FHIR = frozenset({FHIR_JSON, "application/json+fhir"})
_RESOURCES = frozenset({FHIR_JSON, "application/json", "text/json", "application/json+fhir"})
_NOT_YET = {"xml": "XML", "ttl": "Turtle", "turtle": "Turtle", "html": "HTML"}
_FHIR_VERSION = "4.0"


class MediaType(msgspec.Struct, frozen=True):
    """A media type in lower case; ``weight`` is its q."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()
    weight: float = 1.0

    def get(self, name: str) -> str:
        """A parameter in lower case, "" where it is absent."""
        return dict(self.parameters).get(name, "")


@lru_cache(maxsize=512)
def media_type(text: str) -> MediaType:
    """One media type with parameters."""
    name, *rest = text.split(";")
    pairs = [part.partition("=") for part in rest]
    given = {key.strip().lower(): value.strip().strip('"').lower() for key, _, value in pairs}
    try:
        weight = float(given.pop("q", "1"))
    except ValueError:
        weight = 0.0
    return MediaType(name.strip().lower(), tuple(given.items()), weight)


@lru_cache(maxsize=512)
def answer_type(accept: str, format: str) -> str:
    """The media type of the answer; 406 where none that is asked for can be served.

    ``format`` is the ``_format`` parameter, which overrides the Accept header.
    """
    if format:
        asked = [media_type(format.replace(" ", "+"))]
        types = _FORMATS
    else:
        asked = sorted(
            (media_type(part) for part in (accept or "*/*").split(",") if part.strip()),
            key=lambda each: -each.weight,
        )
        types = _JSON
    for each in asked:
        if each.weight > 0 and each.name in types and _version_fits(each):
            return types[each.name]
    raise FhirError(406, [Issue("not-supported", _refusal(asked))])


@lru_cache(maxsize=512)
def wants_resource(accept: str, format: str) -> bool:
    """Whether a Binary is asked for as a resource rather than as its content.

    Only a media type of FHIR asks for the resource: a generic one may be that of the content.
    """
    if format:
        return True
    return any(media_type(part).name in _OF_FHIR for part in accept.split(","))


@lru_cache(maxsize=512)
def body_type(content_type: str, *, patch: bool) -> str:
    """The media type of a body that holds a resource or a patch; 415 for others."""
    given = media_type(content_type)
    charset = given.get("charset")
    if charset not in {"", "utf-8", "utf8"}:
        raise _unsupported(f"FHIR is UTF-8, not {charset}")
    if not _version_fits(given):
        raise _unsupported(f"This server speaks FHIR {_FHIR_VERSION}, not {content_type}")
    if patch and given.name == JSON_PATCH:
        return JSON_PATCH
    if given.name in _RESOURCES:
        return FHIR_JSON
    known = f"{FHIR_JSON} or {JSON_PATCH}" if patch else FHIR_JSON
    raise _unsupported(f"{given.name or 'A body without Content-Type'} is not read: send {known}")


@lru_cache(maxsize=128)
def preferences(header: str) -> Prefer:
    """The Prefer header; preferences that are not known are no error (RFC 7240)."""
    if not header:
        return NO_PREFERENCE
    returning: Return = ""
    handling: Handling = ""
    for part in header.replace(";", ",").split(","):
        name, _, value = (piece.strip().strip('"') for piece in part.partition("="))
        if name.lower() == "return":
            returning = returning or _RETURNS.get(value.lower(), "")
        elif name.lower() == "handling":
            handling = handling or _HANDLINGS.get(value.lower(), "")
    return Prefer(returning, handling)


_RETURNS: dict[str, Return] = {
    "minimal": "minimal",
    "representation": "representation",
    "operationoutcome": "OperationOutcome",
}
_HANDLINGS: dict[str, Handling] = {"strict": "strict", "lenient": "lenient"}


def _version_fits(given: MediaType) -> bool:
    return given.get("fhirversion") in {"", _FHIR_VERSION, "4.0.1"}


def _refusal(asked: list[MediaType]) -> str:
    names = ", ".join(each.name for each in asked)[:200]
    for each in asked:
        if not _version_fits(each):
            return f"This server speaks FHIR {_FHIR_VERSION}, not {each.get('fhirversion')}"
        word = _NOT_YET.get(each.name.rpartition("/")[2].rpartition("+")[2])
        if word:
            return f"{word} ({each.name}) is not served: ask for {FHIR_JSON}"
    return f"{names} is not served: ask for {FHIR_JSON}"


def _unsupported(text: str) -> FhirError:
    return FhirError(415, [Issue("not-supported", text)])
