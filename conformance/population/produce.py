"""Runs a population into files, on one core or on several, with the same bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING

from conformance.population.generate import (
    Batch,
    Settings,
    patient_batch,
    shared_batches,
    world_of,
)
from conformance.population.links import BundleLinks, Links, RelativeLinks
from conformance.population.writers import ENCODERS, Files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.population.world import World

_SHARE = 16
"""Patients per piece of work handed to a process."""

LINKS: dict[str, Links] = {"bundles": BundleLinks(), "ndjson": RelativeLinks()}


@dataclass(frozen=True, slots=True)
class Piece:
    """Encoded output of some batches, in order."""

    files: list[dict[str, bytes]]
    counts: Counter[str]
    patients: int


def _piece(batches: list[Batch], form: str) -> Piece:
    encode = ENCODERS[form]
    counts = Counter(r["resourceType"] for batch in batches for r in batch.resources)
    patients = sum(not batch.shared for batch in batches)
    return Piece([encode(batch) for batch in batches], counts, patients)


@cache
def _world(settings: Settings) -> World:
    return world_of(settings)


def _work(task: tuple[Settings, str, range]) -> Piece:
    settings, form, indexes = task
    world = _world(settings)
    return _piece([patient_batch(settings, world, index) for index in indexes], form)


def _tasks(settings: Settings, form: str) -> Iterator[tuple[Settings, str, range]]:
    for start in range(0, settings.patients, _SHARE):
        yield settings, form, range(start, min(start + _SHARE, settings.patients))


def pieces(settings: Settings, form: str, jobs: int) -> Iterator[Piece]:
    """In the same order whatever `jobs` is."""
    yield _piece(list(shared_batches(_world(settings))), form)
    tasks = _tasks(settings, form)
    if jobs <= 1:
        yield from map(_work, tasks)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_work, tasks)


def write(
    settings: Settings,
    form: str,
    folder: Path,
    *,
    compress: bool = False,
    jobs: int = 1,
    tick: Callable[[Piece], None] | None = None,
) -> Counter[str]:
    """Resources per type; `tick` hears of each piece once it is in the files."""
    counts: Counter[str] = Counter()
    files = Files(folder, compress=compress)
    try:
        for piece in pieces(settings, form, jobs):
            for named in piece.files:
                files.add(named)
            counts += piece.counts
            if tick is not None:
                tick(piece)
    finally:
        files.close()
    return counts
