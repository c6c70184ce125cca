"""kill -9 under write load: what was acknowledged is there, and no transaction is there by half."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.torture import processes
from conformance.torture.client import Answer, Client, UnansweredError
from conformance.torture.journal import Acknowledged, Journal, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.evidence.report import Report
    from conformance.installation import Installation

WRITERS = 12
READERS = 8
LARGEST = 12
RECOVERY_SECONDS = 60.0
PAUSE_SECONDS = 0.2
LOOKS = 20


@dataclass(slots=True)
class Load:
    """Writers that go on whatever happens to the server; all draw from one run of numbers."""

    server: Installation
    journal: Journal
    seed: int
    stop: bool = False
    pause: bool = False
    answers: int = 0
    surprises: list[str] = field(default_factory=list[str])
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def token(self) -> str:
        """A word that is written once."""
        return f"c{self.seed}-{next(self.numbers)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How often and for how long at most."""

    kills: int
    seconds: float
    seed: int


async def run(server: Installation, plan: Plan, report: Report) -> None:
    """Kill at random moments, and after each recovery check what was acknowledged so far."""
    chance = random.Random(plan.seed)  # noqa: S311 - chance, not a secret
    journal = Journal(server.home / "acknowledged.jsonl")
    load = Load(server, journal, plan.seed)
    deadline = time.monotonic() + plan.seconds
    writers = [asyncio.create_task(_writer(load, n)) for n in range(WRITERS)]
    done = 0
    try:
        while done < plan.kills and time.monotonic() < deadline:
            await asyncio.sleep(chance.uniform(0.05, 1.0))
            what, pid = _victim(server, chance)
            if pid is None or not processes.kill(pid):
                continue
            done += 1
            recovered = await _recovered(load)
            report.check(recovered is not None, f"no write in {RECOVERY_SECONDS} s after {what}")
            if recovered is None:
                report.say(server.log.read_text(errors="replace")[-3000:])
                return
            said = f"kill {done}/{plan.kills}: {what}; writing again after {recovered:.1f} s"
            report.say(f"{said}; {len(journal.acknowledged)} acknowledged")
            if done % 10 == 0 and done < plan.kills:
                load.pause = True
                await _verify(load, report)
                load.pause = False
    finally:
        load.stop = True
        await asyncio.gather(*writers)
    report.check(done == plan.kills, f"time ran out after {done} of {plan.kills} kills")
    await _verify(load, report)
    report.check(not load.surprises, f"{len(load.surprises)} odd answers: {load.surprises[:3]}")
    journal.close()


def _victim(server: Installation, chance: random.Random) -> tuple[str, int | None]:
    """Which process to kill next: a worker, one connection's backend, or all of PostgreSQL."""
    kind = chance.choice(("API worker", "API worker", "PostgreSQL", "backend of PostgreSQL"))
    if kind == "API worker":
        found = processes.api_workers(server.pid)
    elif kind == "PostgreSQL":
        first = processes.postmaster(server.home)
        found = [first] if first is not None else []
    else:
        found = processes.backends(server.home)
    return kind, chance.choice(found) if found else None


async def _recovered(load: Load) -> float | None:
    """Seconds until a write that began after the kill is answered; None where none is."""
    began, client = time.monotonic(), Client(load.server.url)
    resource = {"resourceType": "Basic", "id": "probe", "code": {"text": "probe"}}
    while (waited := time.monotonic() - began) < RECOVERY_SECONDS:
        try:
            answer = await client.send("PUT", "Basic/probe", resource)
        except UnansweredError:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        if answer.status in {200, 201}:
            await client.close()
            return waited
        await asyncio.sleep(PAUSE_SECONDS)
    return None


async def _writer(load: Load, number: int) -> None:
    chance = random.Random(f"{load.seed}-{number}")  # noqa: S311
    client = Client(load.server.url)
    own = [f"w{load.seed}-{number}-{n}" for n in range(3)]
    while not load.stop:
        if load.pause:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        act = chance.choice((_create, _update, _update, _transaction))
        try:
            await act(load, client, chance, own)
        except UnansweredError:
            await asyncio.sleep(PAUSE_SECONDS)
    await client.close()


async def _create(load: Load, client: Client, chance: random.Random, own: list[str]) -> None:
    del chance, own
    token = load.token()
    answer = await client.send("POST", "Basic", _basic("", token))
    if _good(load, answer, "POST Basic"):
        id = answer.headers["location"].split("/Basic/")[1].split("/")[0]
        load.journal.acknowledge([Acknowledged("Basic", id, answer.vid, token)])


async def _update(load: Load, client: Client, chance: random.Random, own: list[str]) -> None:
    id, token = chance.choice(own), load.token()
    answer = await client.send("PUT", f"Basic/{id}", _basic(id, token))
    if _good(load, answer, "PUT Basic"):
        load.journal.acknowledge([Acknowledged("Basic", id, answer.vid, token)])


async def _transaction(load: Load, client: Client, chance: random.Random, own: list[str]) -> None:
    """New ids that only this transaction writes, and an update of one of the writer's own."""
    token = load.token()
    ids = [f"{token}-{n}" for n in range(chance.randint(2, LARGEST))]
    resources = [_basic(id, token) for id in (*ids, chance.choice(own))]
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"Basic/{each['id']}"}}
        for each in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    try:
        answer = await client.send("POST", "", bundle)
    except UnansweredError:
        load.journal.leave_open(Unanswered(token, tuple(ids)))
        raise
    if not _good(load, answer, "transaction"):
        load.journal.leave_open(Unanswered(token, tuple(ids)))
        return
    found = [entry["response"]["etag"] for entry in answer.json()["entry"]]
    vids = [int(tag.removeprefix("W/").strip('"')) for tag in found]
    load.journal.acknowledge(
        [
            Acknowledged("Basic", each["id"], vid, token, token)
            for each, vid in zip(resources, vids, strict=True)
        ]
    )


def _good(load: Load, answer: Answer, what: str) -> bool:
    """Whether it was done; while PostgreSQL is away the server may say so, and nothing else."""
    load.answers += 1
    if answer.status in {200, 201}:
        return True
    if answer.status not in {503, 504}:
        load.surprises.append(f"{what}: {answer.status} {answer.body[:200]!r}")
    return False


async def _verify(load: Load, report: Report) -> None:
    """Read back every acknowledged version, and look at every transaction left open."""
    began = time.monotonic()
    acknowledged, load.journal.acknowledged = load.journal.acknowledged, []
    unanswered, load.journal.unanswered = load.journal.unanswered, []
    await _shared_out(load, acknowledged, lambda c, each: _there(c, each, report))
    await _shared_out(load, unanswered, lambda c, each: _whole(c, each, report))
    took = time.monotonic() - began
    text = f"read back {len(acknowledged)} versions and {len(unanswered)} open transactions"
    report.say(f"{text} in {took:.1f} s")


async def _shared_out(load: Load, work: list[Any], check: Callable[[Client, Any], Any]) -> None:
    waiting = iter(work)

    async def reader() -> None:
        client = Client(load.server.url)
        for each in waiting:
            await check(client, each)
        await client.close()

    await asyncio.gather(*(reader() for _ in range(READERS)))


async def _there(client: Client, each: Acknowledged, report: Report) -> None:
    answer = await _get(client, f"{each.type}/{each.id}/_history/{each.vid}")
    text = f"{each.type}/{each.id} version {each.vid} was acknowledged"
    report.check(answer.status == 200, f"{text} and answers {answer.status}")
    if answer.status == 200:
        found = answer.json()["code"]["text"]
        report.check(found == each.token, f"{text} as {each.token} and says {found}")


async def _whole(client: Client, each: Unanswered, report: Report) -> None:
    """Read again where it looks half: PostgreSQL may just be committing for a dead worker."""
    statuses: set[int] = set()
    for _ in range(LOOKS):
        statuses = {(await _get(client, f"Basic/{id}")).status for id in each.ids}
        if len(statuses) == 1:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    text = f"transaction {each.token} of {len(each.ids)} is there by half: {statuses}"
    report.check(statuses in ({200}, {404}), text)


async def _get(client: Client, path: str) -> Answer:
    for _ in range(LOOKS):
        try:
            answer = await client.send("GET", path)
        except UnansweredError:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        if answer.status != 503:
            return answer
        await asyncio.sleep(PAUSE_SECONDS)
    return await client.send("GET", path)


def _basic(id: str, token: str) -> dict[str, Any]:
    named = {"id": id} if id else {}
    return {"resourceType": "Basic", **named, "code": {"text": token}}
