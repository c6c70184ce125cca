from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from fhir_server.r4.definitions import definitions
from fhir_server.store.layout import HEAVY_TYPES, Layout, schema_name
from fhir_server.store.migrate import MigrationError, migrate, sqlalchemy_url, states
from fhir_server.store.schema import tenant_metadata
from fhir_server.store.type_codes import TYPE_CODES
from tests.database import HEAVY, TENANTS

if TYPE_CHECKING:
    from sqlalchemy import Engine


def engine(url: str) -> Engine:
    return create_engine(sqlalchemy_url(url), poolclass=NullPool)


def test_every_type_with_an_endpoint_has_a_number_of_its_own() -> None:
    assert sorted(TYPE_CODES) == sorted(definitions().endpoint_types)
    assert len(set(TYPE_CODES.values())) == len(TYPE_CODES) == 145


def test_numbers_are_for_ever() -> None:
    known = {"Account": 1, "Basic": 8, "Observation": 96, "Patient": 102, "VisionPrescription": 145}
    assert {name: TYPE_CODES[name] for name in known} == known


def test_heavy_types_exist() -> None:
    assert set(HEAVY_TYPES) <= set(TYPE_CODES)


def test_the_migrated_schema_is_the_one_described(database: str) -> None:
    described = tenant_metadata("default", HEAVY)

    def own(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name == schema_name("default")

    with engine(database).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": own,
                "version_table_schema": schema_name("default"),
                "compare_type": True,
            },
        )
        assert compare_metadata(context, described) == []


def test_many_workers_may_migrate_at_once(database: str) -> None:
    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(migrate, database, ["third"], HEAVY) for _ in range(4)]:
            done.result()
    found = {state.schema: state.version == state.newest for state in states(database)}
    assert found == {"hestia": True, "t_default": True, "t_second": True, "t_third": True}


def test_a_schema_newer_than_the_code_is_refused(database: str) -> None:
    with engine(database).begin() as connection:
        connection.execute(text("UPDATE t_second.alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match="newer than this code"):
        migrate(database, TENANTS, HEAVY)


def test_a_tenant_keeps_its_tables_when_the_list_of_heavy_types_changes(database: str) -> None:
    migrate(database, TENANTS, ["Condition"])
    with engine(database).connect() as connection:
        tables = connection.scalar(text("SELECT heavy FROM hestia.tenant WHERE name = 'default'"))
    assert tables == sorted(HEAVY)
    assert Layout("default", tables or []).of("Condition").shared


def test_an_unknown_heavy_type_or_tenant_is_refused(database: str) -> None:
    with pytest.raises(MigrationError, match="Nonsense"):
        migrate(database, TENANTS, ["Nonsense"])
    with pytest.raises(ValueError, match="no tenant"):
        migrate(database, ["Bad Name"], HEAVY)
