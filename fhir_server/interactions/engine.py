"""What the interactions of one tenant need, put together by ``fhir_server.app``.

https://hl7.org/fhir/R4/http.html#root
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fhir_server.context import Context
    from fhir_server.interactions.audit import Event
    from fhir_server.interactions.request import Answer, Request
    from fhir_server.r4.json import Json
    from fhir_server.search.catalog import Catalog
    from fhir_server.search.indexer import Indexer
    from fhir_server.store.rows import (
        Change,
        Predicate,
        Statement,
        TableSet,
        Version,
        Written,
    )
    from fhir_server.store.store import Store
    from fhir_server.validation.report import Validation


class Records(Protocol):
    """What the store and an open transaction have in common."""

    async def read(
        self, context: Context, visible: Predicate, type: str, id: str
    ) -> Version | None:
        """The current version, also where it is a deletion."""
        ...

    async def read_many(
        self,
        context: Context,
        visible: Mapping[str, Predicate],
        keys: Sequence[tuple[str, str]],
    ) -> Mapping[tuple[str, str], Version]:
        """The current versions of those that are known."""
        ...

    async def write(self, context: Context, changes: Sequence[Change]) -> list[Written]:
        """All or nothing, in the order given."""
        ...

    async def search(self, context: Context, statement: Statement) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement."""
        ...

    def tables(self, tenant: str, type: str) -> TableSet:
        """Where a type of a tenant lives."""
        ...


class Seal(Protocol):
    """Field encryption: what is stored is sealed, what is answered is open."""

    def touches(self, type: str) -> bool:
        """Whether resources of this type have sealed elements; False keeps the fast path."""
        ...

    def seal(self, resource: Json, context: Context) -> Json:
        """The resource as it is to be stored; the argument stays as it is."""
        ...

    def open(self, resource: Json, context: Context) -> Json:
        """The resource as it was before it was sealed."""
        ...


class Identity:
    """Seals nothing."""

    def touches(self, type: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """No type."""
        return False

    def seal(self, resource: Json, context: Context) -> Json:  # noqa: ARG002
        """The resource itself."""
        return resource

    def open(self, resource: Json, context: Context) -> Json:  # noqa: ARG002
        """The resource itself."""
        return resource


Validate = Callable[["Json", "Context"], "Validation"]
Audit = Callable[["Event"], None]
Handler = Callable[["Engine", "Context", "Request"], Awaitable["Answer"]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decides; the defaults are those of the settings.

    ``referential_integrity``  a local reference must point at a resource that exists
    ``conditional_delete_limit``  how many matches one conditional delete may delete; 1 = single
    ``lenient``                unknown search parameters are ignored with a warning by default
    ``attempts``               how often a patch is tried again when another write came between
    """

    referential_integrity: bool = False
    conditional_delete_limit: int = 1
    lenient: bool = False
    attempts: int = 5


@dataclass(frozen=True, slots=True)
class Engine:
    """One tenant's engine.

    ``types``      the resource types that have an endpoint
    ``dispatch``   runs any request, for the entries of a Bundle
    """

    store: Store
    catalog: Catalog
    indexer: Indexer
    validate: Validate
    audit: Audit
    dispatch: Handler
    types: frozenset[str]
    seal: Seal = field(default_factory=Identity)
    rules: Rules = field(default_factory=Rules)

    @property
    def base_url(self) -> str:
        """The service base without trailing slash, the same for every request."""
        return self.catalog.base_url
