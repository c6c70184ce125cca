"""Literal references and canonical URLs, taken apart.

https://hl7.org/fhir/R4/references.html#literal
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from fhir_server.r4.definitions import definitions

ReferenceKind = Literal[
    "relative", "absolute", "conditional", "fragment", "uuid", "oid", "uri", "malformed"
]

_ID = r"[A-Za-z0-9\-.]{1,64}"
_RESTFUL = re.compile(rf"(https?://[^\s?#|]*/)?([A-Za-z]+)/({_ID})(?:/_history/({_ID}))?", re.ASCII)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:", re.ASCII)
_ABSOLUTE = re.compile(r"https?://[^\s?#|]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """A literal reference; ``text`` is what stood in the resource.

    "relative" and "absolute" have type and id, perhaps a version, "absolute" also the base
    without a slash at its end. "conditional" has type and query ("identifier=x"), "fragment"
    the id of a contained resource ("" for the container). "uri" is any other URI; "malformed"
    is none of these.
    """

    kind: ReferenceKind
    text: str
    type: str | None = None
    id: str | None = None
    version: str | None = None
    base: str | None = None
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Canonical:
    """A canonical URL: https://hl7.org/fhir/R4/references.html#canonical."""

    url: str
    version: str | None = None
    fragment: str | None = None


def parse(text: str) -> Reference:
    """What a literal reference points at; never raises."""
    found = _RESTFUL.fullmatch(text)
    if found is not None and found[2] in _types():
        base, type_, id_, version = found.groups()
        kind: ReferenceKind = "relative" if base is None else "absolute"
        return Reference(kind, text, type_, id_, version, base and base[:-1])
    if text.startswith("#"):
        return Reference("fragment", text, id=text[1:])
    type_, mark, query = text.partition("?")
    if mark and type_ in _types():
        return Reference("conditional", text, type_, query=query)
    return Reference(_other_kind(text), text)


def relative(text: str, base_url: str) -> Reference:
    """As `parse`, but what stands on our own base is local; ``text`` is then without the base."""
    base = base_url if base_url.endswith("/") else base_url + "/"
    return parse(text.removeprefix(base))


def parse_canonical(text: str) -> Canonical:
    """url|version#fragment, taken apart."""
    rest, _, fragment = text.partition("#")
    url, _, version = rest.partition("|")
    return Canonical(url, version or None, fragment or None)


def _other_kind(text: str) -> ReferenceKind:
    if text.startswith("urn:uuid:"):
        return "uuid" if _UUID.fullmatch(text) else "malformed"
    if text.startswith("urn:oid:"):
        return "oid" if _OID.fullmatch(text) else "malformed"
    if text.startswith(("http:", "https:")) and not _ABSOLUTE.match(text):
        return "malformed"
    return "uri" if _SCHEME.match(text) and not re.search(r"\s", text) else "malformed"


@cache
def _types() -> frozenset[str]:
    return frozenset(definitions().resource_types)
