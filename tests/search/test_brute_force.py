"""Random searches against looking at every resource. https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.search import walks
from smart_auth.grant import PatientCompartment
from tests.search import brute_force, random_cases

if TYPE_CHECKING:
    from tests.search.shelf import Shelf

QUERIES = 100
SORTS = {
    "Observation": ("", "", "date", "-date", "-_lastUpdated", "_id", "status,-date",
                    "-value-quantity", "code,_lastUpdated", "-value-date,subject"),
    "Patient": ("", "birthdate", "_lastUpdated", "-family,birthdate", "gender,-identifier"),
}  # fmt: skip


def names(type_: str) -> list[tuple[str, str]]:
    return [(name, kind) for (of, name), (kind, _) in brute_force.VALUES.items() if of == type_]


def in_compartment(resource: dict[str, Any], patient: str) -> bool:
    if resource["resourceType"] == "Patient":
        return resource["id"] == patient
    return resource.get("subject", {}).get("reference") == f"Patient/{patient}"


# A bound of 5 makes walks give way in a population of this size.
@pytest.mark.parametrize(("seed", "bound"), [(1, 2000), (2, 5), (3, 5), (4, 5)])
async def test_searches_find_what_looking_at_every_resource_finds(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, seed: int, bound: int
) -> None:
    monkeypatch.setattr(walks, "BOUND", bound)
    random = Random(seed)  # noqa: S311 - cases, not secrets
    resources = random_cases.population(random, observations=150, patients=40)
    for start in range(0, len(resources), 10):
        await shelf.add(*resources[start : start + 10])
    grant = PatientCompartment("p1")
    visible = [r for r in resources if in_compartment(r, "p1")]
    matching = 0
    for _ in range(QUERIES):
        type_ = random.choice(("Observation", "Observation", "Patient"))
        query = random_cases.query(random, names(type_))
        paging = [("_sort", random.choice(SORTS[type_])), ("_count", random.choice("2379"))]
        wanted = brute_force.search(resources, type_, query)
        found = await shelf.ids(type_, *query, *paging)
        assert set(found) == wanted, (type_, query, paging)
        assert len(found) == len(wanted), (type_, query, paging)
        total = (await shelf.search(type_, *query, ("_summary", "count"))).total
        assert total == len(wanted), (type_, query)
        allowed = brute_force.search(visible, type_, query)
        granted = await shelf.ids(type_, *query, *paging, grant=grant)
        assert set(granted) == allowed, (type_, query, paging)
        matching += bool(wanted)
    assert matching > QUERIES / 2
