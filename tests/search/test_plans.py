"""No search reads a table from end to end, whether many rows match, few or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.search.compile import compile_count, compile_page
from fhir_server.search.order import Window
from fhir_server.search.page import visible_to
from fhir_server.search.request import parse
from fhir_server.store.rows import Statement
from smart_auth.grant import PatientCompartment
from tests.search.shelf import CATALOG, NOW

if TYPE_CHECKING:
    from tests.search.shelf import Shelf

ROWS = 3000


def observation(number: int) -> dict[str, Any]:
    code = "rare" if number == 7 else f"code-{number % 4}"
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "category": [{"coding": [{"code": f"category-{number % 2}"}]}],
        "code": {"coding": [{"system": "urn:codes", "code": code}]},
        "subject": {"reference": f"Patient/p{number % 40}"},
        "encounter": {"reference": f"Encounter/e{number % 300}"},
        "performer": [{"reference": f"Practitioner/d{number % 3}"}],
        "effectiveDateTime": f"20{10 + number % 10}-01-{1 + number % 28:02}",
        "valueQuantity": {"value": number, "unit": "mg"},
        "identifier": [{"value": f"i{number}"}],
        "note": [{"text": "x"}],
    }


RESOURCES: list[dict[str, Any]] = []


@pytest.fixture(scope="module")
async def crowd(library: Shelf) -> Shelf:
    """As many Observations as make PostgreSQL choose between its indexes."""
    for start in range(0, ROWS, 500):
        await library.add(*(observation(n) for n in range(start, start + 500)))
    async with library.store.cold() as connection:
        await connection.execute("ANALYZE")
    return library


async def plan(shelf: Shelf, query: str, *, grant: bool = False, count: bool = False) -> str:
    context = shelf.context
    if grant:
        context = replace(context, grant=PatientCompartment("p7"))
    pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
    request = parse(CATALOG, "Observation", [(n, v) for n, v in pairs], NOW)
    scope = CATALOG.scope(shelf.store.tables(context.tenant, "Observation"))
    visible = visible_to(context, "Observation", CATALOG.hasher)
    if count:
        made = compile_count(request, scope, visible)
    else:
        made = compile_page(request, scope, CATALOG.definitions, visible, Window(21))
    explained = Statement("EXPLAIN " + made.text, made.values, made.generic)
    return "\n".join(line for (line,) in await shelf.store.search(context, explained))


SHAPES = [
    ("", "observation_search_date"),
    ("_sort=-_lastUpdated", "observation_search_updated"),
    ("_sort=date", "observation_search_date"),
    ("code=code-1", "observation_hot_pkey"),
    ("code=rare", "observation_hot_pkey"),
    ("code=nothing", "observation_hot_pkey"),
    ("code=code-1,rare,nothing", "observation_hot_pkey"),
    ("code=code-1&category=category-0", "observation_search_idx"),
    ("code=code-1&date=ge2030", "observation_hot_pkey"),
    ("code=nothing&_sort=-_lastUpdated", "observation_search_idx"),
    ("date=ge2030", "observation_search_idx"),
    ("date=lt2000", "observation_search_date"),
    ("identifier=i7", "observation_search_idx"),
    ("identifier=nothing", "observation_search_idx"),
    ("encounter=Encounter/e1", "observation_search_idx"),
    ("performer=Practitioner/d1", "observation_search_idx"),
    ("encounter:missing=true", "observation_search_idx"),
    ("encounter:missing=false", "observation_search_idx"),
    ("patient=p1", "observation_search_patient"),
    ("patient=p1&code=code-1", "observation_search_patient"),
    ("patient=p1&_sort=_lastUpdated", "observation_search_patient"),
    ("value-quantity=gt2990", "observation_number_value"),
    ("value-quantity=gt99999", "observation_number_value"),
    ("value-quantity=lt2990", "observation_number_value"),
    ("value-quantity=gt2990,lt3", "observation_number_value"),
    ("code-value-quantity=rare$gt1", "observation_hot_pkey"),
    ("code-value-quantity=rare$gt1,code-1$gt2", "observation_search_idx"),
    ("component-code-value-quantity=rare$gt1", "observation_number_value"),
    ("combo-code-value-quantity=rare$gt1", "observation_number_value"),
    ("date=2030,2031", "observation_search_date"),
    ("_id=o7", "observation_id"),
    ("_id=nothing", "observation_id"),
    ("_lastUpdated=gt2030", "observation_search_updated"),
    ("code=code-1&_sort=status", "observation_search_idx"),
]


@pytest.mark.parametrize(("query", "index"), SHAPES)
async def test_a_search_goes_by_an_index(crowd: Shelf, query: str, index: str) -> None:
    found = await plan(crowd, query)
    assert "Seq Scan" not in found
    assert index in found


@pytest.mark.parametrize("query", [query for query, _ in SHAPES])
async def test_a_search_of_a_patients_compartment_starts_from_the_patient(
    crowd: Shelf, query: str
) -> None:
    found = await plan(crowd, query, grant=True)
    assert "Seq Scan" not in found
    by_id = query.startswith("_id")
    assert ("observation_id" if by_id else "observation_search_patient") in found


@pytest.mark.parametrize("query", [query for query, _ in SHAPES if "_sort" not in query and query])
async def test_a_count_goes_by_an_index(crowd: Shelf, query: str) -> None:
    assert "Seq Scan" not in await plan(crowd, query, count=True)


@pytest.mark.parametrize("query", ["", "code=code-1", "patient=p1", "_sort=-_lastUpdated"])
async def test_the_texts_of_a_page_are_fetched_row_by_row(crowd: Shelf, query: str) -> None:
    """A plan that does not know the limit would otherwise read the texts of all resources."""
    found = await plan(crowd, query)
    assert "Hash" not in found
    assert "Merge Join" not in found
