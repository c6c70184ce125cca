"""Searches carried out: pages of matches, totals, and the matches of conditional criteria.

https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fhir_server.r4.outcome import invalid
from fhir_server.search import tokens
from fhir_server.search.compile import Visible, compile_count, compile_ids, compile_page
from fhir_server.search.grant import patient_of, predicate
from fhir_server.search.order import Position, Window
from fhir_server.search.request import parse
from fhir_server.search.tokens import Token
from fhir_server.store.rows import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.context import Context
    from fhir_server.search.catalog import Catalog
    from fhir_server.search.hashes import Hasher
    from fhir_server.search.kind import Scope
    from fhir_server.search.request import SearchRequest
    from fhir_server.store.rows import Statement, TableSet

_BESIDE_TOKEN = frozenset({tokens.NAME, "_format", "_pretty"})
_FIXED_COLUMNS = 6


class Searched(Protocol):
    """The store, or an open transaction."""

    async def search(self, context: Context, statement: Statement) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement."""
        ...

    def tables(self, tenant: str, type: str) -> TableSet:
        """Where a type of a tenant lives."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """One page; ``next`` and ``previous`` are values of ``_page``, None where there is no page.

    ``total`` is None where it was not asked for. ``request`` says what was understood.
    """

    matches: tuple[Version, ...]
    next: str | None
    previous: str | None
    total: int | None
    request: SearchRequest


async def search(
    context: Context,
    store: Searched,
    catalog: Catalog,
    type: str,
    parameters: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
) -> Page:
    """The page that decoded parameters ask for: the first of a search, or that of a link."""
    text = next((value for name, value in parameters if name == tokens.NAME), None)
    if text is None:
        request = parse(catalog, type, parameters, context.now, lenient=lenient)
        return await page(context, store, catalog, request)
    _refuse_beside_token(parameters)
    token = tokens.unseal(text, context, type, catalog.pages.key)
    request = parse(catalog, type, token.parameters, token.now, lenient=True)
    return await page(context, store, catalog, request, token)


async def page(
    context: Context,
    store: Searched,
    catalog: Catalog,
    request: SearchRequest,
    token: Token | None = None,
) -> Page:
    """One page of a request, the first one without a token."""
    scope = catalog.scope(store.tables(context.tenant, request.type))
    visible = visible_to(context, request.type, catalog.hasher)
    total = await _total(context, store, request, scope, visible)
    if request.summary == "count":
        return Page((), None, None, total, request)
    size = min(catalog.pages.size if request.count is None else request.count, catalog.pages.limit)
    backward = token is not None and token.backward
    window = Window(size + 1, None if token is None else token.position, backward)
    statement = compile_page(request, scope, catalog.definitions, visible, window)
    rows = await store.search(context, statement)
    more = len(rows) > size
    found = list(rows[:size])
    if backward:
        found.reverse()
    now = context.now if token is None else token.now
    link = _Links(context, catalog.pages.key, request, now)
    return Page(
        matches=tuple(_version(request.type, row) for row in found),
        next=link.after(found[-1]) if found and (more or backward) else None,
        previous=link.before(found[0]) if found and (more if backward else token) else None,
        total=total,
        request=request,
    )


async def matches(
    context: Context,
    store: Searched,
    catalog: Catalog,
    type: str,
    criteria: Sequence[tuple[str, str]],
    limit: int,
) -> list[str]:
    """The ids of resources that conditional criteria match, at most ``limit``.

    Errors are those of a search; 400 too where nothing is asked for, as all would match.
    """
    request = parse(catalog, type, criteria, context.now)
    if not request.criteria:
        raise invalid("http", f"The criteria for {type} name no search parameter with a value")
    scope = catalog.scope(store.tables(context.tenant, type))
    visible = visible_to(context, type, catalog.hasher)
    statement = compile_ids(request, scope, catalog.definitions, visible, Window(limit))
    return [id_ for (id_,) in await store.search(context, statement)]


def visible_to(context: Context, type: str, hasher: Hasher) -> Visible:
    """What the grant lets through of a type."""
    return Visible(predicate(context.grant, type, hasher), patient_of(context.grant, hasher))


@dataclass(frozen=True, slots=True)
class _Links:
    """Tokens for the pages beside one."""

    context: Context
    key: bytes
    request: SearchRequest
    now: Any

    def after(self, row: tuple[Any, ...]) -> str:
        return self._token(row, backward=False)

    def before(self, row: tuple[Any, ...]) -> str:
        return self._token(row, backward=True)

    def _token(self, row: tuple[Any, ...], *, backward: bool) -> str:
        position = Position(tuple(row[_FIXED_COLUMNS:]), row[_FIXED_COLUMNS - 1])
        token = Token(self.request.used, self.now, backward, position.keys, position.rid)
        return tokens.seal(token, self.context, self.request.type, self.key)


async def _total(
    context: Context, store: Searched, request: SearchRequest, scope: Scope, visible: Visible
) -> int | None:
    if request.summary != "count" and request.total in {None, "none"}:
        return None
    rows = await store.search(context, compile_count(request, scope, visible))
    return int(rows[0][0])


def _version(type: str, row: tuple[Any, ...]) -> Version:
    id_, vid, updated, method, text = row[:5]
    return Version(type, id_, vid, updated, method, text.encode())


def _refuse_beside_token(parameters: Sequence[tuple[str, str]]) -> None:
    for name, _ in parameters:
        if name not in _BESIDE_TOKEN:
            raise invalid(f"http.{name}", f"Parameter {name!r} cannot be added to a page link")
