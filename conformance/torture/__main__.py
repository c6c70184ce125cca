"""Runs the races and the kills against a server of our own, or the races against another."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from email.utils import parsedate_to_datetime

from conformance.evidence.report import Report, console
from conformance.installation import Installation
from conformance.torture import crash, races
from conformance.torture.client import Client
from conformance.torture.records import Records
from conformance.torture.verdict import judge

FULL = {"kills": 50, "seconds": 60.0}
SHORT = {"kills": 3, "seconds": 3.0}
SECONDS_PER_KILL = 30.0


def main() -> int:
    """0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m conformance.torture", description=__doc__)
    parser.add_argument("--url", help="FHIR base of a running server: races only")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--seconds", type=float, help="length of the races")
    parser.add_argument("--kills", type=int, help="how many processes to kill")
    parser.add_argument("--short", action="store_true", help="seconds rather than minutes")
    chosen = parser.parse_args()
    extent = SHORT if chosen.short else FULL
    seconds = extent["seconds"] if chosen.seconds is None else chosen.seconds
    kills = int(extent["kills"]) if chosen.kills is None else chosen.kills
    console.print(f"seed {chosen.seed}: repeat with --seed {chosen.seed}")
    if chosen.url:
        return 0 if _races(chosen.url.rstrip("/"), chosen.seed, seconds) else 1
    with Installation(workers="2") as server:
        held = _races(server.url, chosen.seed, seconds) if seconds > 0 else True
        return 0 if _kills(server, chosen.seed, kills) and held else 1


def _races(base: str, seed: int, seconds: float) -> bool:
    console.rule("races")
    report = Report("races")
    course = races.Course(base, seed, Records(), seconds)

    async def all_of_it() -> None:
        client = Client(base)
        since = parsedate_to_datetime((await client.send("GET", "metadata")).headers["date"])
        await races.run(course, lambda done: report.say(f"{done} requests"))
        text = f"{course.records.requests} requests, {len(course.records.writes)} versions written"
        report.say(text)
        await judge(course, client, since.strftime("%Y-%m-%dT%H:%M:%SZ"), report)
        await client.close()

    asyncio.run(all_of_it())
    return report.finish()


def _kills(server: Installation, seed: int, kills: int) -> bool:
    if not kills:
        return True
    console.rule("kill -9")
    report = Report("kill -9")
    plan = crash.Plan(kills, 60 + kills * SECONDS_PER_KILL, seed)
    asyncio.run(crash.run(server, plan, report))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
