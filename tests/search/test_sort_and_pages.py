"""Order, pages and totals. https://hl7.org/fhir/R4/search.html#_sort, #count and #total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.r4.outcome import FhirError
from fhir_server.search import walks
from smart_auth.grant import PatientCompartment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.search.shelf import Shelf


def observation(id_: str, date: str | None, code: str, value: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"code": code}]},
        "subject": {"reference": f"Patient/{'p' if int(id_[1:]) % 2 else 'q'}"},
    }
    if date:
        found["effectiveDateTime"] = date
    if value is not None:
        found["valueQuantity"] = {"value": value}
    return found


RESOURCES: list[dict[str, Any]] = [
    observation("o1", "2020-01-01", "b", 3),
    observation("o2", None, "a", 1),
    observation("o3", "2022-01-01", "A", 2),
    observation("o4", "2021-01-01", "c"),
    observation("o5", "2021-01-01", "b", 2),
    observation("o6", None, "d"),
    observation("o7", "2019", "b", 10),
    {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"family": "Young"}, {"family": "abel"}],
        "birthDate": "1990-01-01",
    },
    {"resourceType": "Patient", "id": "q", "name": [{"family": "Érard"}]},
    {"resourceType": "Patient", "id": "r", "birthDate": "1980"},
]

NEWEST_FIRST = ["o3", "o5", "o4", "o1", "o7", "o6", "o2"]


async def sorted_ids(library: Shelf, type_: str, sort: str, *more: tuple[str, str]) -> list[str]:
    return await library.ids(type_, ("_sort", sort), *more)


async def test_without_sort_the_newest_comes_first_and_what_has_no_date_last(
    library: Shelf,
) -> None:
    assert await library.ids("Observation") == NEWEST_FIRST


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("-date", NEWEST_FIRST),
        ("date", ["o7", "o1", "o4", "o5", "o3", "o2", "o6"]),
        ("_lastUpdated", ["o1", "o2", "o3", "o4", "o5", "o6", "o7"]),
        ("-_lastUpdated", ["o7", "o6", "o5", "o4", "o3", "o2", "o1"]),
        ("-_id", ["o7", "o6", "o5", "o4", "o3", "o2", "o1"]),
        ("code,-_id", ["o3", "o2", "o7", "o5", "o1", "o4", "o6"]),
        ("value-quantity,_id", ["o2", "o3", "o5", "o1", "o7", "o4", "o6"]),
        ("-value-quantity,_id", ["o7", "o1", "o3", "o5", "o2", "o4", "o6"]),
        ("subject,-value-quantity", ["o7", "o1", "o3", "o5", "o2", "o4", "o6"]),
        ("date,-value-quantity", ["o7", "o1", "o5", "o4", "o3", "o2", "o6"]),
    ],
)
async def test_sort_by_any_parameter_puts_missing_values_last(
    library: Shelf, sort: str, ids: list[str]
) -> None:
    assert await sorted_ids(library, "Observation", sort) == ids


@pytest.mark.parametrize(
    ("sort", "ids"),
    [("family", ["p", "q", "r"]), ("-family", ["p", "q", "r"]), ("birthdate", ["r", "p", "q"])],
)
async def test_of_several_values_the_first_in_the_order_counts(
    library: Shelf, sort: str, ids: list[str]
) -> None:
    """The family names are Young and abel, Érard, none: abel is first, and Young is last."""
    assert await sorted_ids(library, "Patient", sort) == ids


@pytest.mark.parametrize("sort", ["", "date", "_lastUpdated", "code", "-value-quantity,date"])
@pytest.mark.parametrize("filters", [(), (("code", "a,b"),), (("subject:missing", "false"),)])
@pytest.mark.parametrize("bound", [2, 2000])
async def test_pages_forward_and_back_show_each_match_once(
    library: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    sort: str,
    filters: Sequence[tuple[str, str]],
    bound: int,
) -> None:
    monkeypatch.setattr(walks, "BOUND", bound)
    every = await library.ids("Observation", *filters, ("_sort", sort), ("_count", "100"))
    page = await library.search("Observation", *filters, ("_sort", sort), ("_count", "2"))
    assert page.previous is None
    pages = [page]
    while page.next is not None:
        page = await library.search("Observation", ("_page", page.next))
        pages.append(page)
    assert [m.id for p in pages for m in p.matches] == every
    assert all(len(p.matches) == 2 for p in pages[:-1])
    for earlier in reversed(pages[:-1]):
        assert page.previous is not None
        page = await library.search("Observation", ("_page", page.previous))
        assert [m.id for m in page.matches] == [m.id for m in earlier.matches]
    assert page.previous is None


async def test_a_page_is_never_longer_than_count(library: Shelf) -> None:
    assert len((await library.search("Observation", ("_count", "3"))).matches) == 3


async def test_the_last_page_has_no_next(library: Shelf) -> None:
    assert (await library.search("Observation", ("_count", "7"))).next is None
    assert (await library.search("Observation", ("_count", "6"))).next is not None


async def test_a_page_link_takes_no_further_criteria(library: Shelf) -> None:
    page = await library.search("Observation", ("_count", "2"))
    assert page.next
    with pytest.raises(FhirError) as raised:
        await library.search("Observation", ("_page", page.next), ("code", "b"))
    assert raised.value.status == 400


async def test_a_page_link_of_another_grant_is_refused(library: Shelf) -> None:
    page = await library.search("Observation", ("_count", "2"))
    assert page.next
    with pytest.raises(FhirError) as raised:
        await library.search("Observation", ("_page", page.next), grant=PatientCompartment("p"))
    assert raised.value.status == 400


async def test_a_total_is_given_only_when_asked_for(library: Shelf) -> None:
    assert (await library.search("Observation", ("code", "b"))).total is None
    assert (await library.search("Observation", ("code", "b"), ("_total", "none"))).total is None


@pytest.mark.parametrize("how", ["accurate", "estimate"])
@pytest.mark.parametrize(
    ("parameters", "total"),
    [
        ((), 7),
        ((("code", "b"),), 3),
        ((("code", "a,b"),), 5),
        ((("code", "b"), ("date", "ge2020")), 2),
        ((("code:not", "b"),), 4),
        ((("patient", "p"),), 4),
        ((("value-quantity", "gt1"),), 4),
        ((("code", "none"),), 0),
    ],
)
async def test_a_total_counts_all_pages(
    library: Shelf, how: str, parameters: tuple[tuple[str, str], ...], total: int
) -> None:
    page = await library.search("Observation", *parameters, ("_total", how), ("_count", "1"))
    assert page.total == total


@pytest.mark.parametrize("parameter", [("_summary", "count"), ("_count", "0")])
async def test_a_search_for_the_count_has_no_matches_and_no_pages(
    library: Shelf, parameter: tuple[str, str]
) -> None:
    page = await library.search("Observation", ("code", "b"), parameter)
    assert (page.total, page.matches, page.next, page.previous) == (3, (), None, None)


async def test_rows_written_while_paging_are_neither_repeated_nor_skipped(shelf: Shelf) -> None:
    await shelf.add(*(observation(f"o{n}", f"2020-01-{n:02}", "b") for n in range(10, 20)))
    page = await shelf.search("Observation", ("_count", "4"))
    seen = [m.id for m in page.matches]
    await shelf.add(observation("o99", "2021-01-01", "b"), observation("o18", "2020-01-18", "c"))
    while page.next is not None:
        page = await shelf.search("Observation", ("_page", page.next))
        seen += [m.id for m in page.matches]
    assert seen == [f"o{n}" for n in range(19, 9, -1)]
