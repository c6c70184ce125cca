"""Row numbers, taken from the tenant's sequence a thousand at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.store.connections import Connection
    from fhir_server.store.layout import Layout

BLOCK = 1000
"""The increment of the sequence: migration 0001."""


class Rids:
    """The numbers of one tenant that this worker may give out."""

    def __init__(self) -> None:
        self._next: int = 0
        self._end: int = 0
        self._spare: list[int] = []

    def take(self) -> int:
        """One that nobody else has; ``reserve`` saw to it that there is one."""
        if self._next == self._end:
            first = self._spare.pop()
            self._next, self._end = first, first + BLOCK
        self._next += 1
        return self._next - 1

    async def reserve(self, connection: Connection, layout: Layout, count: int) -> None:
        """Make sure that ``count`` can be taken before anything else is awaited."""
        while self._end - self._next + BLOCK * len(self._spare) < count:
            cursor = await connection.execute(
                "SELECT nextval(" + "'" + layout.name("rid_seq") + "'" + ")", prepare=True
            )
            rows = await cursor.fetchall()
            self._spare.append(int(rows[0][0]))
