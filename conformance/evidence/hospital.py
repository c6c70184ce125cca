"""Synthea's transaction Bundles: loaded, counted, loaded again, read back.

https://hl7.org/fhir/R4/http.html#transaction

What must hold: all files load; per type the server holds what the Bundles hold after conditional
creates; a second load adds only what no ifNoneExist guards; every Patient, and ten resources of
each type, read back equal to what was sent but for id, meta and references, decimals to the digit.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.evidence.report import Report
    from conformance.installation import Installation

    _Object = dict[str, object]

SAMPLE = 10
SEED = 20_211_110
FHIR_JSON = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}


class Number(str):
    """A decimal as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a Bundle and, once it is sent, where it stands on the server."""

    type: str
    resource: dict[str, Any]
    condition: str
    location: str = ""


def run(server: Installation, data: Path, report: Report) -> None:
    """Load ``data``/synthea into ``server``."""
    files = sorted((data / "synthea").glob("*.json.gz"))
    report.check(len(files) == 16, f"16 files are expected, {len(files)} are there")
    bundles = [_bundle(file) for file in files]
    entries = [entry for bundle in bundles for entry in _entries(bundle)]
    _load(server, data / "synthea", report)
    with httpx.Client(base_url=server.url, headers=FHIR_JSON, timeout=120) as client:
        expected = _after_conditional_creates(entries)
        _compare_counts(client, expected, report, "after the first load")
        sent = [entry for bundle in bundles for entry in _send(client, bundle, report)]
        added = Counter(entry.type for entry in entries if not entry.condition)
        _compare_counts(client, expected + added, report, "after the second load")
        _read_back(client, sent, report)


def _bundle(file: Path) -> dict[str, Any]:
    return json.loads(gzip.decompress(file.read_bytes()), parse_float=Number)


def _entries(bundle: dict[str, Any]) -> Iterator[Entry]:
    for entry in bundle["entry"]:
        resource = entry["resource"]
        yield Entry(resource["resourceType"], resource, entry["request"].get("ifNoneExist", ""))


def _load(server: Installation, folder: Path, report: Report) -> None:
    done = subprocess.run(  # noqa: S603
        server.command("load", "--json", "--url", server.url, str(folder)),
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    report.check(done.returncode == 0, f"hestia load ended with {done.returncode}: {done.stderr}")
    if done.stdout:
        result = json.loads(done.stdout)
        for failure in result["failures"]:
            report.check(holds=False, failure=failure)
        total = sum(sum(fates.values()) for fates in result["types"].values())
        report.say(f"hestia load: {total} entries")


def _after_conditional_creates(entries: Sequence[Entry]) -> Counter[str]:
    conditional = {(entry.type, entry.condition) for entry in entries if entry.condition}
    counts = Counter(type for type, _ in conditional)
    counts.update(entry.type for entry in entries if not entry.condition)
    return counts


def _compare_counts(
    client: httpx.Client, expected: Counter[str], report: Report, when: str
) -> None:
    for type, count in sorted(expected.items()):
        total = client.get(f"/{type}", params={"_summary": "count"}).json().get("total")
        report.check(total == count, f"{when}: {count} of {type} expected, {total} found")
    report.say(f"{when}: {sum(expected.values())} resources of {len(expected)} types")


def _send(client: httpx.Client, bundle: dict[str, Any], report: Report) -> Iterator[Entry]:
    answer = client.post("/", content=_text(bundle))
    report.check(
        answer.status_code == 200, f"second load: {answer.status_code} {answer.text[:500]}"
    )
    if answer.status_code != 200:
        return
    for entry, response in zip(_entries(bundle), answer.json()["entry"], strict=True):
        status, location = response["response"]["status"], response["response"].get("location", "")
        wanted = "200" if entry.condition else "201"
        report.check(status.startswith(wanted), f"{entry.type}: {wanted} expected, got {status}")
        yield Entry(entry.type, entry.resource, entry.condition, location)


def _text(bundle: dict[str, Any]) -> bytes:
    marked = json.dumps(_marked(bundle))
    return marked.replace('"\\u0000', "").replace('\\u0000"', "").encode()


def _marked(value: object) -> object:
    """Numbers between NULs, which JSON escapes and no text holds: unquoted after encoding."""
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in cast("_Object", value).items()}
    if isinstance(value, list):
        return [_marked(item) for item in cast("list[object]", value)]
    return f"\0{value}\0" if isinstance(value, Number) else value


def _read_back(client: httpx.Client, sent: Sequence[Entry], report: Report) -> None:
    chosen = [entry for entry in sent if entry.type == "Patient"]
    chooser = random.Random(SEED)  # noqa: S311 - a sample
    for type in sorted({entry.type for entry in sent} - {"Patient"}):
        of_type = [entry for entry in sent if entry.type == type]
        chosen += chooser.sample(of_type, min(SAMPLE, len(of_type)))
    for entry in chosen:
        path = entry.location.partition("/_history/")[0].removeprefix(str(client.base_url))
        stored = json.loads(client.get(f"/{path}").content, parse_float=Number)
        difference = _difference(_comparable(entry.resource), _comparable(stored), entry.type)
        report.check(not difference, f"{path}: {difference}")
    report.say(f"{len(chosen)} resources read back")


def _comparable(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in {"id", "meta"}}


def _difference(sent: object, stored: object, path: str) -> str:
    """Where two values differ first; empty where they agree."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        return _of_objects(cast("_Object", sent), cast("_Object", stored), path)
    if isinstance(sent, list) and isinstance(stored, list):
        return _of_lists(cast("list[object]", sent), cast("list[object]", stored), path)
    same = sent == stored and isinstance(sent, Number) == isinstance(stored, Number)
    return "" if same else f"{path}: {sent!r} sent, {stored!r} stored"


def _of_objects(sent: _Object, stored: _Object, path: str) -> str:
    if sent.keys() != stored.keys():
        return f"{path}: {sorted(sent.keys() ^ stored.keys())} on one side only"
    names = [name for name in sent if name != "reference"]
    found = (_difference(sent[name], stored[name], f"{path}.{name}") for name in names)
    return next(filter(None, found), "")


def _of_lists(sent: list[object], stored: list[object], path: str) -> str:
    if len(sent) != len(stored):
        return f"{path}: {len(sent)} items sent, {len(stored)} stored"
    pairs = enumerate(zip(sent, stored, strict=True))
    return next(filter(None, (_difference(a, b, f"{path}[{i}]") for i, (a, b) in pairs)), "")
