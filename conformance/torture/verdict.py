"""The server's own history held against what its clients saw.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.evidence.report import Report
    from conformance.torture.client import Client
    from conformance.torture.races import Course
    from conformance.torture.records import Key, Records, Write

PAGE = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """One version as a history shows it; ``token`` is empty for a deletion."""

    key: Key
    vid: int
    token: str
    updated: str


async def history(client: Client, path: str) -> list[Seen]:
    """All pages of a history, newest first."""
    mark = "&" if "?" in path else "?"
    url, seen = f"{path}{mark}_count={PAGE}", list[Seen]()
    while url:
        answer = await client.send("GET", url)
        if answer.status != 200:
            raise RuntimeError(f"GET {url}: {answer.status} {answer.body[:300]!r}")
        page = answer.json()
        seen += [_seen(entry) for entry in page.get("entry", [])]
        links = {link["relation"]: link["url"] for link in page.get("link", [])}
        url = links.get("next", "")
    return seen


async def judge(course: Course, client: Client, since: str, report: Report) -> None:
    """Every promise, checked against every version that was written."""
    records = course.records
    _surprises(records, report)
    whole = await history(client, f"_history?_since={since}")
    ours = {write.key for write in records.writes}
    order = [seen for seen in whole if seen.key in ours]
    versions = {key: await history(client, f"{key[0]}/{key[1]}/_history") for key in sorted(ours)}
    _gapless(versions, report)
    _complete(records, versions, report)
    _atomic(records, versions, report)
    _change_log(order, versions, report)
    _in_commit_order(records.writes, order, report)
    await _counters(course, client, report)
    await _conditional(course, client, report)


def _surprises(records: Records, report: Report) -> None:
    report.check(not records.surprises, f"{len(records.surprises)} answers nobody should see")
    for surprise in records.surprises[:5]:
        report.say(f"  {surprise}")


def _gapless(versions: Mapping[Key, Sequence[Seen]], report: Report) -> None:
    for key, seen in versions.items():
        found = [each.vid for each in seen]
        wanted = list(range(len(seen), 0, -1))
        report.check(found == wanted, f"{key}: versions {found[:10]}…, not {len(seen)} to 1")
        instants = [each.updated for each in seen if each.updated]
        descending = sorted(instants, reverse=True)
        report.check(instants == descending, f"{key}: lastUpdated does not follow the versions")


def _complete(records: Records, versions: Mapping[Key, Sequence[Seen]], report: Report) -> None:
    """Every acknowledged version is there, with the content that was acknowledged."""
    stored = {(key, each.vid): each.token for key, seen in versions.items() for each in seen}
    for write in records.writes:
        found = stored.get((write.key, write.vid))
        text = f"{write.key} version {write.vid}: {found!r} stands there, not {write.token!r}"
        report.check(found == write.token, text)
    tokens = Counter(
        (key, each.token) for key, seen in versions.items() for each in seen if each.token
    )
    twice = [pair for pair, count in tokens.items() if count > 1]
    report.check(not twice, f"written twice: {twice[:3]}")
    acknowledged = {(write.key, write.vid) for write in records.writes}
    unasked = [at for at, token in stored.items() if token and at not in acknowledged]
    report.check(not unasked, f"versions that nobody was told of: {unasked[:3]}")


def _atomic(records: Records, versions: Mapping[Key, Sequence[Seen]], report: Report) -> None:
    places: dict[str, list[Key]] = {}
    for key, seen in versions.items():
        for each in seen:
            places.setdefault(each.token, []).append(key)
    for token, keys in records.together.items():
        found = places.get(token, [])
        text = f"transaction {token} wrote {sorted(found)}, acknowledged were {sorted(keys)}"
        report.check(sorted(found) == sorted(keys), text)
    there = records.refused & places.keys()
    report.check(not there, f"refused and stored all the same: {sorted(there)[:3]}")


def _change_log(
    order: Sequence[Seen], versions: Mapping[Key, Sequence[Seen]], report: Report
) -> None:
    """System history is the change log: complete, without repetition, each id in order."""
    listed = Counter((each.key, each.vid) for each in order)
    wanted = Counter((key, each.vid) for key, seen in versions.items() for each in seen)
    report.check(not wanted - listed, f"system history lacks {list(wanted - listed)[:3]}")
    report.check(not listed - wanted, f"system history repeats {list(listed - wanted)[:3]}")
    last: dict[Key, int] = {}
    for each in reversed(order):
        behind = last.get(each.key, 0)
        report.check(each.vid == behind + 1, f"{each.key}: {each.vid} follows {behind} in the log")
        last[each.key] = each.vid


def _in_commit_order(writes: Iterable[Write], order: Sequence[Seen], report: Report) -> None:
    """What was acknowledged before another was asked for must stand before it in the log."""
    # A deletion may be told to several clients, so nobody knows when it was asked for.
    times = {(write.key, write.vid): write for write in writes if write.token}
    latest: Write | None = None
    for each in reversed(order):
        write = times.get((each.key, each.vid))
        if write is None:
            continue
        if latest is not None:
            text = f"{each.key} version {each.vid} stands after a write that began when it was done"
            report.check(write.ended >= latest.began, text)
        if latest is None or write.began > latest.began:
            latest = write


async def _counters(course: Course, client: Client, report: Report) -> None:
    for id in course.counters:
        answer = await client.send("GET", f"Patient/{id}")
        found = int(answer.json()["extension"][0]["valueInteger"])
        wanted = course.records.increments.get(id, 0)
        report.check(found == wanted, f"{id}: {found} after {wanted} acknowledged increments")


async def _conditional(course: Course, client: Client, report: Report) -> None:
    for value, answers in course.records.made.items():
        ids = {id for _, id in answers}
        report.check(len(ids) == 1, f"{value}: conditional creates were given {len(ids)} ids")
        created = sum(status == 201 for status, _ in answers)
        report.check(created == 1, f"{value}: created {created} times")
        search = f"Patient?identifier=urn:oid:2.25.1|{value}"
        found = (await client.send("GET", search)).json().get("entry", [])
        report.check(len(found) == 1, f"{value}: the search finds {len(found)}")


def _seen(entry: dict[str, Any]) -> Seen:
    resource = entry.get("resource")
    if resource is None:
        type_, id = entry["request"]["url"].split("/")[-2:]
        etag = entry["response"]["etag"]
        vid = int(etag.removeprefix("W/").strip('"'))
        return Seen((type_, id), vid, "", entry["response"].get("lastModified", ""))
    meta = resource["meta"]
    key = resource["resourceType"], resource["id"]
    return Seen(key, int(meta["versionId"]), _token(resource), meta["lastUpdated"])


def _token(resource: dict[str, Any]) -> str:
    if resource["resourceType"] == "Patient":
        return resource["name"][0]["family"]
    return resource["code"]["text"]
