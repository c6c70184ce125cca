"""Many clients on few resources: every kind of write that can race with another.

https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.torture.client import Answer, Client, UnansweredError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conformance.torture.records import Records

CLIENTS = 32
SYSTEM = "urn:oid:2.25.1"
COUNTER_URL = "http://example.org/torture/counter"
EXPECTED = frozenset({200, 201, 204, 409, 410, 412})
"""404 is not among them: nothing here is asked for before it exists, and nothing vanishes."""


@dataclass(slots=True)
class Course:
    """What a run works on; every client draws from the same few ids."""

    base: str
    seed: int
    records: Records
    seconds: float
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def shared(self) -> list[str]:
        """Patients that everybody overwrites and deletes."""
        return [f"shared-{self.seed}-{n}" for n in range(4)]

    @property
    def counters(self) -> list[str]:
        """Patients that are only ever incremented."""
        return [f"counter-{self.seed}-{n}" for n in range(3)]

    def token(self) -> str:
        """A word that is written once."""
        return f"t{self.seed}-{next(self.numbers)}"


async def run(course: Course, progress: Callable[[int], None]) -> None:
    """Let all clients loose until the time is up."""
    setup = Client(course.base)
    for id in course.counters:
        await _put(course, setup, "Patient", id, _patient(id, course.token(), 0))
    stop = time.monotonic() + course.seconds
    clients = [_client(course, number, stop) for number in range(CLIENTS)]
    watcher = asyncio.create_task(_watch(course, stop, progress))
    try:
        await asyncio.gather(*clients)
    finally:
        await watcher
        await setup.close()


async def _watch(course: Course, stop: float, progress: Callable[[int], None]) -> None:
    while time.monotonic() < stop:
        await asyncio.sleep(1)
        progress(course.records.requests)


async def _client(course: Course, number: int, stop: float) -> None:
    chance = random.Random(f"{course.seed}-{number}")  # noqa: S311 - chance, not a secret
    client = Client(course.base)
    names, weights = zip(*_WEIGHTS.items(), strict=True)
    while time.monotonic() < stop:
        [act] = chance.choices(names, weights)
        try:
            await act(course, client, chance)
        except UnansweredError as error:
            course.records.surprises.append(str(error))
    await client.close()


async def _overwrite(course: Course, client: Client, chance: random.Random) -> None:
    id, token = chance.choice(course.shared), course.token()
    await _put(course, client, "Patient", id, _patient(id, token))


async def _guarded(course: Course, client: Client, chance: random.Random) -> None:
    """Read, then If-Match: what came between is not overwritten."""
    id = chance.choice(course.shared)
    current = await _send(course, client, "GET", f"Patient/{id}", also=(404,))
    if current.status == 200:
        resource = _patient(id, course.token())
        await _put(course, client, "Patient", id, resource, If_Match=f'W/"{current.vid}"')


async def _delete(course: Course, client: Client, chance: random.Random) -> None:
    id, began = chance.choice(course.shared), time.monotonic()
    answer = await _send(course, client, "DELETE", f"Patient/{id}")
    if answer.status in {200, 204} and answer.vid:
        course.records.wrote(("Patient", id), answer.vid, "", began)


async def _increment(course: Course, client: Client, chance: random.Random) -> None:
    """By If-Match or by JSON Patch; both are refused when another came between."""
    id = chance.choice(course.counters)
    current = await _send(course, client, "GET", f"Patient/{id}")
    number, token = _counter(current.json()), course.token()
    began = time.monotonic()
    if chance.random() < 0.5:
        resource = _patient(id, token, number + 1)
        tag = f'W/"{current.vid}"'
        answer = await _send(course, client, "PUT", f"Patient/{id}", resource, If_Match=tag)
    else:
        patch = _increment_patch(number, token)
        kind = "application/json-patch+json"
        also = (422,)
        answer = await _send(
            course, client, "PATCH", f"Patient/{id}", patch, also=also, content_type=kind
        )
    if answer.status == 200:
        course.records.wrote(("Patient", id), answer.vid, token, began)
        course.records.increments[id] = course.records.increments.get(id, 0) + 1
    elif answer.status in {409, 412, 422}:
        course.records.refused.add(token)


async def _create_once(course: Course, client: Client, chance: random.Random) -> None:
    value, began = f"once-{course.seed}-{chance.randrange(40)}", time.monotonic()
    token = course.token()
    resource = _patient("", token) | {"identifier": [{"system": SYSTEM, "value": value}]}
    criteria = f"identifier={SYSTEM}|{value}"
    answer = await _send(course, client, "POST", "Patient", resource, If_None_Exist=criteria)
    if answer.status in {200, 201}:
        id = answer.headers["location"].split("/Patient/")[1].split("/")[0]
        course.records.made.setdefault(value, []).append((answer.status, id))
        if answer.status == 201:
            course.records.wrote(("Patient", id), answer.vid, token, began)


async def _together(course: Course, client: Client, chance: random.Random) -> None:
    """Several shared patients, in any order, a conditional create and what refers to it."""
    token, value = course.token(), f"once-{course.seed}-{chance.randrange(40)}"
    ids = chance.sample(course.shared, chance.randint(2, 3))
    urn = f"urn:uuid:00000000-0000-4000-8000-{chance.getrandbits(48):012x}"
    who = _patient("", token) | {"identifier": [{"system": SYSTEM, "value": value}]}
    entries: list[dict[str, Any]] = [
        {
            "fullUrl": urn,
            "resource": who,
            "request": {
                "method": "POST",
                "url": "Patient",
                "ifNoneExist": f"identifier={SYSTEM}|{value}",
            },
        },
        {"resource": _basic(token, urn), "request": {"method": "POST", "url": "Basic"}},
    ]
    entries += [_entry("PUT", f"Patient/{id}", _patient(id, token)) for id in ids]
    chance.shuffle(entries)
    keys = await _transact(course, client, entries, token)
    for status, type_, id in keys:
        if type_ == "Patient" and id not in ids:
            course.records.made.setdefault(value, []).append((status, id))


async def _increment_together(course: Course, client: Client, chance: random.Random) -> None:
    """Two counters in one transaction, both guarded: both or neither."""
    ids, token = chance.sample(course.counters, 2), course.token()
    entries: list[dict[str, Any]] = []
    for id in ids:
        current = await _send(course, client, "GET", f"Patient/{id}")
        resource = _patient(id, token, _counter(current.json()) + 1)
        entry = _entry("PUT", f"Patient/{id}", resource)
        entry["request"]["ifMatch"] = f'W/"{current.vid}"'
        entries.append(entry)
    if await _transact(course, client, entries, token):
        for id in ids:
            course.records.increments[id] = course.records.increments.get(id, 0) + 1


async def _transact(
    course: Course, client: Client, entries: list[dict[str, Any]], token: str
) -> list[tuple[int, str, str]]:
    """Status, type and id of each entry; empty where the transaction was refused."""
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    began = time.monotonic()
    answer = await _send(course, client, "POST", "", bundle)
    if answer.status != 200:
        course.records.refused.add(token)
        return []
    done: list[tuple[int, str, str]] = []
    updated = {entry["request"]["url"] for entry in entries if entry["request"]["method"] == "PUT"}
    for entry in answer.json()["entry"]:
        response = entry["response"]
        status = int(response["status"].split(" ")[0])
        type_, id, _, vid = response["location"].split("/")[-4:]
        done.append((status, type_, id))
        if status == 201 or f"{type_}/{id}" in updated:
            course.records.wrote((type_, id), int(vid), token, began)
            course.records.together.setdefault(token, []).append((type_, id))
    return done


async def _put(
    course: Course, client: Client, type: str, id: str, resource: dict[str, Any], **headers: Any
) -> None:
    began, token = time.monotonic(), resource["name"][0]["family"]
    answer = await _send(course, client, "PUT", f"{type}/{id}", resource, **headers)
    if answer.status in {200, 201}:
        course.records.wrote((type, id), answer.vid, token, began)
    else:
        course.records.refused.add(token)


async def _send(
    course: Course,
    client: Client,
    method: str,
    path: str,
    resource: object = None,
    *,
    also: tuple[int, ...] = (),
    **headers: str,
) -> Answer:
    answer = await client.send(method, path, resource, **headers)
    course.records.requests += 1
    if answer.status not in EXPECTED and answer.status not in also:
        said = answer.body[:300].decode(errors="replace")
        course.records.surprises.append(f"{method} {path}: {answer.status} {said}")
    elif b"deadlock" in answer.body or b"could not serialize" in answer.body:
        course.records.surprises.append(f"{method} {path}: {answer.body[:300]!r}")
    return answer


def _entry(method: str, url: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": method, "url": url}}


def _patient(id: str, token: str, number: int | None = None) -> dict[str, Any]:
    resource: dict[str, Any] = {"resourceType": "Patient", "name": [{"family": token}]}
    if id:
        resource["id"] = id
    if number is not None:
        resource["extension"] = [{"url": COUNTER_URL, "valueInteger": number}]
    return resource


def _basic(token: str, subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Basic",
        "code": {"text": token},
        "subject": {"reference": subject},
    }


def _counter(resource: dict[str, Any]) -> int:
    return int(resource["extension"][0]["valueInteger"])


def _increment_patch(number: int, token: str) -> list[dict[str, Any]]:
    return [
        {"op": "test", "path": "/extension/0/valueInteger", "value": number},
        {"op": "replace", "path": "/extension/0/valueInteger", "value": number + 1},
        {"op": "replace", "path": "/name/0/family", "value": token},
    ]


_WEIGHTS: dict[Callable[[Course, Client, random.Random], Awaitable[None]], int] = {
    _overwrite: 4,
    _guarded: 3,
    _delete: 1,
    _increment: 4,
    _create_once: 3,
    _together: 4,
    _increment_together: 3,
}
