"""Resources put into the real store, and searched through the real page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fhir_server.context import Context
from fhir_server.r4.definitions import definitions
from fhir_server.r4.json import encode
from fhir_server.search import page
from fhir_server.search.catalog import Catalog, Pages
from fhir_server.search.hashes import Hasher
from fhir_server.search.indexer import Indexer
from fhir_server.store.rows import Change, Predicate
from smart_auth.grant import Everything

if TYPE_CHECKING:
    from fhir_server.search.page import Page
    from fhir_server.store.store import Store
    from smart_auth.grant import Grant

Resource = dict[str, Any]

BASE = "http://localhost:8080/fhir"
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
HASHER = Hasher(b"k" * 32)
INDEXER = Indexer(definitions(), HASHER, BASE)
CATALOG = Catalog(definitions(), HASHER, BASE, Pages(b"p" * 32))


@dataclass
class Shelf:
    """One tenant's resources; the clock goes on by a second with each call of ``add``."""

    store: Store
    context: Context = field(
        default_factory=lambda: Context("default", Everything(), NOW, "agent", "request")
    )

    def of(self, tenant: str) -> Shelf:
        return Shelf(self.store, replace(self.context, tenant=tenant))

    async def add(self, *resources: Resource) -> None:
        await self.store.write(self.context, [change(resource) for resource in resources])
        self.context = replace(self.context, now=self.context.now + timedelta(seconds=1))

    async def search(
        self, type: str, *parameters: tuple[str, str], grant: Grant | None = None
    ) -> Page:
        context = self.context if grant is None else replace(self.context, grant=grant)
        return await page.search(context, self.store, CATALOG, type, parameters)

    async def ids(
        self, type: str, *parameters: tuple[str, str], grant: Grant | None = None
    ) -> list[str]:
        """The ids of all matches in order, over as many pages as there are."""
        found = await self.search(type, *parameters, grant=grant)
        ids = [match.id for match in found.matches]
        while found.next is not None:
            found = await self.search(type, ("_page", found.next), grant=grant)
            ids += [match.id for match in found.matches]
        return ids

    async def set(self, type: str, name: str, value: str) -> set[str]:
        """The ids of all matches of one parameter."""
        return set(await self.ids(type, (name, value)))


def change(resource: Resource) -> Change:
    """A resource's next version, as the write tail would make it."""
    rest = {k: v for k, v in resource.items() if k not in {"resourceType", "id", "meta"}}
    start = encode({"resourceType": resource["resourceType"], "id": resource["id"]}).decode()
    end = encode(rest).decode()
    meta = encode(resource.get("meta", {})).decode()[1:]
    return Change(
        type=resource["resourceType"],
        id=resource["id"],
        method="PUT",
        head=start[:-1] + ',"meta":{"versionId":"',
        tail='"' + ("," if meta != "}" else "") + meta + ("," if rest else "") + end[1:],
        raw=False,
        index=INDEXER.rows(resource),
        expect=None,
        visible=Predicate(),
    )


def deletion(type: str, id: str) -> Change:
    """The deletion of a resource."""
    return Change(type, id, "DELETE", "", "", raw=False, index=None, expect=None,
                  visible=Predicate())  # fmt: skip
