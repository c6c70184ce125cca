"""A consumer of the change log: how many live resources of each type a tenant has.

The count moves in the transaction that moves the consumer's position, so each change counts once.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, LiteralString

from fhir_server.store.arrays import plain
from fhir_server.store.type_codes import TYPE_CODES, TYPE_NAMES

if TYPE_CHECKING:
    from fhir_server.store.changelog import Batch
    from fhir_server.store.connections import Connection
    from fhir_server.store.layout import Layout

CONSUMER = "counts"


async def count(layout: Layout, batch: Batch) -> None:
    """Add a batch to the counts."""
    steps: Counter[int] = Counter()
    for change in batch.changes:
        if change.method == "DELETE":
            steps[TYPE_CODES[change.type]] -= 1
        elif change.created:
            steps[TYPE_CODES[change.type]] += 1
    text: LiteralString = (
        "INSERT INTO " + layout.name("resource_count") + " AS c (type, live)"
        " SELECT * FROM unnest(%s::smallint[], %s::bigint[])"
        " ON CONFLICT (type) DO UPDATE SET live = c.live + excluded.live"
    )  # fmt: skip
    if steps:
        await batch.connection.execute(text, (plain(steps), plain(steps.values())))


async def counted(connection: Connection, layout: Layout) -> dict[str, int]:
    """Live resources by type, those with any."""
    text: LiteralString = (
        "SELECT type, live FROM " + layout.name("resource_count") + " WHERE live <> 0"
    )
    rows = await (await connection.execute(text)).fetchall()
    return dict(sorted((TYPE_NAMES[type], live) for type, live in rows))
