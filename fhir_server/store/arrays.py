"""The rows of a write as PostgreSQL array literals.

https://www.postgresql.org/docs/18/arrays.html#ARRAYS-IO

Joining text is several times faster than handing lists of Python objects to the driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhir_server.store.rows import NOBODY, SEVERAL, IndexRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from fhir_server.store.rows import Change

UNDATED = "-infinity"
NO_ROWS = IndexRows()


@dataclass(slots=True)
class Row:
    """One version with all that only the store knows: row and version number, and the instant."""

    change: Change
    type: int
    rid: int
    vid: int
    updated: datetime
    is_new: bool
    created: bool
    pat: int
    pats: str | None


def plain(values: Iterable[object]) -> str:
    """An array of numbers, instants or words: nothing that needs quotes."""
    return "{" + ",".join(map(str, values)) + "}"


def quoted(values: Iterable[str | None]) -> str:
    """An array of texts, None as NULL."""
    return "{" + ",".join("NULL" if v is None else _quote(v) for v in values) + "}"


def moments(values: Iterable[datetime | None]) -> str:
    """An array of instants, None as before all time."""
    return (
        "{"
        + ",".join(f'"{value}"' if value is not None else UNDATED for value in values)
        + "}"
    )  # fmt: skip


def patients(index: IndexRows) -> tuple[int, str | None]:
    """The columns pat and pats."""
    if not index.pats:
        return NOBODY, None
    if len(index.pats) == 1:
        return index.pats[0], None
    return SEVERAL, plain(index.pats)


def parameters(rows: Sequence[Row]) -> list[str]:
    """The values of ``statements.write``."""
    indexes = [row.change.index or NO_ROWS for row in rows]
    if any(not set(i.tokens).issuperset(i.hot) for i in indexes):
        # The next version could not remove them.
        raise ValueError("A hot hash must be among the tokens")
    live = [row.change.method != "DELETE" for row in rows]
    texts = [row.change.text(row.vid, row.updated) or None for row in rows]
    instants = [f'"{row.updated}"' for row in rows]
    return [
        plain(row.rid for row in rows),
        plain(row.type for row in rows),
        quoted(row.change.id for row in rows),
        plain(row.vid for row in rows),
        plain(instants),
        plain(row.change.method for row in rows),
        plain(row.pat for row in rows),
        quoted(row.pats for row in rows),
        quoted(texts),
        plain(row.change.raw for row in rows),
        moments(index.date_lo for index in indexes),
        moments(index.date_hi for index in indexes),
        quoted(plain(i.tokens) if a else None for i, a in zip(indexes, live, strict=True)),
        plain(row.is_new for row in rows),
        plain(row.created for row in rows),
        *_sides(rows, indexes),
    ]


def _sides(rows: Sequence[Row], indexes: Sequence[IndexRows]) -> list[str]:
    hot = [(h, r.rid, i.date_lo) for r, i in zip(rows, indexes, strict=True) for h in i.hot]
    numbers = [(n, r.rid) for r, i in zip(rows, indexes, strict=True) for n in i.numbers]
    strings = [(s, r.rid) for r, i in zip(rows, indexes, strict=True) for s in i.strings]
    periods = [(p, r.rid) for r, i in zip(rows, indexes, strict=True) for p in i.periods]
    return [
        plain(h for h, _, _ in hot),
        moments(at for _, _, at in hot),
        plain(rid for _, rid, _ in hot),
        plain(n[0] for n, _ in numbers),
        plain(n[1] for n, _ in numbers),
        plain(n[2] for n, _ in numbers),
        plain(rid for _, rid in numbers),
        plain(s[0] for s, _ in strings),
        quoted(s[1] for s, _ in strings),
        plain(rid for _, rid in strings),
        plain(p[0] for p, _ in periods),
        moments(p[1] for p, _ in periods),
        moments(p[2] for p, _ in periods),
        plain(rid for _, rid in periods),
    ]


def _quote(value: str) -> str:
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    return '"' + value.replace('"', '\\"') + '"'
