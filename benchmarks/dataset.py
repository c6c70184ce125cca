"""Resources that the run put into the server before the clock started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.api import Api

Json = dict[str, Any]
# Resources per patient, in the order of a seed bundle.
PER_PATIENT = (("Encounter", 1), ("Condition", 2), ("MedicationRequest", 2), ("Observation", 50))
TYPES = ("Patient", *(type_ for type_, _ in PER_PATIENT))


class SeedError(Exception):
    """The server did not take the resources that the workloads need."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as the server keeps it: the maker's number, its id, its patient's reference."""

    type: str
    number: int
    id: str
    subject: str

    @property
    def path(self) -> str:
        """`/Type/id`."""
        return f"/{self.type}/{self.id}"

    def body(self) -> Json:
        """What was sent, with the references that the server resolved."""
        return data.resource(self.type, self.number, self.subject)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is stored, by type; `size` counts all of it."""

    stored: Mapping[str, tuple[Stored, ...]]

    @property
    def size(self) -> int:
        """Resources in all."""
        return sum(len(rows) for rows in self.stored.values())


def entry(full_url: str, body: Json) -> Json:
    """A Bundle entry that creates.

    https://hl7.org/fhir/R4/http.html#transaction
    """
    request = {"method": "POST", "url": body["resourceType"]}
    return {"fullUrl": full_url, "resource": body, "request": request}


def transaction(entries: list[Json]) -> Json:
    """A transaction Bundle."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def urn(number: int) -> str:
    """A urn:uuid that is the same in every run."""
    return f"urn:uuid:be4c0000-0000-4000-8000-{number:012x}"


def patient_numbers(patient: int) -> list[tuple[str, int]]:
    """Type and maker's number of everything that belongs to one patient, the Patient first."""
    rows = [("Patient", patient)]
    for type_, each in PER_PATIENT:
        rows += [(type_, patient * each + at) for at in range(each)]
    return rows


def created_ids(answer: Json, expected: int) -> list[str]:
    """`Type/id` of each entry of a transaction's answer; SeedError unless all were created."""
    names: list[str] = []
    for row in answer.get("entry", []):
        response = row.get("response", {})
        parts = str(response.get("location", "")).split("/_history")[0].split("/")
        if not str(response.get("status", "")).startswith("201") or len(parts) < 2:
            raise SeedError(f"an entry was not created: {response}")
        names.append("/".join(parts[-2:]))
    if len(names) != expected:
        raise SeedError(f"{expected} entries were sent and {len(names)} were answered")
    return names


def seed(api: Api, patients: int) -> Dataset:
    """Store the patients and all that belongs to them, one transaction per patient."""
    stored: dict[str, list[Stored]] = {type_: [] for type_ in TYPES}
    for patient in range(patients):
        rows = patient_numbers(patient)
        bundle = transaction(
            [
                entry(urn(at), data.resource(type_, number, urn(0)))
                for at, (type_, number) in enumerate(rows)
            ]
        )
        names = created_ids(api.post("", bundle), len(rows))
        for (type_, number), name in zip(rows, names, strict=True):
            stored[type_].append(Stored(type_, number, name.split("/")[1], names[0]))
    return Dataset({type_: tuple(rows) for type_, rows in stored.items()})
