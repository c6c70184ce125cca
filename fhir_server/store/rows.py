"""The values that go into and come out of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, LiteralString

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

Method = Literal["POST", "PUT", "PATCH", "DELETE"]

NOBODY = 0
"""``pat`` of a resource in no patient's compartment."""
SEVERAL = -1
"""``pat`` of a resource in more than one patient's compartment: they stand in ``pats``."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL with ``%s`` for each value; text never holds a caller's input."""

    text: LiteralString
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Predicate:
    """Which rows a grant lets through, for one resource type.

    ``text`` is a condition over the columns ``pat`` and ``pats`` that every resource, history and
    search table has, with ``{t}`` where the table's alias goes; empty = every row.
    """

    text: LiteralString = ""
    values: tuple[object, ...] = ()


@dataclass(slots=True)
class IndexRows:
    """Everything that search stores about one version of a resource. Hashes are signed 64-bit.

    Each list holds no row twice, and every hash in ``hot`` is in ``tokens`` too.

    ``pats``       the patients (hashes) in whose compartment it lies
    ``date_lo/hi`` the range of the type's leading date; the store's sentinel when it has none
    ``tokens``     equality hashes for the GIN index, distinct
    ``hot``        the few hashes that also get a (hash, date, rid) row
    ``numbers``    (hash, low, high) of quantities, numbers and composites with them
    ``strings``    (hash, normalised text) of strings and uris
    ``periods``    (hash, low, high) of every date parameter
    """

    pats: tuple[int, ...] = ()
    date_lo: datetime | None = None
    date_hi: datetime | None = None
    tokens: list[int] = field(default_factory=list[int])
    hot: list[int] = field(default_factory=list[int])
    numbers: list[tuple[int, Decimal, Decimal]] = field(
        default_factory=list["tuple[int, Decimal, Decimal]"]
    )
    strings: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    periods: list[tuple[int, datetime, datetime]] = field(
        default_factory=list["tuple[int, datetime, datetime]"]
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One version to be written.

    The store alone knows the version number and the instant (``Context.now``, or just after the
    version it replaces if the clock stepped back), so the JSON text comes in two pieces around
    them and ``text`` joins it: ``head`` ends with ``"meta":{"versionId":"`` and ``tail`` begins
    with the quote that closes lastUpdated. Both are empty for a deletion. ``raw`` keeps the text
    beside the JSONB, for numbers that JSONB would rewrite. ``expect`` is the version that must be
    current: None = any, 0 = none (never existed or deleted). ``visible`` must hold for a version
    that is replaced. ``POST`` says that ``id`` was made by this server for this change.
    """

    type: str
    id: str
    method: Method
    head: str
    tail: str
    raw: bool
    index: IndexRows | None
    expect: int | None
    visible: Predicate

    def text(self, vid: int, updated: datetime) -> str:
        """The JSON of this version; empty for a deletion."""
        if self.method == "DELETE":
            return ""
        return f'{self.head}{vid}","lastUpdated":"{instant(updated)}{self.tail}'


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a Change.

    ``created``  no live version stood there before
    ``changed``  False where a deletion met nothing to delete: ``vid`` is then that of the earlier
                 deletion, 0 where the id never existed
    """

    vid: int
    updated: datetime
    created: bool
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Version:
    """A stored version; ``body`` is the JSON as served, empty for a deletion."""

    type: str
    id: str
    vid: int
    updated: datetime
    method: Method
    body: bytes

    @property
    def deleted(self) -> bool:
        """Whether this version is a deletion."""
        return self.method == "DELETE"


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions newest first; ``before`` is the cursor of the next page, None on the last."""

    versions: tuple[Version, ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled query with ``%s`` for each value.

    ``generic`` says that one plan serves all values (a walk along one index); otherwise it is
    planned for its values each time.
    """

    text: LiteralString
    values: tuple[object, ...]
    generic: bool


@dataclass(frozen=True, slots=True)
class TableSet:
    """Where one type of one tenant lives: quoted names with their schema, ready for SQL.

    ``type`` is the code in the tables' ``type`` column; ``shared`` says that other types live
    there too, so that a query must ask for it.
    """

    type: int
    shared: bool
    resource: LiteralString
    history: LiteralString
    search: LiteralString
    hot: LiteralString
    number: LiteralString
    string: LiteralString
    period: LiteralString


@lru_cache(maxsize=256)  # all versions of one request share theirs
def instant(moment: datetime) -> str:
    """A FHIR instant in UTC to the millisecond: 2026-11-21T07:10:00.123Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
