"""Date search. https://hl7.org/fhir/R4/search.html#date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.search.shelf import NOW

if TYPE_CHECKING:
    from tests.search.shelf import Shelf


def observation(id_: str, **effective: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": "x"},
        **effective,
    }


RESOURCES: list[dict[str, Any]] = [
    observation("day", effectiveDateTime="2013-01-14"),
    observation("midnight", effectiveDateTime="2013-01-14T00:00:00Z"),
    observation("ten", effectiveDateTime="2013-01-14T10:00:00Z"),
    observation("next-midnight", effectiveDateTime="2013-01-15T00:00:00Z"),
    observation("east", effectiveDateTime="2013-01-15T01:30:00+02:00"),
    observation("month", effectiveDateTime="2013-01"),
    observation("since", effectivePeriod={"start": "2013-01-21"}),
    observation("until", effectivePeriod={"end": "2013-01-10"}),
    observation("noon", effectivePeriod={"start": "2013-01-13T12:00:00Z",
                                          "end": "2013-01-14T12:00:00Z"}),
    observation("timing", effectiveTiming={"event": ["2013-01-31", "2013-03-24"]}),
    observation("bounds", effectiveTiming={"repeat": {"boundsPeriod": {"start": "2014-01-01",
                                                                       "end": "2014-01-31"}}}),
    observation("instant", effectiveInstant="2015-02-07T13:28:17.239+02:00"),
    observation("undated"),
]  # fmt: skip

OF_THE_DAY = {"day", "midnight", "ten", "east"}


async def ids(library: Shelf, value: str) -> set[str]:
    return await library.set("Observation", "date", value)


async def test_eq_matches_values_within_the_range_of_the_date(library: Shelf) -> None:
    assert await ids(library, "2013-01-14") == OF_THE_DAY
    assert await ids(library, "eq2013-01-14") == OF_THE_DAY


async def test_eq_of_a_month_holds_its_days_and_itself(library: Shelf) -> None:
    assert await ids(library, "2013-01") == OF_THE_DAY | {"next-midnight", "month", "noon"}


async def test_eq_of_a_minute_matches_its_seconds(library: Shelf) -> None:
    assert await ids(library, "2013-01-14T10:00Z") == {"ten"}
    assert await ids(library, "2013-01-14T10:01Z") == set()


async def test_time_zones_are_taken_into_account(library: Shelf) -> None:
    assert await ids(library, "2013-01-14T23:30:00Z") == {"east"}
    assert await ids(library, "2013-01-14T12:00:00+02:00") == {"ten"}


async def test_ne_is_what_eq_is_not_among_those_with_a_date(library: Shelf) -> None:
    every = {r["id"] for r in RESOURCES} - {"undated"}
    assert await ids(library, "ne2013-01-14") == every - OF_THE_DAY


async def test_lt_matches_what_has_a_part_before(library: Shelf) -> None:
    assert await ids(library, "lt2013-01-14T10:00:00Z") == {
        "day", "midnight", "month", "until", "noon"
    }  # fmt: skip


async def test_gt_matches_what_has_a_part_after(library: Shelf) -> None:
    found = await ids(library, "gt2013-01-14T10:00:00Z")
    assert found >= {"day", "noon", "month", "since", "next-midnight", "east", "timing"}
    assert found.isdisjoint({"midnight", "ten", "until"})


async def test_gt_of_a_day_begins_when_the_day_is_over(library: Shelf) -> None:
    found = await ids(library, "gt2013-01-14")
    assert "next-midnight" in found
    assert found.isdisjoint(OF_THE_DAY)


async def test_ge_includes_an_open_period_that_began_before(library: Shelf) -> None:
    assert "since" in await ids(library, "ge2013-03-14")
    assert "until" not in await ids(library, "ge2013-03-14")
    assert await ids(library, "ge2013-01-14") >= OF_THE_DAY


async def test_le_includes_a_period_that_began_before_and_goes_on(library: Shelf) -> None:
    assert await ids(library, "le2013-03-14") >= {"since", "until", "timing"} | OF_THE_DAY


async def test_sa_matches_what_begins_after(library: Shelf) -> None:
    found = await ids(library, "sa2013-01-14")
    assert found == {"next-midnight", "since", "timing", "bounds", "instant"}


async def test_eb_matches_what_ends_before(library: Shelf) -> None:
    assert await ids(library, "eb2013-01-14") == {"until"}
    assert await ids(library, "eb2013-01-15") == OF_THE_DAY | {"until", "noon"}


async def test_only_the_outer_limits_of_a_timing_matter(library: Shelf) -> None:
    """The text: a schedule from 31 January to 24 March includes 1 February."""
    assert "timing" in await ids(library, "ap2013-02-01")
    assert "timing" not in await ids(library, "sa2013-02-01")
    assert "bounds" in await ids(library, "2014-01")


async def test_a_fraction_of_a_second_is_a_precision(library: Shelf) -> None:
    assert await ids(library, "2015-02-07T11:28:17.239Z") == {"instant"}
    assert await ids(library, "2015-02-07T11:28:17Z") == {"instant"}
    assert await ids(library, "2015-02-07T11:28:17.238Z") == set()


async def test_two_dates_make_a_range(library: Shelf) -> None:
    found = await library.ids("Observation", ("date", "ge2013-01-14"), ("date", "lt2013-01-15"))
    assert set(found) == OF_THE_DAY | {"month", "noon"}


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("2013-01-14T10:00:00Z,gt2014-06", {"ten", "since", "instant"}),
        ("2013-01,ge2015", OF_THE_DAY | {"next-midnight", "month", "noon", "since", "instant"}),
        ("lt2013-01-10,sa2014", {"until", "month", "instant"}),
    ],
)
async def test_alternatives_may_lie_far_apart(library: Shelf, value: str, ids: set[str]) -> None:
    assert await library.set("Observation", "date", value) == ids


async def test_what_has_no_date_is_missing(library: Shelf) -> None:
    assert await library.set("Observation", "date:missing", "true") == {"undated"}
    assert "undated" not in await library.set("Observation", "date", "lt2100")


async def test_last_updated_is_the_instant_of_the_last_change(library: Shelf) -> None:
    """Each resource of this module is written a second after the one before."""
    assert await library.set("Observation", "_lastUpdated", "2026-11-21T08:00:00Z") == {"day"}
    assert await library.set("Observation", "_lastUpdated", "lt2026-11-21T08:00:02Z") == {
        "day",
        "midnight",
    }
    every = await library.set("Observation", "_lastUpdated", f"ge{NOW.date()}")
    assert every == {r["id"] for r in RESOURCES}
