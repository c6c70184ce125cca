"""The workloads, in the order they run: readers first, then writers that make the tables grow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from benchmarks.workloads import create, mixed, read, search, transaction, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.api import Api
    from benchmarks.dataset import Dataset
    from benchmarks.script import Script
    from benchmarks.target import Target


@dataclass(frozen=True, slots=True)
class Workload:
    """A row: its name, how wide it runs, what is counted, the database limit it is held against.

    `check` asks for a sample after the load and returns what is wrong with the answers.
    """

    name: str
    script: Callable[[Target, Dataset], Script]
    check: Callable[[Api, Dataset], list[str]]
    connections: tuple[int, ...]
    unit: str
    limit: Literal["select", "copy"]


def _transaction(size: int) -> Workload:
    return Workload(
        f"transaction-{size}",
        partial(transaction.script, size=size),
        partial(transaction.check, size=size),
        (1, 4),
        "resources",
        "copy",
    )


WORKLOADS = (
    Workload("read", read.script, read.check, (1, 8, 32, 64), "requests", "select"),
    Workload("search", search.script, search.check, (8, 32), "requests", "select"),
    Workload("update", update.script, update.check, (32,), "requests", "copy"),
    Workload("mixed", mixed.script, mixed.check, (32,), "requests", "select"),
    Workload("create", create.script, create.check, (32,), "requests", "copy"),
    *(_transaction(size) for size in (20, 200, 500)),
)
