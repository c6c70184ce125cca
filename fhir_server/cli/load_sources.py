"""What `hestia load` finds under the paths it is given, cut into Bundles that can be sent.

https://hl7.org/fhir/R4/bundle.html
https://hl7.org/fhir/R4/nd-json.html
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, cast

from fhir_server.r4.json import decode, encode
from fhir_server.r4.outcome import FhirError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from fhir_server.r4.json import Json

CHUNK = 200
"""Resources in a Bundle made from NDJSON or from a collection."""

_KINDS = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}

# What others point at goes first: servers may insist that a reference's target exists.
_FIRST = (
    ("hospitalInformation", "Organization", "Location", "Endpoint", "infrastructure"),
    ("practitionerInformation", "Practitioner", "PractitionerRole", "Medication", "Device"),
    ("Patient", "RelatedPerson", "Group"),
    ("Coverage", "Encounter", "EpisodeOfCare"),
)


class UnreadableError(Exception):
    """A file or line that holds no FHIR; the text says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file; ``group`` says in which round it is sent."""

    path: Path
    group: int
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Portion:
    """One Bundle to send.

    ``start``: the first line or entry of the file in it, from 0; ``entries``: resource type and
    HTTP method of each; ``cut``: made here from single resources, so that entries may be sent
    independently; ``faults``: lines that hold no resource.
    """

    source: Source
    start: int
    body: bytes
    entries: tuple[tuple[str, str], ...]
    cut: bool
    faults: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """File and place, for messages."""
        return f"{self.source.path}:{self.start + 1}" if self.cut else str(self.source.path)


def find(paths: Iterable[Path]) -> list[Source]:
    """The files under ``paths`` in the order to send them; directories are walked."""
    found: list[Source] = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            if path.is_dir() and _kind(file) is None:
                continue
            facts = file.stat()
            found.append(Source(file, _group(file), facts.st_size, facts.st_mtime_ns))
    return sorted(found, key=lambda source: (source.group, str(source.path)))


def portions(source: Source) -> Iterator[Portion]:
    """The Bundles of one file; raises UnreadableError when it holds no FHIR JSON."""
    kind = _kind(source.path)
    if kind is None:
        raise UnreadableError("the name ends in none of .json, .ndjson, .jsonl (or these and .gz)")
    try:
        if kind == "json":
            yield from _of_json(source)
        else:
            yield from _of_lines(source)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(str(error)) from None


def _kind(path: Path) -> str | None:
    return _KINDS.get(path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix)


def _group(path: Path) -> int:
    name = path.name
    for group, words in enumerate(_FIRST):
        if any(_begins(name, word) for word in words):
            return group
    return len(_FIRST)


def _begins(name: str, word: str) -> bool:
    bare = name.lstrip("0123456789-_")
    return bare.startswith(word) and not bare[len(word) : len(word) + 1].islower()


def _of_json(source: Source) -> Iterator[Portion]:
    opened = gzip.open if source.path.suffix == ".gz" else open
    with opened(source.path, "rb") as file:
        body = file.read()
    resource = _resource(body)
    if resource.get("resourceType") != "Bundle":
        yield _chunk(source, 0, [(resource, body)])
        return
    listed: object = resource.get("entry", [])
    if not isinstance(listed, list):
        raise UnreadableError("Bundle.entry is not a list")
    entries = [_object(entry) for entry in cast("list[object]", listed)]
    if resource.get("type") in {"transaction", "batch"}:
        yield Portion(source, 0, body, tuple(_entry(entry) for entry in entries), cut=False)
        return
    faults = tuple(
        f"entry {number}: holds no resource"
        for number, entry in enumerate(entries)
        if not _type_of(entry)
    )
    held = [entry for entry in entries if _type_of(entry)]
    if any(str(entry.get("fullUrl", "")).startswith("urn:") for entry in held):
        # References by URN mean entries of this Bundle: only the whole of it can resolve them.
        yield replace(_chunk(source, 0, _encoded(held), faults, _urls(held)), cut=False)
        return
    for start in range(0, max(len(held), 1), CHUNK):
        part = held[start : start + CHUNK]
        yield _chunk(source, start, _encoded(part), faults if start == 0 else ())


def _encoded(entries: Sequence[Json]) -> list[tuple[Json, bytes]]:
    return [(entry["resource"], encode(entry["resource"])) for entry in entries]


def _urls(entries: Sequence[Json]) -> list[bytes]:
    urls = [entry.get("fullUrl") for entry in entries]
    return [b'"fullUrl":' + encode(url) + b"," if url else b"" for url in urls]


def _of_lines(source: Source) -> Iterator[Portion]:
    opened = gzip.open if source.path.suffix == ".gz" else open
    with opened(source.path, "rb") as file:
        start = 0
        while lines := list(islice(cast("Iterable[bytes]", file), CHUNK)):
            yield _of_chunk(source, start, lines)
            start += len(lines)


def _of_chunk(source: Source, start: int, lines: Sequence[bytes]) -> Portion:
    good: list[tuple[Json, bytes]] = []
    faults: list[str] = []
    for number, line in enumerate(lines, start + 1):
        if not line.strip():
            continue
        try:
            good.append((_resource(line), line.strip()))
        except UnreadableError as error:
            faults.append(f"line {number}: {error}")
    return _chunk(source, start, good, tuple(faults))


def _chunk(
    source: Source,
    start: int,
    resources: Sequence[tuple[Json, bytes]],
    faults: tuple[str, ...] = (),
    urls: Sequence[bytes] = (),
) -> Portion:
    requests = [_request(resource) for resource, _ in resources]
    texts = [
        b"{" + url + b'"resource":' + text + b',"request":' + encode(request) + b"}"
        for url, (_, text), request in zip(
            urls or [b""] * len(resources), resources, requests, strict=True
        )
    ]
    body = b'{"resourceType":"Bundle","type":"transaction","entry":[' + b",".join(texts) + b"]}"
    entries = tuple(
        (str(resource["resourceType"]), request["method"])
        for (resource, _), request in zip(resources, requests, strict=True)
    )
    faults = tuple(f"{source.path}: {fault}" for fault in faults)
    return Portion(source, start, body, entries, cut=True, faults=faults)


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _type_of(entry: Json) -> str:
    type: object = _object(entry.get("resource")).get("resourceType")
    return type if isinstance(type, str) else ""


def _entry(entry: Json) -> tuple[str, str]:
    return _type_of(entry), str(_object(entry.get("request")).get("method", ""))


def _request(resource: Json) -> dict[str, str]:
    type, id = str(resource["resourceType"]), resource.get("id")
    return {"method": "PUT", "url": f"{type}/{id}"} if id else {"method": "POST", "url": type}


def _resource(text: bytes) -> Json:
    try:
        value = decode(text)
    except FhirError as error:
        raise UnreadableError(error.issues[0].diagnostics) from None
    if not isinstance(value.get("resourceType"), str):
        raise UnreadableError("not a FHIR resource: resourceType is missing")
    return value
