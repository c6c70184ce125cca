"""How far the consumers of the change log are behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

if TYPE_CHECKING:
    import psycopg

    from fhir_server.store.layout import Layout


def lag_of(connection: psycopg.Connection[Any], layout: Layout) -> int:
    """Rows that the slowest consumer of a tenant has not handled."""
    log, consumer = layout.name("change_log"), layout.name("consumer")
    text: LiteralString = (
        "SELECT coalesce(max((SELECT count(*) FROM " + log + " l WHERE l.seq > c.seq)), 0) FROM "
        + consumer + " c"
    )  # fmt: skip
    row = connection.execute(text).fetchone()
    return 0 if row is None else int(row[0])
