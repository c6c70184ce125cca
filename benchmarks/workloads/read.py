"""Read Observations by id.

https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from benchmarks.api import differences
from benchmarks.script import Request, Script, raw_request

if TYPE_CHECKING:
    from benchmarks.api import Api
    from benchmarks.dataset import Dataset
    from benchmarks.target import Target

SAMPLE = 20


def script(target: Target, dataset: Dataset) -> Script:
    """Every Observation once, in random order."""
    rows = list(dataset.stored["Observation"])
    random.Random(1).shuffle(rows)  # noqa: S311
    return Script(tuple(Request(raw_request(target, "GET", row.path)) for row in rows))


def check(api: Api, dataset: Dataset) -> list[str]:
    """A sample reads back as it was sent, decimals to the digit."""
    rows = dataset.stored["Observation"]
    problems: list[str] = []
    for row in random.Random(2).sample(rows, min(SAMPLE, len(rows))):  # noqa: S311
        changed = differences(row.body(), api.get(row.path[1:]))
        if changed:
            problems.append(f"{row.path} came back with other {', '.join(changed)}")
    return problems
