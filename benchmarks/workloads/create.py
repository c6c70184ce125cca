"""Create Observations of about 1 kB.

https://hl7.org/fhir/R4/http.html#create
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import data
from benchmarks.api import differences
from benchmarks.script import Request, Script, raw_request

if TYPE_CHECKING:
    from benchmarks.api import Api
    from benchmarks.dataset import Dataset
    from benchmarks.target import Target

BODIES = 2000
FIRST = 10_000_000  # numbers that no seeded Observation has
SAMPLE = 5


def script(target: Target, dataset: Dataset) -> Script:
    """Two thousand different bodies for the seeded patients."""
    patients = dataset.stored["Patient"]
    requests = tuple(
        Request(
            raw_request(
                target,
                "POST",
                "/Observation",
                data.observation(FIRST + at, patients[at % len(patients)].path[1:]),
            )
        )
        for at in range(BODIES)
    )
    return Script(requests, counted=("Observation",), added=1)


def check(api: Api, dataset: Dataset) -> list[str]:
    """One that is created reads back as sent; the runner compares the counts."""
    problems: list[str] = []
    for at in range(SAMPLE):
        body = data.observation(FIRST + BODIES + at, dataset.stored["Patient"][0].path[1:])
        changed = differences(body, api.post("Observation", body))
        if changed:
            problems.append(f"a created Observation came back with other {', '.join(changed)}")
    return problems
