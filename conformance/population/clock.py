"""Time as whole minutes, and its FHIR forms.

https://hl7.org/fhir/R4/datatypes.html#dateTime

Inside the generator an instant is the number of local minutes since 0001-01-01, an integer:
arithmetic is free, and text is made once per day rather than once per element.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

HOUR = 60
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365.25 * DAY
MONTH = YEAR / 12

_CLOCK = tuple(f"{m // 60:02d}:{m % 60:02d}:00" for m in range(DAY))


def minute(day: date, clock: int = 0) -> int:
    """`clock` is in minutes after midnight."""
    return day.toordinal() * DAY + clock


def date_of(when: int) -> date:
    """The calendar day."""
    return date.fromordinal(when // DAY)


@lru_cache(maxsize=100_000)
def _day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _sunday(year: int, month: int, nth: int) -> int:
    first = date(year, month, 1)
    return (first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))).toordinal()


@lru_cache(maxsize=1_000)
def _summer(year: int) -> tuple[int, int]:
    # United States since 2007: second Sunday of March to first Sunday of November.
    return _sunday(year, 3, 2), _sunday(year, 11, 1)


@lru_cache(maxsize=100_000)
def _offset(ordinal: int, zone: int) -> str:
    starts, ends = _summer(date.fromordinal(ordinal).year)
    hours = zone + (1 if starts <= ordinal < ends else 0)
    return f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"


def day_text(when: int) -> str:
    """FHIR date."""
    return _day_text(when // DAY)


def stamp(when: int, zone: int) -> str:
    """FHIR dateTime or instant; `zone` is the standard offset in hours, e.g. -5."""
    ordinal, clock = divmod(when, DAY)
    return f"{_day_text(ordinal)}T{_CLOCK[clock]}{_offset(ordinal, zone)}"


def years(start: int, end: int) -> float:
    """Between two instants."""
    return (end - start) / YEAR
