"""The statements of a write, one text per set of tables.

Rows arrive as array literals that ``unnest`` takes apart, so that one resource and five hundred
are the same prepared statement. None of them looks anything up in the tables: version numbers and
row numbers are known before, from the rows that ``LOCK`` locked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from fhir_server.store.rows import TableSet


@lru_cache(maxsize=1024)
def lock(tables: TableSet) -> LiteralString:
    """Lock the rows of (types, ids) in order, and say what stands there."""
    return (
        "SELECT f.id, f.type, f.rid, f.vid, f.updated, f.method, f.pat, f.pats::text"
        " FROM unnest(%s::smallint[], %s::text[]) AS k (type, id)"
        " JOIN " + tables.resource + " f ON f.id = k.id AND f.type = k.type"
        " ORDER BY f.type, f.id FOR UPDATE OF f"
    )  # fmt: skip


@lru_cache(maxsize=4096)
def let_through(tables: TableSet, visible: LiteralString) -> LiteralString:
    """Which of (types, ids) a predicate lets through."""
    return (
        "SELECT f.type, f.id FROM unnest(%s::smallint[], %s::text[]) AS k (type, id)"
        " JOIN " + tables.resource + " f ON f.id = k.id AND f.type = k.type"
        " WHERE " + visible.replace("{t}", "f")
    )  # fmt: skip


@lru_cache(maxsize=1024)
def supersede(tables: TableSet) -> LiteralString:
    """Move the current versions of these rids to history and drop all that search has of them.

    Values: rids, the instants of the versions to come, and five times rids again.
    """
    return (
        "WITH old AS (INSERT INTO " + tables.history
        + " (rid, type, id, vid, updated, method, pat, pats, body, raw, replaced)"
        " SELECT f.rid, f.type, f.id, f.vid, f.updated, f.method, f.pat, f.pats, f.body, f.raw,"
        " k.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (rid, at)"
        " JOIN " + tables.resource + " f ON f.rid = k.rid RETURNING rid)," + _dropped(tables)
    )  # fmt: skip


@lru_cache(maxsize=1024)
def unindex(tables: TableSet) -> LiteralString:
    """Drop all that search has of these rids; values: five times the rids."""
    return "WITH" + _dropped(tables)


def _dropped(tables: TableSet) -> LiteralString:
    return (
        " hot AS (DELETE FROM " + tables.hot + " h USING " + tables.search + " s,"
        " unnest(s.idx) AS x (h) WHERE s.rid = ANY (%s::bigint[])"
        " AND h.h = x.h AND h.date_lo = s.date_lo AND h.rid = s.rid),"
        " numbers AS (DELETE FROM " + tables.number + " WHERE rid = ANY (%s::bigint[])),"
        " strings AS (DELETE FROM " + tables.string + " WHERE rid = ANY (%s::bigint[])),"
        " periods AS (DELETE FROM " + tables.period + " WHERE rid = ANY (%s::bigint[]))"
        " DELETE FROM " + tables.search + " WHERE rid = ANY (%s::bigint[])"
    )  # fmt: skip


_ROW_COLUMNS: LiteralString = (
    "rid, type, id, vid, updated, method, pat, pats, body, raw, date_lo, date_hi, idx, is_new,"
    " created"
)
_ROW_ARRAYS: LiteralString = (
    "%s::bigint[], %s::smallint[], %s::text[], %s::int[], %s::timestamptz[], %s::text[],"
    " %s::bigint[], %s::text[], %s::text[], %s::bool[], %s::timestamptz[], %s::timestamptz[],"
    " %s::text[], %s::bool[], %s::bool[]"
)


@lru_cache(maxsize=1024)
def write(tables: TableSet, change_log: LiteralString) -> LiteralString:
    """Current versions, search rows, side rows and change log of all rows at once.

    The transaction has its number before it takes one of the change log: ``changelog`` needs that.
    """
    return (
        "WITH w AS MATERIALIZED (SELECT pg_current_xact_id(), w.* FROM unnest(" + _ROW_ARRAYS + ")"
        " AS w (" + _ROW_COLUMNS + ")),"
        " new AS (INSERT INTO " + tables.resource
        + " (rid, type, id, vid, updated, method, pat, pats, body, raw)"
        " SELECT rid, type, id, vid, updated, method, pat, pats::bigint[], body::jsonb,"
        " CASE WHEN raw THEN body END FROM w WHERE is_new),"
        " again AS (UPDATE " + tables.resource + " f SET vid = w.vid, updated = w.updated,"
        " method = w.method, pat = w.pat, pats = w.pats::bigint[], body = w.body::jsonb,"
        " raw = CASE WHEN w.raw THEN w.body END FROM w WHERE NOT w.is_new AND f.rid = w.rid),"
        + _indexed(tables) +
        " INSERT INTO " + change_log + " (type, rid, id, vid, method, created, updated,"
        " pat, pats) SELECT type, rid, id, vid, method, created, updated,"
        " pat, pats::bigint[]"
        " FROM w"
    )  # fmt: skip


@lru_cache(maxsize=1024)
def reindex(tables: TableSet) -> LiteralString:
    """Search rows anew for versions that stay as they are; values as for ``write``."""
    return (
        "WITH w AS MATERIALIZED (SELECT * FROM unnest(" + _ROW_ARRAYS + ")"
        " AS w (" + _ROW_COLUMNS + "))," + _indexed(tables) +
        " UPDATE " + tables.resource + " f SET pat = w.pat, pats = w.pats::bigint[]"
        " FROM w WHERE f.rid = w.rid"
    )  # fmt: skip


def _indexed(tables: TableSet) -> LiteralString:
    return (
        " found AS (INSERT INTO " + tables.search
        + " (rid, type, pat, pats, date_lo, date_hi, updated, idx)"
        " SELECT rid, type, pat, pats::bigint[], date_lo, date_hi, updated, idx::bigint[]"
        " FROM w WHERE idx IS NOT NULL),"
        " hot AS (INSERT INTO " + tables.hot + " (h, date_lo, rid)"
        " SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[])),"
        " numbers AS (INSERT INTO " + tables.number + " (h, lo, hi, rid)"
        " SELECT * FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::bigint[])),"
        " strings AS (INSERT INTO " + tables.string + " (h, v, rid)"
        " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[])),"
        " periods AS (INSERT INTO " + tables.period + " (h, lo, hi, rid)"
        " SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[]))"
    )  # fmt: skip
