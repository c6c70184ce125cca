"""Dates as ranges: https://hl7.org/fhir/R4/search.html#date."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fhir_server.r4.dates import date_range, time_range


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


RANGES = {
    "2020": (utc(2020, 1, 1), utc(2021, 1, 1), "year"),
    "2020-02": (utc(2020, 2, 1), utc(2020, 3, 1), "month"),
    "2020-12": (utc(2020, 12, 1), utc(2021, 1, 1), "month"),
    "2020-02-29": (utc(2020, 2, 29), utc(2020, 3, 1), "day"),
    "2020-02-29T23:59": (utc(2020, 2, 29, 23, 59), utc(2020, 3, 1), "minute"),
    "2020-02-29T23:59:59": (utc(2020, 2, 29, 23, 59, 59), utc(2020, 3, 1), "second"),
    "2020-01-01T00:00:00Z": (utc(2020, 1, 1), utc(2020, 1, 1, 0, 0, 1), "second"),
    "2020-01-01T00:00:00+02:00": (
        utc(2019, 12, 31, 22), utc(2019, 12, 31, 22, 0, 1), "second",
    ),
    "2020-01-01T00:00:00.5-05:30": (
        utc(2020, 1, 1, 5, 30, 0, 500_000), utc(2020, 1, 1, 5, 30, 0, 600_000), "fraction",
    ),
    "2020-01-01T00:00:00.123456789Z": (
        utc(2020, 1, 1, 0, 0, 0, 123_456), utc(2020, 1, 1, 0, 0, 0, 123_457), "fraction",
    ),
    "2016-12-31T23:59:60Z": (utc(2017, 1, 1), utc(2017, 1, 1, 0, 0, 1), "second"),
    "0001": (utc(1, 1, 1), utc(2, 1, 1), "year"),
    "0001-01-01T00:00:00+14:00": (utc(1, 1, 1), utc(1, 1, 1, 0, 0, 1), "second"),
    "9999": (utc(9999, 1, 1), datetime.max.replace(tzinfo=UTC), "year"),
    "9999-12-31": (utc(9999, 12, 31), datetime.max.replace(tzinfo=UTC), "day"),
    "9999-12-31T23:59:59.999999999-14:00": (
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        "fraction",
    ),
    "9999-12-31T23:59:59-12:00": (
        datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), "second",
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", RANGES)
def test_a_date_means_all_instants_it_may_stand_for(text: str):
    low, high, precision = RANGES[text]
    found = date_range(text)
    assert (found.low, found.high, found.precision) == (low, high, precision)
    assert found.zoned is (text[10:11] == "T" and text[-1] in "Z0" and len(text) > 19)


def test_a_day_of_a_zone_lasts_as_long_as_its_clock_says():
    day = date_range("2020-03-29", ZoneInfo("Europe/Berlin"))
    assert (day.low, day.high) == (utc(2020, 3, 28, 23), utc(2020, 3, 29, 22))
    assert date_range("2020", ZoneInfo("Asia/Tokyo")).low == utc(2019, 12, 31, 15)
    local = date_range("2020-07-01T12:00:00", ZoneInfo("Europe/Berlin"))
    assert (local.low, local.zoned) == (utc(2020, 7, 1, 10), False)


@pytest.mark.parametrize(
    "text",
    [
        "", "20", "2020-13", "2021-02-29", "2020-00-01", "0000", "2020-01-01T24:00:00",
        "2020-01-01T10", "2020-01-01T10:61", "2020-01-01T10:00:61", "2020-01-01T10:00:00+25:00",
        "2020-01-01T10:00:00+02:60", "2020-1-1", "20200101", "2020-01-01 10:00:00",
        "2020-01-01T10:00:00.Z", "\u0662\u0660\u0662\u0660", "2020\n",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a date"):
        date_range(text)


def test_a_time_means_all_it_may_stand_for():
    assert time_range("01") == (3_600_000_000, 7_200_000_000, "hour")
    assert time_range("00:01") == (60_000_000, 120_000_000, "minute")
    assert time_range("00:00:01") == (1_000_000, 2_000_000, "second")
    assert time_range("00:00:00.25") == (250_000, 260_000, "fraction")


@pytest.mark.parametrize("text", ["24:00:00", "10:60", "10:00:61", "1:00", "", "10:00:00Z"])
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a time"):
        time_range(text)
