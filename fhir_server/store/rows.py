"""The values that go into and come out of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
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

    The JSON text is ``head + str(version) + tail``: the store alone knows the version number.
    Both are empty for a deletion. ``raw`` keeps the text beside the JSONB, for numbers that JSONB
    would rewrite. ``expect`` is the version that must be current: None = any, 0 = none (never
    existed or deleted). ``visible`` must hold for a version that is replaced.
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


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a Change; ``created`` when no live version stood there before."""

    vid: int
    created: bool


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
