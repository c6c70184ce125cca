"""Changes and contexts for tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fhir_server.context import Context
from fhir_server.store.rows import Change, IndexRows, Predicate, Statement
from smart_auth.grant import Everything

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.store.rows import Method
    from fhir_server.store.store import Store
    from fhir_server.store.transaction import Transaction

NOW = datetime(2026, 11, 21, 8, 0, 0, 123000, tzinfo=UTC)
ALL = Predicate()
UNDATED = datetime(1, 1, 1, tzinfo=UTC)


def context(tenant: str = "default", now: datetime = NOW) -> Context:
    return Context(tenant, Everything(), now, "test", "0193-test")


def only(patient: int) -> Predicate:
    """What a grant for one patient compiles to."""
    return Predicate("{t}.pat = %s OR %s = ANY ({t}.pats)", (patient, patient))


def rows(*tokens: int, pats: tuple[int, ...] = ()) -> IndexRows:
    return IndexRows(pats=pats, date_lo=NOW, date_hi=NOW, tokens=[*tokens])


def put(  # noqa: PLR0913
    type: str,
    id: str,
    *,
    text: str = "x",
    expect: int | None = None,
    index: IndexRows | None = None,
    method: Method = "PUT",
    visible: Predicate = ALL,
    raw: bool = False,
) -> Change:
    head = f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"'
    tail = f'"}},"text":"{text}"}}'
    return Change(type, id, method, head, tail, raw, index or IndexRows(), expect, visible)


def post(type: str, id: str, *, text: str = "x", index: IndexRows | None = None) -> Change:
    return put(type, id, text=text, index=index, method="POST")


def delete(type: str, id: str, *, expect: int | None = None, visible: Predicate = ALL) -> Change:
    return Change(type, id, "DELETE", "", "", raw=False, index=None, expect=expect, visible=visible)


async def ask(store: Store | Transaction, text: Any, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a query of the test's own."""
    return list(await store.search(context(), Statement(text, values, generic=False)))


async def vids(store: Store, type: str, id: str) -> Sequence[int]:
    page = await store.instance_history(
        context(), ALL, type, id, since=None, at=None, count=10000, before=None
    )
    return [version.vid for version in page.versions]
