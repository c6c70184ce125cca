"""`hestia demo`: synthetic patients in a running server."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated

import httpx
import typer

from fhir_server import settings
from fhir_server.cli.console import console, fail
from fhir_server.cli.load import Tally, deliver, finish, progress_bar
from fhir_server.cli.load_sender import Sender, UnreachableError
from fhir_server.cli.load_sources import Portion, Source
from fhir_server.r4.json import encode

if TYPE_CHECKING:
    from conformance.population.generate import Batch
    from fhir_server.cli.load_sender import Sent

CONNECTIONS = 4
SHARED_BATCHES = 2


def demo(
    patients: Annotated[int, typer.Option(help="How many patients.", min=1)] = 300,
    seed: Annotated[int, typer.Option(help="Same seed, same patients.")] = 1,
    url: Annotated[
        str, typer.Option(help="FHIR base of the server; default: the one of the settings.")
    ] = "",
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Also where there are patients already.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fill a running server with synthetic patients: made up from start to end.

    Does nothing where the server has patients already, unless --again is given.
    """
    base = url or f"{settings.load(os.environ).origin}/fhir"
    try:
        if not again and _has_patients(base):
            console.print("There are patients already; --again adds more.")
            return
        tally = asyncio.run(_fill(base, seed, patients))
    except (UnreachableError, httpx.TransportError) as error:
        fail(f"The server cannot be reached: {error}. Is it running? Start it with `hestia serve`.")
    finish(tally, as_json=as_json)


def _has_patients(base: str) -> bool:
    answer = httpx.get(f"{base}/Patient", params={"_summary": "count"}, timeout=30)
    return answer.status_code == 200 and bool(answer.json().get("total"))


async def _fill(base: str, seed: int, patients: int) -> Tally:
    # The generator reads its tables when imported, and no other command needs them.
    from conformance.population.generate import generate  # noqa: PLC0415
    from conformance.population.links import BundleLinks  # noqa: PLC0415

    today = datetime.fromtimestamp(time(), UTC).date()
    batches = generate(seed, patients, now=today, links=BundleLinks())
    tally, sender = Tally(), Sender(base, connections=CONNECTIONS)
    with progress_bar() as progress:
        bar = progress.add_task("demo", total=patients + SHARED_BATCHES, count=0, rate="")

        def answered(portion: Portion, sent: Sent) -> None:
            del portion
            tally.add(sent)
            rate = tally.loaded / max(progress.tasks[bar].elapsed or 0, 0.001)
            progress.update(bar, advance=1, count=tally.loaded, rate=f"{rate:,.0f}/s")

        portions = (_portion(batch) for batch in batches)
        try:
            for _ in range(SHARED_BATCHES):
                # What all patients refer to is there before the first of them.
                await deliver(iter([next(portions)]), sender, 1, answered)
            await deliver(portions, sender, CONNECTIONS, answered)
        finally:
            await sender.close()
    return tally


def _portion(batch: Batch) -> Portion:
    from conformance.population.writers import bundle  # noqa: PLC0415

    body = bundle(batch)
    entries = tuple(
        (str(entry["request"]["url"]), str(entry["request"]["method"])) for entry in body["entry"]
    )
    source = Source(Path("demo") / batch.name, group=0, size=0, modified=0)
    return Portion(source, 0, encode(body), entries, cut=False)
