"""The tables as SQLAlchemy metadata: one description, from the list of heavy types.

Migrations make the tables, step by step; a test compares what they made with this description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from fhir_server.store.layout import SHARED, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterable

MOMENT = DateTime(timezone=True)
PLAIN = Text(collation="C")
NUMBERS = ARRAY(BigInteger)


def tenant_metadata(tenant: str, heavy: Iterable[str]) -> MetaData:
    """The schema of a tenant whose heavy types have tables of their own."""
    metadata = MetaData(schema=schema_name(tenant))
    Sequence("rid_seq", metadata=metadata, increment=1000)
    _change_log(metadata)
    _progress(metadata)
    for name in [*sorted(type.lower() for type in heavy), SHARED]:
        _versions(metadata, name)
        _search(metadata, name)
        _sides(metadata, name)
    return metadata


def _required(name: str, type: Any) -> Column[Any]:
    return Column(name, type, nullable=False)


def _compartment() -> list[Column[Any]]:
    return [_required("pat", BigInteger), Column("pats", NUMBERS)]


def _version_columns() -> list[Column[Any]]:
    return [
        _required("rid", BigInteger),
        _required("type", SmallInteger),
        _required("id", PLAIN),
        _required("vid", Integer),
        _required("updated", MOMENT),
        _required("method", PLAIN),
        *_compartment(),
        Column("body", JSONB),
        Column("raw", Text),
    ]


def _versions(metadata: MetaData, name: str) -> None:
    current = Table(name, metadata, *_version_columns(), PrimaryKeyConstraint("rid"))
    keys = [current.c.id, current.c.type] if name == SHARED else [current.c.id]
    Index(f"{name}_id", *keys, unique=True)
    Table(
        f"{name}_history",
        metadata,
        *_version_columns(),
        _required("replaced", MOMENT),
        PrimaryKeyConstraint("rid", "vid"),
    )


def _search(metadata: MetaData, name: str) -> None:
    table = Table(
        f"{name}_search",
        metadata,
        _required("rid", BigInteger),
        _required("type", SmallInteger),
        *_compartment(),
        _required("date_lo", MOMENT),
        _required("date_hi", MOMENT),
        _required("updated", MOMENT),
        _required("idx", NUMBERS),
        PrimaryKeyConstraint("rid"),
    )
    lead = [table.c.type] if name == SHARED else []
    Index(f"{name}_search_patient", table.c.pat, table.c.date_lo, table.c.rid)
    Index(f"{name}_search_date", *lead, table.c.date_lo, table.c.rid)
    Index(f"{name}_search_updated", *lead, table.c.updated, table.c.rid)
    Index(f"{name}_search_idx", table.c.idx, postgresql_using="gin")


def _sides(metadata: MetaData, name: str) -> None:
    Table(
        f"{name}_hot",
        metadata,
        _required("h", BigInteger),
        _required("date_lo", MOMENT),
        _required("rid", BigInteger),
        PrimaryKeyConstraint("h", "date_lo", "rid"),
    )
    for kind, values in (
        ("number", [_required("lo", Numeric), _required("hi", Numeric)]),
        ("string", [_required("v", PLAIN)]),
        ("period", [_required("lo", MOMENT), _required("hi", MOMENT)]),
    ):
        h, rid = _required("h", BigInteger), _required("rid", BigInteger)
        Table(f"{name}_{kind}", metadata, h, *values, rid)
        Index(f"{name}_{kind}_value", h, *values, rid)
        Index(f"{name}_{kind}_rid", rid)


def _change_log(metadata: MetaData) -> None:
    table = Table(
        "change_log",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        _required("type", SmallInteger),
        _required("rid", BigInteger),
        _required("id", PLAIN),
        _required("vid", Integer),
        _required("method", PLAIN),
        _required("created", Boolean),
        _required("updated", MOMENT),
        *_compartment(),
    )
    Index("change_log_type", table.c.type, table.c.seq)


def _progress(metadata: MetaData) -> None:
    Table(
        "consumer",
        metadata,
        Column("name", Text, primary_key=True),
        _required("seq", BigInteger),
        _required("updated", MOMENT),
    )
    code = Column("type", SmallInteger, primary_key=True, autoincrement=False)
    Table("resource_count", metadata, code, _required("live", BigInteger))
    code = Column("type", SmallInteger, primary_key=True, autoincrement=False)
    Table(
        "reindexing", metadata, code, _required("after", BigInteger), _required("done", BigInteger)
    )
