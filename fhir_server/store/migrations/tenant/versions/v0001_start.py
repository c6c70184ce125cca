"""Resources, their history and search rows, the change log, and its consumers."""

from __future__ import annotations

from alembic import context, op

revision = "0001"
down_revision = None

VERSION_COLUMNS = """
    rid bigint NOT NULL,
    type smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    vid int NOT NULL,
    updated timestamptz NOT NULL,
    method text COLLATE "C" NOT NULL,
    pat bigint NOT NULL,
    pats bigint[],
    body jsonb,
    raw text,
"""

VERSIONS = [
    'CREATE TABLE "{name}" (' + VERSION_COLUMNS + "    PRIMARY KEY (rid)) WITH (fillfactor = 90)",
    'CREATE UNIQUE INDEX "{name}_id" ON "{name}" ({id_key})',
    # Superseded versions: found by resource, or walked backward from the change log.
    'CREATE TABLE "{name}_history" ('
    + VERSION_COLUMNS
    + "    replaced timestamptz NOT NULL, PRIMARY KEY (rid, vid))",
]

SEARCH = [
    """CREATE TABLE "{name}_search" (
    rid bigint NOT NULL PRIMARY KEY,
    type smallint NOT NULL,
    pat bigint NOT NULL,
    pats bigint[],
    date_lo timestamptz NOT NULL,
    date_hi timestamptz NOT NULL,
    updated timestamptz NOT NULL,
    idx bigint[] NOT NULL)""",
    'ALTER TABLE "{name}_search" ALTER idx SET STATISTICS 1000',
    'CREATE INDEX "{name}_search_patient" ON "{name}_search" (pat, date_lo, rid)',
    'CREATE INDEX "{name}_search_date" ON "{name}_search" ({lead}date_lo, rid)',
    'CREATE INDEX "{name}_search_updated" ON "{name}_search" ({lead}updated, rid)',
    """CREATE INDEX "{name}_search_idx" ON "{name}_search" USING gin (idx)
    WITH (fastupdate = on, gin_pending_list_limit = 256)""",
]

SIDES = [
    """CREATE TABLE "{name}_hot" (
    h bigint NOT NULL, date_lo timestamptz NOT NULL, rid bigint NOT NULL,
    PRIMARY KEY (h, date_lo, rid))""",
    'ALTER TABLE "{name}_hot" ALTER h SET STATISTICS 1000',
    """CREATE TABLE "{name}_number" (
    h bigint NOT NULL, lo numeric NOT NULL, hi numeric NOT NULL, rid bigint NOT NULL)""",
    'CREATE INDEX "{name}_number_value" ON "{name}_number" (h, lo, hi, rid)',
    """CREATE TABLE "{name}_string" (
    h bigint NOT NULL, v text COLLATE "C" NOT NULL, rid bigint NOT NULL)""",
    'CREATE INDEX "{name}_string_value" ON "{name}_string" (h, v, rid)',
    """CREATE TABLE "{name}_period" (
    h bigint NOT NULL, lo timestamptz NOT NULL, hi timestamptz NOT NULL, rid bigint NOT NULL)""",
    'CREATE INDEX "{name}_period_value" ON "{name}_period" (h, lo, hi, rid)',
    # A new version removes the rows of the one before, found by resource.
    'CREATE INDEX "{name}_number_rid" ON "{name}_number" (rid)',
    'CREATE INDEX "{name}_string_rid" ON "{name}_string" (rid)',
    'CREATE INDEX "{name}_period_rid" ON "{name}_period" (rid)',
]

COMMON = [
    # Each worker takes a thousand at a time.
    "CREATE SEQUENCE rid_seq INCREMENT BY 1000",
    # seq must follow the order of writes to a resource, so the sequence caches nothing.
    """CREATE TABLE change_log (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type smallint NOT NULL,
    rid bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    vid int NOT NULL,
    method text COLLATE "C" NOT NULL,
    created boolean NOT NULL,
    updated timestamptz NOT NULL,
    pat bigint NOT NULL,
    pats bigint[])""",
    "CREATE INDEX change_log_type ON change_log (type, seq)",
    # A consumer has handled the rows up to ``seq``.
    """CREATE TABLE consumer (
    name text PRIMARY KEY, seq bigint NOT NULL, updated timestamptz NOT NULL)""",
    "CREATE TABLE resource_count (type smallint PRIMARY KEY, live bigint NOT NULL)",
    """CREATE TABLE reindexing (
    type smallint PRIMARY KEY, after bigint NOT NULL, done bigint NOT NULL)""",
]


def upgrade() -> None:
    """Every table of the schema that is first in the search path."""
    options = context.config.attributes
    heavy: list[str] = options["heavy"]
    for statement in COMMON:
        op.execute(statement)
    for name in [*(type.lower() for type in heavy), "other"]:
        shared = name == "other"
        id_key, lead = ("id, type", "type, ") if shared else ("id", "")
        for statement in [*VERSIONS, *SEARCH, *SIDES]:
            op.execute(statement.format(name=name, id_key=id_key, lead=lead))
