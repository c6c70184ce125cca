"""What is wrong with a database, and how to mend it: for `hestia doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from fhir_server.store.changelog_lag import lag_of
from fhir_server.store.layout import Layout
from fhir_server.store.migrate import states

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OLDEST, NEWEST = 15, 18
LONG_SECONDS = 300
MOST_LAG = 10_000
MOST_DEAD = 0.3
MOST_FULL = 0.9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``remedy`` says what to do and is empty where all is well."""

    name: str
    text: str
    remedy: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing needs to be done."""
        return not self.remedy


def diagnose(url: str, tenants: Sequence[str], fingerprint: str) -> Iterator[Finding]:
    """Everything that can be seen from inside the database, most basic first."""
    try:
        connection = psycopg.connect(url, connect_timeout=5, autocommit=True)
    except psycopg.OperationalError as error:
        remedy = "Start PostgreSQL, or correct HESTIA_DATABASE_URL"
        yield Finding("database", f"cannot be reached: {error}", remedy)
        return
    with connection:
        yield _version(connection)
        stale = list(_schemas(url, tenants))
        yield from stale
        if not all(finding.well for finding in stale):
            return
        yield _key(connection, fingerprint)
        yield _transactions(connection)
        yield _connections(connection)
        yield _size(connection)
        for tenant in tenants:
            yield _lag(connection, tenant)
            yield _dead_rows(connection, tenant)


def _one(connection: psycopg.Connection[Any], text: LiteralString, *values: object) -> Any:
    row = connection.execute(text, values).fetchone()
    return None if row is None else row[0]


def _version(connection: psycopg.Connection[Any]) -> Finding:
    number = connection.info.server_version // 10_000
    fits = OLDEST <= number <= NEWEST
    remedy = "" if fits else f"Use PostgreSQL {OLDEST} to {NEWEST}"
    return Finding("database", f"PostgreSQL {number}", remedy)


def _schemas(url: str, tenants: Sequence[str]) -> Iterator[Finding]:
    found = {state.schema: state for state in states(url)}
    for state in found.values():
        current = state.version == state.newest
        text = f"{state.schema} at {state.version or 'nothing'}, newest {state.newest}"
        yield Finding("schema", text, "" if current else "Run `hestia migrate`")
    for tenant in tenants:
        if Layout(tenant, ()).schema.strip('"') not in found:
            yield Finding("schema", f"tenant {tenant} has none", "Run `hestia migrate`")


def _key(connection: psycopg.Connection[Any], fingerprint: str) -> Finding:
    known = _one(connection, "SELECT fingerprint FROM hestia.key_fingerprint LIMIT 1")
    if known in {None, fingerprint}:
        return Finding("key", "is the one this database was written with")
    remedy = "Give HESTIA_KEY the value it had, or restore HESTIA_HOME/key"
    return Finding("key", "is not the one this database was written with", remedy)


def _transactions(connection: psycopg.Connection[Any]) -> Finding:
    seconds = _one(
        connection,
        "SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::int"
        " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    remedy = ""
    if seconds > LONG_SECONDS:
        remedy = "End it (pg_stat_activity shows it): consumers and clean-up wait for it"
    return Finding("transactions", f"the longest has run for {seconds} s", remedy)


def _connections(connection: psycopg.Connection[Any]) -> Finding:
    used = _one(connection, "SELECT count(*) FROM pg_stat_activity")
    most = int(_one(connection, "SELECT current_setting('max_connections')"))
    remedy = ""
    if used > most * MOST_FULL:
        remedy = "Raise max_connections, or lower HESTIA_DATABASE_CONNECTIONS or HESTIA_WORKERS"
    return Finding("connections", f"{used} of {most}", remedy)


def _size(connection: psycopg.Connection[Any]) -> Finding:
    size = _one(connection, "SELECT pg_size_pretty(pg_database_size(current_database()))")
    return Finding("size", str(size))


def _lag(connection: psycopg.Connection[Any], tenant: str) -> Finding:
    rows = lag_of(connection, Layout(tenant, ()))
    remedy = "" if rows <= MOST_LAG else "See whether `hestia worker` runs, and its log"
    return Finding("consumers", f"tenant {tenant}: {rows} changes behind", remedy)


def _dead_rows(connection: psycopg.Connection[Any], tenant: str) -> Finding:
    worst = connection.execute(
        "SELECT relname, n_dead_tup::float8 / greatest(n_live_tup + n_dead_tup, 1) AS share"
        " FROM pg_stat_user_tables WHERE schemaname = %s AND n_live_tup + n_dead_tup > 10000"
        " ORDER BY share DESC LIMIT 1",
        (Layout(tenant, ()).schema.strip('"'),),
    ).fetchone()
    if worst is None or worst[1] <= MOST_DEAD:
        return Finding("tables", f"tenant {tenant}: no table is bloated")
    text = f"tenant {tenant}: {worst[1]:.0%} of {worst[0]} are dead rows"
    return Finding("tables", text, f"Run VACUUM ANALYZE on {worst[0]}; look at autovacuum")
