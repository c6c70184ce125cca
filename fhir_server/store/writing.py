"""Writes versions on one connection: locks, decides, writes; two round trips, one for creates.

The first locks the rows of ids that may exist, in order, and tells what stands there; the second
writes everything and commits. Ids that this server just made need no first one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from fhir_server.r4.outcome import FhirError, malformed, not_found, precondition_failed
from fhir_server.store import statements
from fhir_server.store.arrays import Row, parameters, patients, plain, quoted
from fhir_server.store.rows import Written
from fhir_server.store.type_codes import TYPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from fhir_server.store.connections import Connection
    from fhir_server.store.layout import Layout
    from fhir_server.store.rids import Rids
    from fhir_server.store.rows import Change, Predicate, TableSet

Key = tuple[str, str]
Step = tuple[LiteralString, "Sequence[object]"]

TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Item:
    """A change and the instant of its request."""

    change: Change
    now: datetime

    @property
    def key(self) -> Key:
        """What it changes."""
        return self.change.type, self.change.id


@dataclass(frozen=True, slots=True)
class Standing:
    """The current version of an id, as its lock found it."""

    rid: int
    vid: int
    updated: datetime
    deleted: bool
    pat: int
    pats: str | None
    visible: bool


@dataclass(slots=True)
class Plan:
    """What a write will do: the outcome of each item, and the rows of those that go ahead."""

    outcomes: list[Written | FhirError]
    rows: list[Row]


async def trip(
    connection: Connection, steps: Sequence[Step], *, prepare: bool = True
) -> list[list[tuple[Any, ...]]]:
    """Send all steps at once; the rows of each."""
    if len(steps) == 1:
        cursors = [await connection.execute(*steps[0], prepare=prepare)]
    else:
        async with connection.pipeline():
            cursors = [await connection.execute(*step, prepare=prepare) for step in steps]
    return [await c.fetchall() if c.description is not None else [] for c in cursors]


def locking(layout: Layout, items: Sequence[Item]) -> list[Step]:
    """Locks on all ids that may exist, sets and rows in order, then what is visible of them."""
    by_set: dict[TableSet, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.key):
        if item.change.method != "POST":
            by_set[_any_of(layout, item.change.type)].append(item)
    steps = locking_keys(layout, [item.key for found in by_set.values() for item in found])
    for tables, found in sorted(by_set.items(), key=lambda pair: pair[0].resource):
        by_predicate: dict[Predicate, list[Item]] = defaultdict(list)
        for item in found:
            if item.change.visible.text:
                by_predicate[item.change.visible].append(item)
        for visible, asked in by_predicate.items():
            text = statements.let_through(tables, visible.text)
            keys = [item.key for item in asked]
            steps.append((text, [*_keys(layout, keys), *visible.values]))
    return steps


def locking_keys(layout: Layout, keys: Iterable[Key]) -> list[Step]:
    """Locks on ids that may exist, sets and rows in order."""
    by_set: dict[TableSet, list[Key]] = defaultdict(list)
    for key in sorted(keys):
        by_set[_any_of(layout, key[0])].append(key)
    ordered = sorted(by_set.items(), key=lambda pair: pair[0].resource)
    return [(statements.lock(tables), _keys(layout, found)) for tables, found in ordered]


def standing(
    items: Sequence[Item], results: Sequence[Sequence[tuple[Any, ...]]]
) -> dict[Key, Standing]:
    """The answers to ``locking``."""
    rows = [row for result in results for row in result]
    through = {(TYPE_NAMES[row[0]], row[1]) for row in rows if len(row) == 2}
    free = {item.key for item in items if not item.change.visible.text}
    found: dict[Key, Standing] = {}
    for row in rows:
        if len(row) > 2:
            id, type, rid, vid, updated, method, pat, pats = row
            key = (TYPE_NAMES[type], id)
            visible = key in through or key in free
            found[key] = Standing(rid, vid, updated, method == "DELETE", pat, pats, visible)
    return found


def decide(layout: Layout, items: Sequence[Item], found: dict[Key, Standing], rids: Rids) -> Plan:
    """Version, instant and row of each item, or why it cannot be."""
    plan = Plan([], [])
    for item in items:
        old = found.get(item.key)
        refusal = _refusal(item, old)
        if refusal is not None:
            refusal.key = item.key
            plan.outcomes.append(refusal)
        elif item.change.method == "DELETE" and (old is None or old.deleted):
            vid, updated = (0, item.now) if old is None else (old.vid, old.updated)
            plan.outcomes.append(Written(vid, updated, created=False, changed=False))
        else:
            row = _row(layout, item, old, rids)
            plan.rows.append(row)
            plan.outcomes.append(Written(row.vid, row.updated, created=row.created))
    return plan


def writing(layout: Layout, rows: Sequence[Row]) -> list[Step]:
    """The statements that write the rows, two per set where versions are superseded."""
    by_set: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.change.type, row.change.id)):
        by_set[layout.of(row.change.type).resource].append(row)
    steps: list[Step] = []
    for _, group in sorted(by_set.items()):
        tables = layout.of(group[0].change.type)
        old = [row for row in group if not row.is_new]
        if old:
            rids = plain(row.rid for row in old)
            moments = plain(f'"{row.updated}"' for row in old)
            steps.append((statements.supersede(tables), [rids, moments, *[rids] * 5]))
        text = statements.write(tables, layout.name("change_log"))
        steps.append((text, parameters(group)))
    return steps


def refuse_twice(items: Iterable[Item]) -> None:
    """400 where one write names a resource twice: the order would decide."""
    seen: set[Key] = set()
    for item in items:
        if item.key in seen:
            raise malformed(f"{'/'.join(item.key)} is written twice in one go")
        seen.add(item.key)


def _refusal(item: Item, old: Standing | None) -> FhirError | None:
    change = item.change
    if old is not None and not old.visible:
        return not_found(*item.key)
    if change.expect is None:
        return None
    if change.expect == 0:
        if old is None or old.deleted:
            return None
        return precondition_failed(f"{'/'.join(item.key)} exists, in version {old.vid}")
    if old is None:
        current = "it does not exist"
    elif old.deleted:
        current = f"it was deleted in version {old.vid}"
    elif old.vid == change.expect:
        return None
    else:
        current = f"the current one is {old.vid}"
    return precondition_failed(
        f"Version {change.expect} of {'/'.join(item.key)} was to be current, but {current}"
    )


def _row(layout: Layout, item: Item, old: Standing | None, rids: Rids) -> Row:
    change = item.change
    code = layout.of(change.type).type
    if change.index is not None:
        pat, pats = patients(change.index)
    else:
        pat, pats = (old.pat, old.pats) if old else (0, None)
    if old is None:
        rid, vid, updated = rids.take(), 1, item.now
    else:
        rid, vid, updated = old.rid, old.vid + 1, max(item.now, old.updated + TICK)
    return Row(
        change,
        code,
        rid,
        vid,
        updated,
        is_new=old is None,
        created=change.method != "DELETE" and (old is None or old.deleted),
        pat=pat,
        pats=pats,
    )


def _any_of(layout: Layout, type: str) -> TableSet:
    """The set of a type; in the shared set, the same object for all its types."""
    tables = layout.of(type)
    return layout.sets()[tables.resource] if tables.shared else tables


def _keys(layout: Layout, keys: Sequence[Key]) -> list[str]:
    return [plain(layout.of(type).type for type, _ in keys), quoted(id for _, id in keys)]
