"""Brings a database to this code's schema; many workers may ask for it at once.

Alembic keeps one version per tenant schema and one for the installation. An advisory lock lets
one caller migrate while the others wait; a schema newer than the code is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from fhir_server.store.job_schema import apply_job_schema
from fhir_server.store.layout import HEAVY_TYPES, Layout, schema_name
from fhir_server.store.type_codes import TYPE_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

MIGRATIONS = Path(__file__).parent / "migrations"
INSTALLATION = "hestia"
LOCK = 0x48657374_69610001


class MigrationError(Exception):
    """The database cannot be brought to this schema; the message says why."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The version of one schema; None where it has none yet."""

    schema: str
    version: str | None
    newest: str


def migrate(url: str, tenants: Sequence[str], heavy: Sequence[str] = HEAVY_TYPES) -> None:
    """Create or upgrade the installation's schema and those of all tenants, old and new.

    ``heavy`` applies to tenants that are created now; an existing one keeps its tables.
    """
    for name in heavy:
        if name not in TYPE_CODES:
            raise MigrationError(f"{name!r} is in the list of heavy types but is no resource type")
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    try:
        opened = engine.connect()
    except OperationalError as error:
        raise MigrationError(f"The database cannot be reached: {error.orig}") from None
    with opened as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _upgrade(connection, INSTALLATION, "installation", {})
        apply_job_schema(connection)
        known = _known_tenants(connection)
        for tenant in tenants:
            if tenant not in known:
                known[tenant] = _register(connection, tenant, heavy)
        for tenant, types in sorted(known.items()):
            _upgrade(connection, schema_name(tenant), "tenant", {"heavy": types})


def states(url: str) -> list[SchemaState]:
    """The version of every schema, the installation's first."""
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        if _version(connection, INSTALLATION) is None:
            return [SchemaState(INSTALLATION, None, newest("installation"))]
        schemas = [schema_name(tenant) for tenant in sorted(_known_tenants(connection))]
        return [
            SchemaState(INSTALLATION, _version(connection, INSTALLATION), newest("installation")),
            *(SchemaState(name, _version(connection, name), newest("tenant")) for name in schemas),
        ]


def newest(kind: str) -> str:
    """The version that this code brings; ``kind`` is installation or tenant."""
    head = _script(kind, {}).get_current_head()
    assert head is not None  # noqa: S101 - each kind has its first step
    return head


def sqlalchemy_url(url: str) -> str:
    """The same address for SQLAlchemy, which must be told the driver."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def _register(connection: Connection, tenant: str, heavy: Sequence[str]) -> list[str]:
    types = list(Layout(tenant, heavy).heavy)
    connection.execute(
        text("INSERT INTO hestia.tenant (name, heavy) VALUES (:name, :heavy)"),
        {"name": tenant, "heavy": types},
    )
    return types


def _known_tenants(connection: Connection) -> dict[str, list[str]]:
    rows = connection.execute(text("SELECT name, heavy FROM hestia.tenant"))
    return {name: heavy for name, heavy in rows}  # noqa: C416 - rows are no pairs to dict()


def _upgrade(connection: Connection, schema: str, kind: str, options: dict[str, Any]) -> None:
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    script = _script(kind, options)
    current = _version(connection, schema)
    if current is not None and current not in {step.revision for step in script.walk_revisions()}:
        raise MigrationError(
            f"Schema {schema} is at version {current}, which is newer than this code "
            f"({newest(kind)}): start the newer release"
        )
    if current == script.get_current_head():
        return
    connection.execute(text(f'SET LOCAL search_path = "{schema}", public'))

    def steps(version: Any, _: Any) -> Any:
        return script._upgrade_revs("head", version)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    with EnvironmentContext(_config(kind, options), script, fn=steps) as environment:
        environment.configure(connection=connection, version_table_schema=schema)
        environment.run_migrations()
    connection.execute(text("SET LOCAL search_path = DEFAULT"))


def _version(connection: Connection, schema: str) -> str | None:
    table = f'"{schema}".alembic_version'
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return None
    return connection.scalar(text(f"SELECT version_num FROM {table}"))


def _config(kind: str, options: dict[str, Any]) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS / kind))
    config.attributes.update(options)
    return config


def _script(kind: str, options: dict[str, Any]) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(kind, options))
