"""Batch and transaction Bundles: their entries, taken apart and checked.

https://hl7.org/fhir/R4/bundle.html and https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from fhir_server.r4.outcome import FhirError, Issue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.r4.json import Json

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

ORDER: dict[str, int] = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""The order in which a transaction processes its entries, whatever order they stand in."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_HEADERS = ("ifMatch", "ifNoneMatch", "ifNoneExist", "ifModifiedSince")
# A name that is not understood may be a condition that was misspelt: ifNonExist.
_BUNDLE_HAS = frozenset(
    [
        "resourceType",
        "id",
        "meta",
        "implicitRules",
        "language",
        "identifier",
        "type",
        "timestamp",
        "total",
        "link",
        "entry",
        "signature",
    ]
)
_ENTRY_HAS = frozenset(
    ["id", "extension", "link", "fullUrl", "resource", "search", "request", "response"]
)
_REQUEST_HAS = frozenset({"id", "extension", "method", "url", *_HEADERS})
_URN = re.compile(r"urn:(?:uuid|oid):\S+", re.ASCII)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+", re.ASCII)
_RESTFUL = re.compile(r"(https?://[^\s?#]+/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})", re.ASCII)


@dataclass(slots=True)
class Entry:
    """One entry of a batch or transaction.

    ``path`` and ``query`` are of ``request.url``, without the service base and without the
    question mark; ``root`` is the service base in a RESTful ``fullUrl``, with its last slash.
    """

    index: int
    method: Method
    path: str
    query: str
    resource: Json | None
    full_url: str
    root: str
    if_match: str
    if_none_match: str
    if_none_exist: str
    if_modified_since: str

    @property
    def place(self) -> str:
        """FHIRPath to this entry."""
        return f"Bundle.entry[{self.index}]"

    def fault(self, where: str, text: str, code: str = "invalid") -> Issue:
        """An error at an element of this entry."""
        return Issue(code, text, f"{self.place}{where}")


def bundle_type(resource: Json) -> str:
    """``Bundle.type``; 400 where the resource is no Bundle or says no type."""
    if resource.get("resourceType") != "Bundle":
        found = resource.get("resourceType")
        text = f"A Bundle is expected at the service base, not {found!r}"
        raise FhirError(400, [Issue("invalid", text)])
    kind: object = resource.get("type")
    if not isinstance(kind, str):
        raise FhirError(400, [Issue("required", "Bundle.type is missing", "Bundle.type")])
    return kind


def entries(resource: Json, base_url: str) -> list[Entry | list[Issue]]:
    """The entries in order; an entry that cannot be read is the list of its faults."""
    listed: object = resource.get("entry", [])
    if not isinstance(listed, list):
        raise FhirError(400, [Issue("structure", "Bundle.entry is not a list", "Bundle.entry")])
    unknown = _unknown(resource, _BUNDLE_HAS, "Bundle")
    if unknown:
        raise FhirError(400, unknown)
    base = base_url + "/"
    items = cast("list[object]", listed)
    return [_entry(index, item, base) for index, item in enumerate(items)]


def duplicates(listed: Sequence[Entry]) -> list[Issue]:
    """Entries of one transaction that claim the same full URL (bdl-7)."""
    first: dict[str, int] = {}
    issues: list[Issue] = []
    for entry in listed:
        if entry.full_url:
            earlier = first.setdefault(entry.full_url, entry.index)
            if earlier != entry.index:
                text = f"{entry.full_url} is the fullUrl of entry {earlier} too"
                issues.append(entry.fault(".fullUrl", text, "duplicate"))
    return issues


def _entry(index: int, item: object, base: str) -> Entry | list[Issue]:
    place = f"Bundle.entry[{index}]"
    if not isinstance(item, dict):
        return [Issue("structure", "An entry is a JSON object", place)]
    given = cast("Json", item)
    request: object = given.get("request")
    if not isinstance(request, dict):
        text = "Every entry of a batch or transaction has a request"
        return [Issue("required", text, f"{place}.request")]
    asked = cast("Json", request)
    issues = _unknown(given, _ENTRY_HAS, place)
    issues += _request_faults(asked, f"{place}.request")
    full_url: object = given.get("fullUrl", "")
    resource: object = given.get("resource")
    if not isinstance(full_url, str):
        issues.append(Issue("structure", "fullUrl is a string", f"{place}.fullUrl"))
    if resource is not None and not _is_resource(resource):
        issues.append(Issue("structure", "This is not a resource", f"{place}.resource"))
    if issues:
        return issues
    path, _, query = str(asked["url"]).removeprefix(base).partition("?")
    entry = Entry(
        index,
        cast("Method", asked["method"]),
        path.strip("/"),
        query,
        cast("Json | None", resource),
        str(full_url),
        "",
        *(str(asked.get(name, "")) for name in _HEADERS),
    )
    return _content_faults(entry) or entry


def _unknown(given: Json, known: frozenset[str], place: str) -> list[Issue]:
    return [
        Issue("structure", f"unknown property {name[:100]!r}", place)
        for name in given
        if name.removeprefix("_") not in known
    ]


def _request_faults(request: Json, place: str) -> list[Issue]:
    issues = _unknown(request, _REQUEST_HAS, place)
    method: object = request.get("method")
    if not isinstance(method, str) or method not in ORDER:
        text = f"request.method {method!r} is none of {', '.join(ORDER)}"
        issues.append(Issue("required" if method is None else "code-invalid", text, place))
    url: object = request.get("url")
    if not isinstance(url, str) or not url:
        issues.append(Issue("required", "request.url is missing", f"{place}.url"))
    issues.extend(
        Issue("structure", f"request.{name} is a string that says something", f"{place}.{name}")
        for name in _HEADERS
        if name in request and not (isinstance(request[name], str) and request[name])
    )
    return issues


def _content_faults(entry: Entry) -> list[Issue]:
    issues: list[Issue] = []
    resource = entry.resource
    searches = entry.method == "POST" and entry.path.endswith("_search")
    if entry.method in _WITH_BODY and resource is None and not searches:
        text = f"{entry.method} needs a resource"
        issues.append(entry.fault(".resource", text, "required"))
    if entry.if_none_exist and entry.method != "POST":
        text = f"ifNoneExist goes with POST, not with {entry.method}"
        issues.append(entry.fault(".request.ifNoneExist", text))
    if entry.full_url:
        issues.extend(_full_url_faults(entry))
    return issues


def _full_url_faults(entry: Entry) -> list[Issue]:
    """https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.fullUrl; sets ``root``."""
    url = entry.full_url
    if url.startswith("urn:"):
        known = _URN.fullmatch(url) is not None
        return [] if known else [entry.fault(".fullUrl", f"{url} is no urn:uuid or urn:oid")]
    if not _ABSOLUTE.fullmatch(url):
        return [entry.fault(".fullUrl", f"{url!r} is not an absolute URL")]
    if "/_history/" in url:
        return [entry.fault(".fullUrl", f"{url} names a version, which a fullUrl must not (bdl-8)")]
    found = _RESTFUL.fullmatch(url)
    if found is None:
        return []
    entry.root = found[1]
    resource = entry.resource or {}
    named = f"{resource.get('resourceType')}/{resource.get('id', found[3])}"
    if entry.method in {"POST", "PUT"} and named != f"{found[2]}/{found[3]}":
        return [entry.fault(".fullUrl", f"{url} does not agree with the resource, {named}")]
    return []


def _is_resource(value: object) -> bool:
    return isinstance(value, dict) and isinstance(cast("Json", value).get("resourceType"), str)
