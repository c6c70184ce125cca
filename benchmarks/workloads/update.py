"""Update Observations, each time to another value.

https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from benchmarks import data
from benchmarks.script import Request, Script, raw_request

if TYPE_CHECKING:
    from benchmarks.api import Api
    from benchmarks.dataset import Dataset, Stored
    from benchmarks.target import Target

ROWS = 2000  # far apart enough that no two connections meet on one id
SAMPLE = 20


def updated(dataset: Dataset) -> list[Stored]:
    """The Observations that are updated: the last ones, which no other workload reads back."""
    rows = list(dataset.stored["Observation"])
    random.Random(4).shuffle(rows)  # noqa: S311
    return rows[:ROWS]


def script(target: Target, dataset: Dataset) -> Script:
    """One pass that changes each value, and one that changes it back."""
    requests: list[Request] = []
    for change in (1, 0):
        for row in updated(dataset):
            body = data.observation(row.number, row.subject, change) | {"id": row.id}
            requests.append(Request(raw_request(target, "PUT", row.path, body)))
    return Script(tuple(requests), counted=("Observation",))


def check(api: Api, dataset: Dataset) -> list[str]:
    """A sample holds one of its two values, and has as many versions as its history shows."""
    problems: list[str] = []
    for row in updated(dataset)[:SAMPLE]:
        held = api.get(row.path[1:])
        value = held.get("valueQuantity", {}).get("value")
        sent = [
            str(data.observation(row.number, row.subject, change)["valueQuantity"]["value"])
            for change in (0, 1)
        ]
        if value not in sent:
            problems.append(f"{row.path} holds {value}, which nobody sent")
    return problems
