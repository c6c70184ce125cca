"""Observations of one patient, one code, one year.

https://hl7.org/fhir/R4/search.html
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

SAMPLE = 20
PAGE = 20
SEARCHES = 5000


def searches(dataset: Dataset) -> list[tuple[Stored, str, int]]:
    """Patient, LOINC code and year of every search that is sent."""
    choose = random.Random(3)  # noqa: S311
    codes = [row[0] for row in data.LABS]
    patients = dataset.stored["Patient"]
    return [
        (choose.choice(patients), choose.choice(codes), choose.choice((2021, 2022, 2023, 2024)))
        for _ in range(SEARCHES)
    ]


def path(patient: Stored, code: str, year: int) -> str:
    """The search as a path with its query."""
    return (
        f"/Observation?patient=Patient/{patient.id}&code=http://loinc.org|{code}"
        f"&date=ge{year}-01-01&date=lt{year + 1}-01-01&_count={PAGE}"
    )


def script(target: Target, dataset: Dataset) -> Script:
    """A few thousand searches; most find one or two Observations."""
    return Script(
        tuple(Request(raw_request(target, "GET", path(*row))) for row in searches(dataset))
    )


def expected(dataset: Dataset, patient: Stored, code: str, year: int) -> set[str]:
    """Ids that the search must find, from the maker's own rules."""
    return {
        row.id
        for row in dataset.stored["Observation"]
        if row.subject == f"Patient/{patient.id}"
        and data.observation_code(row.number) == code
        and data.observation_day(row.number).year == year
    }


def check(api: Api, dataset: Dataset) -> list[str]:
    """A sample finds exactly the right Observations."""
    problems: list[str] = []
    for row in searches(dataset)[:SAMPLE]:
        bundle = api.get(path(*row)[1:])
        found = {
            entry["resource"]["id"]
            for entry in bundle.get("entry", [])
            if entry.get("search", {}).get("mode", "match") == "match"
        }
        right = expected(dataset, *row)
        if found != right:
            problems.append(f"{path(*row)} found {len(found)}, not the {len(right)} it must")
    return problems
