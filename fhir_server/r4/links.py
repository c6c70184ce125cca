"""Links between the entries of a transaction, found once and pointed where the entries go.

https://hl7.org/fhir/R4/http.html#trules and https://hl7.org/fhir/R4/bundle.html#references

Found are literal references, elements of type uri, url, oid and uuid, and ``<a href>`` and
``<img src>`` in narratives; elements of type canonical stay. What lies inside a nested Bundle
belongs to that Bundle and stays too. A link keeps its text, so pointing again after a failed
attempt starts from what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from fhir_server.r4.definitions import definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fhir_server.r4.bundle import Entry
    from fhir_server.r4.definitions import Child
    from fhir_server.r4.json import Json
    from fhir_server.r4.outcome import Issue

VERSION_SPECIFIC = "http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific"

_LONGEST = 4096
_TYPED = frozenset({"uri", "url", "oid", "uuid"})
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.ASCII | re.DOTALL)
_VERSIONED = re.compile(r"(.+)/_history/[^/#]+", re.ASCII)
_TAG = re.compile(r"<(?:a|img)\s[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(\s(?:href|src)\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


@dataclass(slots=True)
class Target:
    """Where an entry, or what a conditional reference matches, goes; ``vid`` 0 = not known."""

    type: str
    id: str
    vid: int = 0

    @property
    def address(self) -> str:
        """Type and id."""
        return f"{self.type}/{self.id}"


class MissingVersion(Exception):  # noqa: N818 - a question to the store, not a fault
    """A version-specific link points at something whose version has to be looked up first."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class FullUrls:
    """The full URLs to look for; their lengths spare hashing every string of a Bundle."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = frozenset(known)
        lengths = frozenset(map(len, self.known))
        urns = all(url.startswith("urn:") for url in self.known)
        self.lengths = lengths if urns else frozenset(range(_LONGEST))

    def match(self, text: str) -> bool:
        """Whether a text is one of them, perhaps with a fragment."""
        return text in self.known or text.partition("#")[0] in self.known


class Links:
    """Every link in one entry; containers are the dicts and lists of the resource itself.

    ``references``  container, key, text; ``typed`` the same of uris, and whether relative to the
    service base; ``narratives`` and their text; ``versioned`` references to be made
    version-specific and their extensions
    """

    __slots__ = ("entry", "hit", "narratives", "references", "typed", "versioned")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.references: list[tuple[Json, str, str]] = []
        self.typed: list[tuple[Any, Any, str, bool]] = []
        self.narratives: list[tuple[Json, str]] = []
        self.versioned: list[tuple[Json, list[Json]]] = []
        self.hit = False

    def conditional(self) -> Iterator[str]:
        """The search URIs among the references."""
        return (text for _, _, text in self.references if "?" in text and _CONDITIONAL.match(text))


@dataclass(frozen=True, slots=True)
class Targets:
    """What links may point at.

    ``full_urls``  by fullUrl; ``claimed`` by "Type/id" as POST entries without a RESTful fullUrl
    claim it, ``ambiguous`` what several claim; ``matches`` by search URI; ``versions`` the version
    to refer to by "Type/id"
    """

    full_urls: Mapping[str, Target]
    claimed: Mapping[str, Target]
    ambiguous: frozenset[str]
    matches: Mapping[str, Target]
    versions: Mapping[str, int]
    base_url: str


def is_conditional(text: str) -> tuple[str, str] | None:
    """Type and criteria of a search URI, None for any other reference."""
    found = _CONDITIONAL.fullmatch(text)
    return (found[1], found[2]) if found else None


def find(entry: Entry, value: Json, urls: FullUrls) -> Links:
    """Every link below ``value``, the entry's resource or the operations of its patch."""
    links = Links(entry)
    _walk(value, urls, urls.lengths, links)
    if links.hit:
        _sort_out(value, urls, links)
    return links


def find_in_operations(entry: Entry, operations: list[Any], urls: FullUrls) -> Links:
    """Every link in the values of a JSON Patch; below, a path says what a plain text is."""
    links = find(entry, {"operations": operations}, urls)
    for operation in operations:
        if isinstance(operation, dict):
            given = cast("Json", operation)
            path, value = cast("tuple[object, object]", (given.get("path"), given.get("value")))
            if isinstance(path, str) and path.endswith("/reference") and isinstance(value, str):
                links.references.append((given, "value", value))
    return links


def point(links: Links, targets: Targets) -> list[Issue]:
    """Write the addresses into the resource; what cannot be resolved is returned."""
    issues: list[Issue] = []
    root, full_urls = links.entry.root, targets.full_urls
    for container, key, text in links.references:
        target = full_urls.get(text)
        if target is not None:
            container[key] = target.address
        elif text[:1] != "#":
            found = _lookup(text, root, targets)
            container[key] = found or text
            if found is None and text in targets.ambiguous:
                said = f"{text} is the id of several entries: give them a fullUrl and refer to that"
                issues.append(links.entry.fault(".resource", said, "multiple-matches"))
            elif found is None and text.startswith(("urn:uuid:", "urn:oid:")):
                issues.extend(_unresolved(text, container, links.entry))
    for container, key, text, relative in links.typed:
        container[key] = _typed_link(text, targets, relative=relative)
    for narrative, text in links.narratives:
        narrative["div"] = _TAG.sub(lambda tag: _tag(tag[0], targets), text)
    for container, extensions in links.versioned:
        _pin(container, extensions, targets)
    return issues


_kind: Callable[[Any], type[object]] = type


def _walk(value: Json, urls: FullUrls, lengths: frozenset[int], links: Links) -> None:
    """Note references and narratives below, and whether another string may be a full URL."""
    for key, child in value.items():
        kind = _kind(child)
        if kind is str:
            if len(child) in lengths or key == "div":
                _look_at(value, key, urls, links)
        elif kind is dict:
            if "reference" in child:
                _note_reference(child, urls, links)
            elif child.get("resourceType") != "Bundle":
                _walk(child, urls, lengths, links)
        elif kind is list:
            _walk_list(child, urls, lengths, links)


def _walk_list(items: list[Any], urls: FullUrls, lengths: frozenset[int], links: Links) -> None:
    for item in items:
        node: Json = item
        if type(item) is not dict:
            links.hit = links.hit or (type(item) is str and urls.match(item))
        elif "reference" in node:
            _note_reference(node, urls, links)
        elif node.get("resourceType") != "Bundle":
            _walk(node, urls, lengths, links)


def _look_at(value: Json, key: str, urls: FullUrls, links: Links) -> None:
    text: str = value[key]
    if urls.match(text):
        links.hit = True
    elif key == "div" and ("href" in text or "src" in text):
        links.narratives.append((value, text))


def _note_reference(child: Json, urls: FullUrls, links: Links) -> None:
    text: object = child["reference"]
    if not isinstance(text, str):
        _walk(child, urls, urls.lengths, links)
        return
    links.references.append((child, "reference", text))
    if len(child) == 1 or all(type(inner) is str for inner in child.values()):
        return
    extensions: object = child.get("extension")
    if isinstance(extensions, list):
        listed = cast("list[Json]", extensions)
        if any(e.get("url") == VERSION_SPECIFIC and e.get("valueBoolean") for e in listed):
            links.versioned.append((child, listed))
    rest = {key: inner for key, inner in child.items() if key != "reference"}
    _walk(rest, urls, urls.lengths, links)


def _sort_out(value: Json, urls: FullUrls, links: Links) -> None:
    """Keep the strings whose element is of a type that links; a name says too little."""
    for container, key, child in _typed_strings(value):
        text: str = container[key]
        if child.type_code in _TYPED and text.partition("#")[0] in urls.known:
            relative = child.element.path == "Attachment.url"
            links.typed.append((container, key, text, relative))


def _typed_strings(value: Json) -> Iterator[tuple[Any, Any, Child]]:
    """Container, key and definition of each string below a resource."""
    waiting: list[tuple[Json, str]] = [(value, str(value.get("resourceType", "")))]
    while waiting:
        current, path = waiting.pop()
        children = definitions().children(path)
        for name, inner in current.items():
            child = children.get(name)
            if child is None:
                continue
            if isinstance(inner, str):
                yield current, name, child
            elif isinstance(inner, dict):
                waiting.append((cast("Json", inner), _path_below(cast("Json", inner), child)))
            elif isinstance(inner, list):
                for position, item in enumerate(cast("list[object]", inner)):
                    if isinstance(item, dict):
                        below = cast("Json", item)
                        waiting.append((below, _path_below(below, child)))
                    elif isinstance(item, str):
                        yield cast("list[object]", inner), position, child


def _path_below(value: Json, child: Child) -> str:
    return str(value.get("resourceType") or child.path_of_children)


def _unresolved(text: str, container: Json, entry: Entry) -> list[Issue]:
    for path, current, type_ in _dicts(".resource", entry.resource or {}):
        if current is container:
            # Expression.reference and two others are uris, which may name anything.
            if type_ != "Reference":
                return []
            return [entry.fault(f"{path}.reference", f"{text} is the fullUrl of no entry")]
    return [entry.fault(".resource", f"{text} is the fullUrl of no entry")]


def _lookup(text: str, root: str, targets: Targets) -> str | None:
    """The address of a reference that is not simply a fullUrl; None = not of this Bundle."""
    if "?" in text:
        match = targets.matches.get(text)
        return match.address if match else None
    fragment = ""
    if "#" in text:
        text, _, fragment = text.partition("#")
        fragment = "#" + fragment
    versioned = _VERSIONED.fullmatch(text)
    plain = versioned[1] if versioned else text
    target = (
        targets.full_urls.get(plain)
        or (root and targets.full_urls.get(root + plain))
        or targets.claimed.get(plain)
    )
    if not target:
        return None
    if not versioned:
        return target.address + fragment
    return f"{target.address}/_history/{_version(target, targets)}{fragment}"


def _version(target: Target, targets: Targets) -> int:
    vid = target.vid or targets.versions.get(target.address, 0)
    if not vid:
        raise MissingVersion(target.address)
    return vid


def _pin(reference: Json, extensions: list[Json], targets: Targets) -> None:
    """Make a reference version-specific and take the request for it away."""
    address = str(reference["reference"])
    type_, _, id_ = address.partition("/")
    if "/" in id_ or ":" in address or address.startswith("#"):
        return
    known = chain(targets.full_urls.values(), targets.matches.values())
    written = next((t for t in known if t.address == address), Target(type_, id_))
    vid = _version(written, targets)
    reference["reference"] = f"{address}/_history/{vid}"
    left = [e for e in extensions if e.get("url") != VERSION_SPECIFIC]
    if left:
        reference["extension"] = left
    else:
        reference.pop("extension", None)


def _typed_link(text: str, targets: Targets, *, relative: bool) -> str:
    """Attachment.url is read relative to the service base as a reference is; uris are absolute."""
    url, mark, fragment = text.partition("#")
    address = targets.full_urls[url].address
    return (address if relative else f"{targets.base_url}/{address}") + mark + fragment


def _tag(tag: str, targets: Targets) -> str:
    def attribute(found: re.Match[str]) -> str:
        text = unescape(found[2] if found[2] is not None else found[3])
        if text.partition("#")[0] not in targets.full_urls:
            return found[0]
        return f'{found[1]}"{escape(_typed_link(text, targets, relative=False))}"'

    return _ATTRIBUTE.sub(attribute, tag)


def _dicts(path: str, value: Json, type_: str = "") -> Iterable[tuple[str, Json, str]]:
    below = str(value.get("resourceType") or type_)
    yield path, value, below
    children = definitions().children(below)
    for name, child in value.items():
        known = children.get(name)
        kind = known.path_of_children if known else ""
        if isinstance(child, dict):
            yield from _dicts(f"{path}.{name}", cast("Json", child), kind)
        elif isinstance(child, list):
            for position, item in enumerate(cast("list[object]", child)):
                if isinstance(item, dict):
                    yield from _dicts(f"{path}.{name}[{position}]", cast("Json", item), kind)
