"""Transactions that create a patient's record, linked by urn:uuid.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import data
from benchmarks.api import differences
from benchmarks.dataset import created_ids, entry, transaction, urn
from benchmarks.script import Request, Script, raw_request

if TYPE_CHECKING:
    from benchmarks.api import Api
    from benchmarks.dataset import Dataset
    from benchmarks.target import Target

FIRST = 30_000_000
RESOURCES = 10_000  # in all the different bundles of one script


def bundle(size: int, at: int) -> dict[str, Any]:
    """A Patient, an Encounter, and Observations up to the size."""
    number = FIRST + at * size
    rows = [data.patient(number), data.encounter(number, urn(0))]
    rows += [data.observation(number + offset, urn(0)) for offset in range(2, size)]
    return transaction([entry(urn(offset), row) for offset, row in enumerate(rows)])


def script(target: Target, dataset: Dataset, *, size: int) -> Script:
    """Different bundles of the size."""
    del dataset
    requests = tuple(
        Request(raw_request(target, "POST", "", bundle(size, at)))
        for at in range(RESOURCES // size)
    )
    return Script(
        requests,
        units=size,
        expect="transaction-response",
        counted=("Patient", "Encounter", "Observation"),
        added=size,
    )


def check(api: Api, dataset: Dataset, *, size: int) -> list[str]:
    """A bundle's references point at what was created for them; the runner compares the counts."""
    del dataset
    sent = bundle(size, RESOURCES)
    names = created_ids(api.post("", sent), size)
    last = sent["entry"][-1]["resource"] | {"subject": {"reference": names[0]}}
    changed = differences(last, api.get(names[-1]))
    return [f"{names[-1]} came back with other {', '.join(changed)}"] if changed else []
