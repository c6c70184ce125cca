"""The tenants of an installation as a worker knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fhir_server.store.changelog import Horizon
from fhir_server.store.layout import Layout, unknown_tenant
from fhir_server.store.rids import Rids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.store.connections import Connection


@dataclass(frozen=True, slots=True, eq=False)
class Tenant:
    """One tenant's tables, and the row numbers this worker may give out."""

    name: str
    layout: Layout
    rids: Rids = field(default_factory=Rids)
    horizon: Horizon = field(default_factory=Horizon)


class Tenants:
    """Read once when the store opens; a new tenant is made by ``migrate`` before a start."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._by_name = {tenant.name: tenant for tenant in tenants}

    @classmethod
    async def load(cls, connection: Connection) -> Tenants:
        """Those in the database."""
        cursor = await connection.execute("SELECT name, heavy FROM hestia.tenant ORDER BY name")
        return cls([Tenant(name, Layout(name, heavy)) for name, heavy in await cursor.fetchall()])

    def of(self, name: str) -> Tenant:
        """One tenant; FhirError 404 where there is no such."""
        try:
            return self._by_name[name]
        except KeyError:
            raise unknown_tenant(name) from None

    def names(self) -> list[str]:
        """All, sorted."""
        return sorted(self._by_name)
