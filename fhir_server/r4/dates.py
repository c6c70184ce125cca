"""Dates and times as ranges of instants, as search and FHIRPath compare them.

https://hl7.org/fhir/R4/datatypes.html#dateTime
https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple

Precision = Literal["year", "month", "day", "hour", "minute", "second", "fraction"]

# Minutes may be missing seconds, which only a search value may.
_DATE_TIME = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?",
    re.ASCII,
)
_TIME = re.compile(r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?", re.ASCII)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


class DateRange(NamedTuple):
    """The instants a date or time may mean, in UTC: from ``low`` up to, not including, ``high``.

    ``zoned`` says whether the text names its offset.
    """

    low: datetime
    high: datetime
    precision: Precision
    zoned: bool


class TimeRange(NamedTuple):
    """Microseconds after midnight: from ``low`` up to, not including, ``high``."""

    low: int
    high: int
    precision: Precision


def date_range(text: str, zone: tzinfo = UTC) -> DateRange:
    """The range of a date, dateTime, instant, or of a date in a search.

    ``zone`` holds where the text names no offset. Raises ValueError for what is no date.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text[:100]!r} is not a date: YYYY, YYYY-MM, YYYY-MM-DD or with Thh:mm:ss"
        )
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        if hour is None:
            return _days(int(year), month, day, zone)
        # A leap second is the first instant of the next minute: datetime has no second 60.
        leap = second == "60"
        low = datetime(
            int(year), int(month), int(day), int(hour), int(minute),
            0 if leap or second is None else int(second),
            tzinfo=zone if offset is None else _offset(offset),
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: {error}") from None
    low = _utc(_after(low, _MINUTE)) if leap else _utc(low)
    step, precision, shift = _step(second, fraction)
    low = _after(low, shift)
    return DateRange(low, _after(low, step), precision, offset is not None)


def time_range(text: str) -> TimeRange:
    """The range of a time; hh and hh:mm alone are read too. Raises ValueError for others."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:100]!r} is not a time: hh:mm:ss")
    hour, minute, second, fraction = found.groups()
    if hour > "23" or (minute or "00") > "59" or (second or "00") > "60":
        raise ValueError(f"{text[:100]!r} is not a time of day")
    start = int(hour) * 3600 + int(minute or 0) * 60 + int(second or 0)
    if minute is None:
        return TimeRange(start * 1_000_000, (start + 3600) * 1_000_000, "hour")
    step, precision, shift = _step(second, fraction)
    low = start * 1_000_000 + shift // timedelta(microseconds=1)
    return TimeRange(low, low + step // timedelta(microseconds=1), precision)


def _days(year: int, month: str | None, day: str | None, zone: tzinfo) -> DateRange:
    """Whole days, months and years end where the next begins, whatever the clock does between."""
    if day is not None and month is not None:
        low = datetime(year, int(month), int(day), tzinfo=zone)
        # Wall-clock arithmetic: the next midnight, also when a clock change lies between.
        return DateRange(_utc(low), _utc(_after(low, _DAY)), "day", zoned=False)
    if month is not None:
        low = datetime(year, int(month), 1, tzinfo=zone)
        after = _month_after(year, int(month), zone)
        return DateRange(_utc(low), _utc(after), "month", zoned=False)
    low = datetime(year, 1, 1, tzinfo=zone)
    return DateRange(_utc(low), _utc(_month_after(year, 12, zone)), "year", zoned=False)


def _month_after(year: int, month: int, zone: tzinfo) -> datetime:
    if month < 12:
        return datetime(year, month + 1, 1, tzinfo=zone)
    return (
        datetime(year + 1, 1, 1, tzinfo=zone) if year < 9999 else datetime.max.replace(tzinfo=zone)
    )


def _step(second: str | None, fraction: str | None) -> tuple[timedelta, Precision, timedelta]:
    """How long the value lasts, its precision, and how far it starts into its second."""
    if second is None:
        return _MINUTE, "minute", timedelta(0)
    if fraction is None:
        return _SECOND, "second", timedelta(0)
    digits = fraction[:6]
    # Microseconds are what a database keeps; finer digits last one of them.
    unit = 10 ** (6 - len(digits))
    return timedelta(microseconds=unit), "fraction", timedelta(microseconds=int(digits) * unit)


@lru_cache(maxsize=64)
def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(f"no such offset: {text}")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def _after(moment: datetime, step: timedelta) -> datetime:
    try:
        return moment + step
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)
