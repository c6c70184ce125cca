"""`hestia load`: bundles, NDJSON and directories into a FHIR server, resumable."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from fhir_server import settings
from fhir_server.cli.console import FAILED, PARTLY, console, fail, out, results
from fhir_server.cli.load_journal import Journal
from fhir_server.cli.load_sender import Sender, UnreachableError
from fhir_server.cli.load_sources import Portion, Source, UnreadableError, find, portions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fhir_server.cli.load_sender import Sent

MOST_SHOWN = 20


@dataclass(slots=True)
class Tally:
    """Counts by (type, fate), the failures in words, and what an earlier run had sent."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    failures: list[str] = field(default_factory=list[str])
    skipped: int = 0

    def add(self, sent: Sent) -> None:
        """Count one portion."""
        self.counts.update(sent.fates)
        self.failures.extend(sent.failures)

    @property
    def loaded(self) -> int:
        """Resources that the server took."""
        return sum(n for (_, fate), n in self.counts.items() if fate != "failed")


def load(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files or directories: .json, .ndjson, .jsonl, also .gz.", exists=True),
    ],
    url: Annotated[
        str, typer.Option(help="FHIR base of the server; default: the one of the settings.")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="File that holds a bearer token.", exists=True)
    ] = None,
    connections: Annotated[int, typer.Option(help="Bundles under way at once.", min=1)] = 4,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Send also what an earlier run has sent.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Load FHIR data; an interrupted load goes on where it stood.

    Failures are listed by file and entry and do not stop the load. Exit code 3 when some failed.
    """
    configured = settings.load(os.environ)
    base = url or f"{configured.origin}/fhir"
    sources = find(paths)
    if not sources:
        fail("There is no .json or .ndjson file under the paths given.")
    journal = Journal(Path(os.devnull) if again else configured.home / "load.journal", base)
    try:
        token = token_file.read_text("utf-8").strip() if token_file else ""
        sender = Sender(base, token=token, connections=connections)
        tally = asyncio.run(_load(sources, journal, sender, connections))
    except UnreachableError as error:
        fail(f"The server cannot be reached: {error}. Is it running? Start it with `hestia serve`.")
    finally:
        journal.close()
    finish(tally, as_json=as_json)


async def _load(
    sources: Sequence[Source], journal: Journal, sender: Sender, connections: int
) -> Tally:
    tally = Tally()

    def taken(portion: Portion, sent: Sent) -> None:
        tally.add(sent)
        if not sent.failures:
            journal.add(portion)

    with progress_bar() as progress:
        bar = progress.add_task("loading", total=sum(s.size for s in sources), count=0, rate="")
        try:
            for _, group in groupby(sources, key=lambda source: source.group):
                queue = _queue(list(group), journal, tally, progress, bar)
                await deliver(queue, sender, connections, taken)
        finally:
            await sender.close()
    return tally


def _queue(
    sources: Sequence[Source], journal: Journal, tally: Tally, progress: Progress, bar: TaskID
) -> Iterator[Portion]:
    """What is still to be sent, read file by file as it is asked for."""
    for source in sources:
        try:
            for portion in portions(source):
                if journal.knows(portion):
                    tally.skipped += len(portion.entries)
                else:
                    yield portion
                rate = tally.loaded / max(progress.tasks[bar].elapsed or 0, 0.001)
                progress.update(bar, count=tally.loaded, rate=f"{rate:,.0f}/s")
        except UnreadableError as error:
            tally.failures.append(f"{source.path}: {error}")
        progress.advance(bar, source.size)


async def deliver(
    queue: Iterator[Portion],
    sender: Sender,
    connections: int,
    answered: Callable[[Portion, Sent], None],
) -> None:
    """Send the portions, several at once; ``answered`` is told what became of each."""

    async def work() -> None:
        for portion in queue:
            answered(portion, await sender.send(portion))

    workers = [asyncio.create_task(work()) for _ in range(connections)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def progress_bar() -> Progress:
    """Resources so far, share of the work, rate, time gone and time left."""
    return Progress(
        TextColumn("{task.fields[count]:,} resources"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def finish(tally: Tally, *, as_json: bool) -> None:
    """Print the failures and the table of counts; end with 1 or 3 where something failed."""
    _report(tally, as_json=as_json)
    if tally.failures:
        raise typer.Exit(PARTLY if tally.loaded else FAILED)


def _report(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        types: dict[str, dict[str, int]] = {}
        for (type, fate), count in sorted(tally.counts.items()):
            types.setdefault(type, {})[fate] = count
        result = {"types": types, "skipped": tally.skipped, "failures": tally.failures}
        out(json.dumps(result, indent=2))
        return
    for failure in tally.failures[:MOST_SHOWN]:
        console.print(failure, style="red", markup=False, highlight=False)
    if len(tally.failures) > MOST_SHOWN:
        console.print(f"… and {len(tally.failures) - MOST_SHOWN} more failures (--json lists all)")
    results.print(_table(tally))
    if tally.skipped:
        console.print(f"{tally.skipped:,} resources were sent by an earlier run (--again resends)")


def _table(tally: Tally) -> Table:
    fates = ("created", "updated", "matched", "failed")
    table = Table("type", *fates)
    for type in sorted({type for type, _ in tally.counts}):
        table.add_row(type, *(f"{tally.counts[type, fate]:,}" for fate in fates))
    totals = [sum(n for (_, f), n in tally.counts.items() if f == fate) for fate in fates]
    table.add_section()
    table.add_row("all", *(f"{total:,}" for total in totals))
    return table
