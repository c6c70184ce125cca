"""Dates and times of any precision: comparison and arithmetic.

https://hl7.org/fhirpath/N1/#equals
https://hl7.org/fhirpath/N1/#datetime-arithmetic
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from fhir_server.r4.fhirpath.errors import FhirPathError

_DATE_TIME = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?)"
    r")?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?",
    re.ASCII,
)
_TIME = re.compile(r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?)?", re.ASCII)
# How many of a unit make one of the next coarser; days and months by the specification's rule.
_UNITS = ("year", "month", "day", "hour", "minute", "second", "millisecond")
_COARSER = {"millisecond": 1000, "second": 60, "minute": 60, "hour": 24, "day": 30, "month": 12}


class Moment(NamedTuple):
    """Year, month, day, hour, minute, second as far as given; a time begins with its hour."""

    parts: tuple[int | Decimal, ...]
    offset: str | None


@lru_cache(maxsize=4096)
def moment(text: str) -> Moment | None:
    """A date or dateTime taken apart; None if it is none."""
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    parts = _parts(found.groups()[:6])
    try:
        year, month, day = (*parts[:3], 1, 1)[:3]
        datetime(int(year), int(month), int(day))  # noqa: DTZ001 - only checks
    except ValueError:
        return None
    if not _in_day(parts[3:]):
        return None
    return Moment(parts, found[7])


@lru_cache(maxsize=1024)
def time_of_day(text: str) -> Moment | None:
    """A time taken apart; None if it is none."""
    found = _TIME.fullmatch(text)
    parts = _parts(found.groups()) if found else ()
    return Moment(parts, None) if parts and _in_day(parts) else None


def compare(left: Moment, right: Moment) -> int | None:
    """Below 0, 0 or above 0; None where a precision differs before a part does."""
    if left.offset != right.offset:
        if left.offset is None or right.offset is None:
            return _compare_zoned_with_local(left, right)
        left, right = _in_utc(left), _in_utc(right)
    return _compare_parts(left.parts, right.parts)


def add(text: str, amount: Decimal, unit: str, *, time: bool) -> str | None:
    """A date, dateTime or time moved by calendar units; None past year 1 or 9999."""
    value = time_of_day(text) if time else moment(text)
    if value is None:
        raise FhirPathError(f"{text!r} is not a date or time")
    if unit == "week":
        amount, unit = amount * 7, "day"
    if time:
        return _add_to_time(text, value, amount, unit)
    finest = _UNITS[len(value.parts) - 1]
    if unit != "millisecond" or finest != "second":
        while _UNITS.index(unit) > _UNITS.index(finest):
            # Finer than the value: only whole units of the value's own precision count.
            amount = Decimal(int(amount / _COARSER[unit]))
            unit = _UNITS[_UNITS.index(unit) - 1]
    try:
        return _moved(text, value, amount, unit)
    except (OverflowError, ValueError):
        return None


def _parts(groups: tuple[str | None, ...]) -> tuple[int | Decimal, ...]:
    found = [group for group in groups if group is not None]
    return tuple(Decimal(part) if "." in part else int(part) for part in found)


def _in_day(parts: tuple[int | Decimal, ...]) -> bool:
    return all(part < limit for part, limit in zip(parts, (24, 60, 61), strict=False))


def _compare_parts(left: tuple[int | Decimal, ...], right: tuple[int | Decimal, ...]) -> int | None:
    for a, b in zip(left, right, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(left) == len(right) else None


def _compare_zoned_with_local(left: Moment, right: Moment) -> int | None:
    """An unknown offset lies within 14 hours of UTC: decided only where that cannot matter."""
    if len(left.parts) < 4 or len(right.parts) < 4:
        order = _compare_parts(left.parts[:3], right.parts[:3])
        return None if order == 0 else order
    a, b = _clock(_in_utc(left)), _clock(_in_utc(right))
    if abs(a - b) <= timedelta(hours=14):
        return None
    return -1 if a < b else 1


def _clock(value: Moment) -> datetime:
    year, month, day, hour, minute = (int(part) for part in (*value.parts, 0)[:5])
    return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - both sides are in UTC


def _in_utc(value: Moment) -> Moment:
    if value.offset in (None, "Z") or len(value.parts) < 4:
        return value
    sign = -1 if value.offset[0] == "+" else 1
    shift = timedelta(hours=int(value.offset[1:3]), minutes=int(value.offset[4:6])) * sign
    year, month, day, hour, *rest = value.parts
    minute = int(rest[0]) if rest else 0
    try:
        moved = datetime(int(year), int(month), int(day), int(hour), minute) + shift  # noqa: DTZ001
    except OverflowError:
        return value
    clock = (moved.year, moved.month, moved.day, moved.hour, moved.minute, *rest[1:])
    return Moment(clock[: len(value.parts)], "Z")


def _moved(text: str, value: Moment, amount: Decimal, unit: str) -> str:
    year, month, day, *clock = (*value.parts, 1, 1)[: max(3, len(value.parts))]
    if unit in {"year", "month"}:
        months = int(amount) * (12 if unit == "year" else 1)
        total = int(year) * 12 + int(month) - 1 + months
        year, month = divmod(total, 12)
        month += 1
        day = min(int(day), calendar.monthrange(year, month)[1])
        return _written(text, value, datetime(year, month, day), tuple(clock))  # noqa: DTZ001
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    start = datetime(int(year), int(month), int(day), int(hour), int(minute))  # noqa: DTZ001
    start += timedelta(seconds=int(second), microseconds=_micro(second))
    if unit in {"day", "hour", "minute"}:
        amount = Decimal(int(amount))
    moved = start + timedelta(microseconds=int(amount * _MICROSECONDS[unit]))
    seconds = Decimal(moved.second) + Decimal(moved.microsecond) / 1_000_000
    after = (moved.hour, moved.minute, seconds)[: len(clock)]
    return _written(text, value, moved, after)


_MICROSECONDS = {
    "day": 86_400_000_000, "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000,
    "millisecond": 1000,
}  # fmt: skip


def _micro(second: int | Decimal) -> int:
    return int((second - int(second)) * 1_000_000)


def _written(text: str, value: Moment, day: datetime, clock: tuple[int | Decimal, ...]) -> str:
    date = "-".join((f"{day.year:04}", f"{day.month:02}", f"{day.day:02}")[: len(value.parts)])
    if not clock:
        return date
    return f"{date}T{_clock_text(text, clock)}{value.offset or ''}"


def _clock_text(text: str, clock: tuple[int | Decimal, ...]) -> str:
    parts = [f"{int(part):02}" for part in clock]
    if len(clock) == 3:
        fraction = re.search(r"\.([0-9]+)", text)
        micro = _micro(clock[2])
        digits = max(len(fraction[1]) if fraction else 0, 3 if micro else 0)
        if digits:
            parts[2] += f".{micro:06}"[: digits + 1]
    return ":".join(parts)


def _add_to_time(text: str, value: Moment, amount: Decimal, unit: str) -> str:
    if unit not in _MICROSECONDS or unit == "day":
        raise FhirPathError(f"{unit} cannot be added to a time")
    hour, minute, second = (*value.parts, 0, 0)[:3]
    start = int(hour) * 3_600_000_000 + int(minute) * 60_000_000
    start += int(second) * 1_000_000 + _micro(second)
    after = (start + int(amount * _MICROSECONDS[unit])) % 86_400_000_000
    seconds = Decimal(after % 60_000_000) / 1_000_000
    clock = (after // 3_600_000_000, after // 60_000_000 % 60, seconds)
    return _clock_text(text, clock[: len(value.parts)])
