"""The tables of procrastinate in schema hestia, applied once by ``migrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from procrastinate.schema import SchemaManager
from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection


def apply_job_schema(connection: Connection) -> None:
    """Create them unless they are there."""
    found = connection.scalar(text("SELECT to_regclass('hestia.procrastinate_jobs')"))
    if found is not None:
        return
    connection.execute(text("SET LOCAL search_path = hestia, public"))
    connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    connection.execute(text("SET LOCAL search_path = DEFAULT"))
