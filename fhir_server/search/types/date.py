"""Date search parameters: every value, stored or asked for, is a range of instants.

https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString, cast

from fhir_server.r4.dates import date_range
from fhir_server.search.escapes import unescape
from fhir_server.search.kind import (
    Asked,
    Component,
    Condition,
    Key,
    Modifier,
    Piece,
    SearchType,
    any_of,
    in_table,
)
from fhir_server.search.types.prefix import take_prefix
from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.definitions import Definitions
    from fhir_server.r4.json import Json
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.search.types.prefix import Prefix
    from fhir_server.store.rows import IndexRows

# Forms of hashes: rows of a range, rows of a long one; the token of a long leading date.
PERIOD = "p"
LONG_PERIOD = "lp"
LONG_DATE = "ld"

# Ranges that last no longer are found by where they begin. A day is not long, a month is.
LONG = timedelta(days=1)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

Range = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Instants:
    """Instants asked for, from ``low`` up to, not including, ``high``."""

    prefix: Prefix
    low: datetime
    high: datetime


def ranges(value: object, type_code: str) -> Iterator[Range]:
    """The range of a date, dateTime, instant, Period or Timing; nothing for what is none."""
    if isinstance(value, str):
        try:
            found = date_range(value)
        except ValueError:
            return
        yield found.low, found.high
    elif isinstance(value, dict) and type_code == "Period":
        yield from _period(cast("Json", value))
    elif isinstance(value, dict) and type_code == "Timing":
        yield from _timing(cast("Json", value))


def index(slot: Slot, value: object, type_code: str, rows: IndexRows) -> None:
    """The leading date stands in the search row, others in rows of their own."""
    if type_code == "string":
        return
    for low, high in ranges(value, type_code):
        if slot.leading:
            rows.date_lo, rows.date_hi = low, high
            if high - low > LONG:
                rows.tokens.append(slot.hash(LONG_DATE))
        else:
            rows.periods.append((slot.hash(_form(low, high)), low, high))


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Instants:  # noqa: ARG001
    """A prefix and a date to any precision; without an offset it is in UTC."""
    prefix, rest = take_prefix(unescape(text))
    found = date_range(rest.replace(" ", "+"))
    if prefix != "ap":
        return Instants(prefix, found.low, found.high)
    # A tenth of the time that lies between then and now, to either side.
    slack = abs(reading.now - found.low) / 10
    return Instants(prefix, _plus(found.low, -slack), _plus(found.high, slack))


def compare(criterion: Criterion, scope: Scope) -> Condition:
    """Any of the dates."""
    parameter = criterion.parameter
    asked = [cast("Instants", value) for value in criterion.values]
    if parameter.leading:
        long = scope.hash(parameter.type, parameter.slots[0], LONG_DATE)
        return any_of([_leading(instants, long) for instants in asked])
    return any_of([_in_rows(parameter, instants, scope) for instants in asked])


def matching(asked: Instants, low: LiteralString, high: LiteralString) -> Fragment:
    """What must hold of a stored range in the columns ``low`` and ``high``."""
    text, ends = _CONDITIONS[asked.prefix]
    values = tuple(asked.low if end == "low" else asked.high for end in ends)
    return Fragment(text.replace("LOW", low).replace("HIGH", high), values)


def sort(
    parameter: Parameter,
    descending: bool,  # noqa: FBT001 - the signature of every type's sort
    scope: Scope,
    definitions: Definitions,  # noqa: ARG001
) -> Key | None:
    """The beginning of the first range; when descending the beginning of the last."""
    if parameter.leading:
        return Key("nullif(s.date_lo, '-infinity')", type="timestamptz", column="s.date_lo")
    pick: LiteralString = "max" if descending else "min"
    forms = (PERIOD, LONG_PERIOD)
    hashes = [scope.hash(parameter.type, slot, f) for slot in parameter.slots for f in forms]
    return Key(
        "(SELECT " + pick + "(x.lo) FROM " + scope.tables.period + " x"
        " WHERE x.rid = s.rid AND x.h = ANY(%s::bigint[]))",
        (hashes,),
        "timestamptz",
    )


# Over the stored range (LOW, HIGH) and the range asked for; both exclude their end. Each value is
# the low or high end of what was asked for.
_CONDITIONS: dict[Prefix, tuple[LiteralString, tuple[LiteralString, ...]]] = {
    "eq": ("(LOW >= %s AND HIGH <= %s)", ("low", "high")),
    "ne": ("NOT (LOW >= %s AND HIGH <= %s)", ("low", "high")),
    "gt": ("HIGH > %s", ("high",)),
    "lt": ("LOW < %s", ("low",)),
    "ge": ("HIGH > %s", ("low",)),
    "le": ("LOW < %s", ("high",)),
    "sa": ("LOW >= %s", ("high",)),
    "eb": ("HIGH <= %s", ("low",)),
    "ap": ("(LOW < %s AND HIGH > %s)", ("high", "low")),
}


def _leading(asked: Instants, long: int) -> Condition:
    known: LiteralString = "s.date_lo > '-infinity' AND "
    where = matching(asked, "s.date_lo", "s.date_hi")
    since = {"eq": asked.low, "sa": asked.high}.get(asked.prefix)
    until = {
        "eq": asked.high, "le": asked.high, "ap": asked.high, "lt": asked.low, "eb": asked.low
    }.get(asked.prefix)  # fmt: skip
    end = _end_after(asked)
    return Condition(
        "(" + known + where.text + ")",
        where.values,
        since=since,
        until=until,
        since_short=None if end is None else _plus(end, -LONG),
        long_token=long,
    )


def _in_rows(parameter: Parameter, asked: Instants, scope: Scope) -> Condition:
    short = [scope.hash(parameter.type, slot, PERIOD) for slot in parameter.slots]
    long = [scope.hash(parameter.type, slot, LONG_PERIOD) for slot in parameter.slots]
    where = matching(asked, "x.lo", "x.hi")
    near = near_enough(asked, "x.lo")
    text: LiteralString = "x.h = ANY(%s::bigint[]) AND " + where.text
    return in_table(
        scope.tables.period,
        Fragment(text + near.text, (short, *where.values, *near.values)),
        Fragment(text, (long, *where.values)),
    )


def near_enough(asked: Instants, low: LiteralString) -> Fragment:
    """A bound on the beginning of ranges that are not long, where their end is asked for."""
    end = _end_after(asked)
    return Fragment("") if end is None else Fragment(" AND " + low + " > %s", (_plus(end, -LONG),))


def _end_after(asked: Instants) -> datetime | None:
    """What the stored range must end after, if that is what is asked."""
    return {"gt": asked.high, "ge": asked.low, "ap": asked.low}.get(asked.prefix)


def _form(low: datetime, high: datetime) -> str:
    return LONG_PERIOD if high - low > LONG else PERIOD


def _period(period: Json) -> Iterator[Range]:
    start = _one(period.get("start"))
    end = _one(period.get("end"))
    if start is not None or end is not None:
        low = EARLIEST if start is None else start[0]
        high = LATEST if end is None else end[1]
        if start is not None and high <= low:
            # Nothing lies between an end and a later beginning: the beginning is all it says.
            high = start[1]
        yield low, high


def _timing(timing: Json) -> Iterator[Range]:
    """The outer limits, whatever the schedule says between them."""
    events: object = timing.get("event")
    found = [_one(event) for event in cast("list[Any]", events) if event is not None] if isinstance(
        events, list
    ) else []  # fmt: skip
    repeat: object = timing.get("repeat")
    bounds = cast("Json", repeat).get("boundsPeriod") if isinstance(repeat, dict) else None
    limits = [one for one in found if one is not None]
    if isinstance(bounds, dict):
        limits.extend(_period(cast("Json", bounds)))
    if limits:
        yield min(low for low, _ in limits), max(high for _, high in limits)


def _one(value: object) -> Range | None:
    return next(ranges(value, "dateTime"), None) if isinstance(value, str) else None


def _plus(moment: datetime, span: timedelta) -> datetime:
    try:
        return moment + span
    except OverflowError:
        return EARLIEST if span < timedelta(0) else LATEST


def _pieces(slot: Slot, value: object, type_code: str) -> list[Piece]:  # noqa: ARG001
    return [
        Piece((_form(low, high),), "period", low, high) for low, high in ranges(value, type_code)
    ]


def _asked(value: object) -> list[Asked]:
    asked = cast("Instants", value)
    return [
        Asked((form,), "period", lambda low, high: matching(asked, low, high))
        for form in (PERIOD, LONG_PERIOD)
    ]


TYPE = SearchType(
    index=index,
    modifiers={"": Modifier(read, compare)},
    sort=sort,
    component=Component(_pieces, _asked),
)
