"""Command line: write a synthetic population, or check one."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from conformance.population.check.run import inspect, show
from conformance.population.check.source import UnreadableError
from conformance.population.generate import HISTORY, Settings
from conformance.population.produce import LINKS, Piece, write

if TYPE_CHECKING:
    from collections import Counter

app = typer.Typer(
    add_completion=False,
    help="A synthetic population: made up from start to end, no patient in it exists.",
)
console = Console()


class Form(StrEnum):
    """Output formats."""

    bundles = "bundles"
    ndjson = "ndjson"


def _today() -> str:
    return datetime.fromtimestamp(time.time(), UTC).date().isoformat()


def _print(counts: Counter[str], patients: int, seconds: float) -> None:
    table = Table("Resource", "Count", "Per patient", title="Synthetic population")
    for column in table.columns[1:]:
        column.justify = "right"
    for type, count in sorted(counts.items()):
        table.add_row(type, f"{count:,}", f"{count / max(1, patients):.1f}")
    total = sum(counts.values())
    table.add_section()
    table.add_row("All", f"{total:,}", f"{total / max(1, patients):.1f}")
    console.print(table)
    console.print(f"{total:,} resources in {seconds:.1f} s, {total / seconds:,.0f} a second")


@app.callback(invoke_without_command=True)
def generate(  # noqa: PLR0913 - one parameter per option
    context: typer.Context,
    *,
    seed: Annotated[int, typer.Option(help="Same seed, size and day: same bytes.")] = 1,
    patients: Annotated[int, typer.Option(min=1, help="Number of patients.")] = 200,
    form: Annotated[
        Form, typer.Option("--format", help="One transaction per patient, or a file per type.")
    ] = Form.bundles,
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path("population"),
    gzip: Annotated[bool, typer.Option("--gzip", help="Compress every file.")] = False,
    profiles: Annotated[
        bool, typer.Option("--profiles", help="Name US Core profiles in meta.profile.")
    ] = False,
    history: Annotated[
        int, typer.Option(min=1, max=100, help="Years of record per patient.")
    ] = HISTORY,
    today: Annotated[
        str, typer.Option(help="The day on which the records end, YYYY-MM-DD; default today.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the output is the same.")] = 1,
) -> None:
    """Write a synthetic population."""
    if context.invoked_subcommand is not None:
        return
    try:
        now = date.fromisoformat(today or _today())
    except ValueError:
        raise typer.BadParameter("a date such as 2026-01-31", param_hint="--today") from None
    settings = Settings(seed, patients, now, LINKS[form.value], profiles, history)
    start = time.perf_counter()
    bar = Progress(
        TextColumn("patients"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
    )
    done = 0
    with bar:
        task = bar.add_task("patients", total=patients, rate="")

        def tick(piece: Piece) -> None:
            nonlocal done
            done += piece.counts.total()
            rate = done / (time.perf_counter() - start)
            bar.update(task, advance=piece.patients, rate=f"{rate:,.0f} resources/s")

        counts = write(settings, form.value, out, compress=gzip, jobs=jobs, tick=tick)
    _print(counts, patients, time.perf_counter() - start)


@app.command()
def check(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Bundles or NDJSON, gzip or not.")
    ],
) -> None:
    """Check the coherence of a population and print how it is spread; 1 if anything is wrong."""
    try:
        outcome = inspect(folder)
    except UnreadableError as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from None
    show(outcome, console)
    if outcome.violations:
        raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m conformance.population")
