"""What a search parameter type consists of: how it is indexed, read, compared and sorted.

A type is one file in ``types/`` and one row in ``types/table.py``; a modifier is one row of the
type's ``modifiers``. Nothing outside ``types/`` knows either by name.
https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, LiteralString

from fhir_server.store.rows import Fragment

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.r4.definitions import Definitions
    from fhir_server.search.hashes import Hasher
    from fhir_server.search.parameters import Parameter, Registry
    from fhir_server.store.rows import IndexRows, TableSet


MOST_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one parameter's index rows of one type stand.

    ``hash(form, *values)``  the hash of a value in one of the forms that the type distinguishes
    ``single``    a resource has one value at most
    ``many``      the parameter may refer to more than one resource type
    ``everywhere``  a parameter of all resource types, such as ``_profile``
    ``systems``   the code system of each code of a required binding, for elements of type code
    ``kept``      hashes of recent values, for a type's index to use as it likes
    """

    hash: Callable[..., int]
    base_url: str
    hot: bool = False
    leading: bool = False
    single: bool = False
    many: bool = True
    everywhere: bool = False
    systems: Mapping[str, str] = field(default_factory=dict[str, str])
    kept: dict[object, tuple[int, ...]] = field(default_factory=dict[object, tuple[int, ...]])

    def keep(self, value: object, hashes: tuple[int, ...]) -> tuple[int, ...]:
        """Remembers the hashes of a value, and forgets all when there are too many."""
        if len(self.kept) >= MOST_KEPT:
            self.kept.clear()
        self.kept[value] = hashes
        return hashes


Index = Callable[[Slot, object, str, "IndexRows"], None]
"""``index(slot, value, type_code, rows)`` adds the rows of one value, nothing for a wrong type."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a value may need to know; ``now`` for dates that are approximate."""

    registry: Registry
    types: frozenset[str]
    base_url: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter of a request: any of ``values`` must match, as its type has read them.

    ``modifier`` is empty for none; ``target`` is the resource type of a ``:[type]`` modifier.
    """

    parameter: Parameter
    modifier: str
    values: tuple[object, ...]
    target: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition is written for: the tables of one type, its hashes, its parameters."""

    tables: TableSet
    hasher: Hasher
    registry: Registry

    def hash(self, type: str, slot: str, form: str, *values: str) -> int:
        """The hash of a value as ``Slot.hash`` makes it when indexing."""
        return self.hasher.hash(type, slot, form, *values)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a search row ``s``, and what an index can be asked to find it by.

    ``tokens``    if not empty, the condition is just: ``s.idx`` holds one of these
    ``hot``       all of ``tokens`` have hot rows
    ``few``       few rows are expected to match: a good place to start from
    ``patients``  the rows lie in one of these patients' compartments
    ``needs``     if not empty, whatever matches holds one of these
    ``rows``      if given, a query for rids among which all that match are
    ``parts``     if not empty, the condition is that each of these holds
    ``since``, ``until``  bounds on ``s.date_lo`` that follow from the condition
    ``since_short``  the same for all rows but those of long duration, which hold ``long_token``
    ``updated``   the condition is on ``s.updated`` alone
    """

    text: LiteralString
    values: tuple[object, ...] = ()
    tokens: tuple[int, ...] = ()
    hot: bool = False
    few: bool = False
    patients: tuple[int, ...] = ()
    needs: tuple[int, ...] = ()
    rows: Fragment | None = None
    parts: tuple[Condition, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    since_short: datetime | None = None
    long_token: int = 0
    updated: bool = False


NOTHING = Condition("false")

Read = Callable[["Parameter", str, str, Reading], object]
"""``read(parameter, modifier, text, reading)``: a value, or ValueError saying what is wrong."""

Compare = Callable[[Criterion, Scope], Condition]


@dataclass(frozen=True, slots=True)
class Key:
    """What to sort by: an expression over ``s`` that is null where there is no value.

    ``type`` is its SQL type, ``column`` the column of ``s`` where it is nothing else.
    """

    text: LiteralString
    values: tuple[object, ...] = ()
    type: LiteralString = "text"
    column: LiteralString = ""


SortKey = Callable[["Parameter", bool, Scope, "Definitions"], "Key | None"]
"""``sort(parameter, descending, scope, definitions)``; None where the index cannot sort by it."""


@dataclass(frozen=True, slots=True)
class Modifier:
    """How values with a modifier are read and compared."""

    read: Read
    compare: Compare


@dataclass(frozen=True, slots=True)
class Piece:
    """What one value of a composite's component contributes: parts of the hash, perhaps a row.

    ``table`` names the side table that holds ``low`` and ``high``, or ``low`` alone for strings.
    """

    forms: tuple[str, ...]
    table: Literal["", "number", "string", "period"] = ""
    low: Any = None
    high: Any = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What one value asked for means to a composite: parts of the hash, perhaps a comparison.

    ``compare(low, high)`` is a condition over the named columns of the side table.
    """

    forms: tuple[str, ...]
    table: Literal["", "number", "string", "period"] = ""
    compare: Callable[[LiteralString, LiteralString], Fragment] | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """How a type takes part in composites: pieces when indexing, what is asked when searching.

    Any of what ``asked`` gives may hold.
    """

    pieces: Callable[[Slot, object, str], list[Piece]]
    asked: Callable[[object], list[Asked]]


@dataclass(frozen=True, slots=True)
class SearchType:
    """One row of ``types.table``.

    ``modifiers``  by name, "" for none; ``by_type`` serves ``:Patient`` and the like
    ``sort``       None where a sort makes no sense; ``component`` None outside composites
    """

    index: Index
    modifiers: Mapping[str, Modifier]
    sort: SortKey | None = None
    by_type: Modifier | None = None
    component: Component | None = None


def any_of(conditions: list[Condition]) -> Condition:
    """Where one of several conditions must hold."""
    if not conditions:
        return NOTHING
    if len(conditions) == 1:
        return conditions[0]
    needs = [c.tokens or c.needs for c in conditions]
    rows = [c.rows for c in conditions if c.rows is not None]
    short = [c.since_short or c.since for c in conditions]
    return Condition(
        "(" + " OR ".join([c.text for c in conditions]) + ")",
        _values(conditions),
        needs=tuple(token for tokens in needs for token in tokens) if all(needs) else (),
        rows=_either(rows) if len(rows) == len(conditions) else None,
        since=_if_all(min, [c.since for c in conditions]),
        until=_if_all(max, [c.until for c in conditions]),
        since_short=_if_all(min, short) if any(c.since_short for c in conditions) else None,
        long_token=conditions[0].long_token,
    )


def all_of(conditions: list[Condition]) -> Condition:
    """Where each of several conditions must hold."""
    if len(conditions) == 1:
        return conditions[0]
    return Condition(
        "(" + " AND ".join([c.text for c in conditions]) + ")",
        _values(conditions),
        needs=next((c.tokens or c.needs for c in conditions if c.tokens or c.needs), ()),
        rows=next((c.rows for c in conditions if c.rows is not None), None),
        parts=tuple(conditions),
    )


def _values(conditions: list[Condition]) -> tuple[object, ...]:
    return tuple(value for condition in conditions for value in condition.values)


def _either(rows: list[Fragment]) -> Fragment:
    text: LiteralString = " UNION ALL ".join([one.text for one in rows])
    return Fragment(text, tuple(value for one in rows for value in one.values))


def _if_all(
    pick: Callable[[list[datetime]], datetime], moments: list[datetime | None]
) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return pick(known) if len(known) == len(moments) else None


def holds(tokens: tuple[int, ...], *, hot: bool = False, few: bool = False) -> Condition:
    """Where the index holds one of these hashes."""
    if not tokens:
        return NOTHING
    operator: LiteralString = "@>" if len(tokens) == 1 else "&&"
    return Condition(
        "s.idx " + operator + " %s::bigint[]", (list(tokens),), tokens, hot=hot, few=few
    )


def negated(condition: Condition) -> Condition:
    """Where the condition does not hold."""
    return Condition("NOT (" + condition.text + ")", condition.values)


FENCE: LiteralString = " OFFSET 0"
"""Keeps the planner from turning a filter on some rows into a join with all of a side table."""


def in_table(table: LiteralString, *alternatives: Fragment) -> Condition:
    """Where a row ``x`` of a side table matches one of the alternatives."""
    start: LiteralString = "SELECT x.rid FROM " + table + " x WHERE "
    either: LiteralString = " OR ".join([one.text for one in alternatives])
    values = tuple(value for one in alternatives for value in one.values)
    return Condition(
        "EXISTS (" + start + "x.rid = s.rid AND (" + either + ")" + FENCE + ")",
        values,
        rows=Fragment(" UNION ALL ".join([start + one.text for one in alternatives]), values),
    )
