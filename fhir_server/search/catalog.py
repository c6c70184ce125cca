"""What searching needs to know beside the request: definitions, hashes, our own base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhir_server.search.kind import Reading, Scope
from fhir_server.search.parameters import Registry

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.r4.definitions import Definitions
    from fhir_server.search.hashes import Hasher
    from fhir_server.store.rows import TableSet


@dataclass(frozen=True, slots=True)
class Pages:
    """``size`` of a page without ``_count``, ``limit`` of any; 32 bytes of ``key`` for tokens."""

    key: bytes
    size: int = 50
    limit: int = 1000


class Catalog:
    """One per installation; ``base_url`` is the service base without trailing slash."""

    def __init__(
        self, definitions: Definitions, hasher: Hasher, base_url: str, pages: Pages
    ) -> None:
        self.pages = pages
        self.definitions = definitions
        self.hasher = hasher
        self.base_url = base_url
        self.registry = Registry(definitions)
        self.types = frozenset(definitions.resource_types)

    def reading(self, now: datetime) -> Reading:
        """What reading the values of a request needs."""
        return Reading(self.registry, self.types, self.base_url, now)

    def scope(self, tables: TableSet) -> Scope:
        """What comparing values in the tables of one type needs."""
        return Scope(tables, self.hasher, self.registry)
