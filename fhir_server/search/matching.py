"""Many conditional criteria resolved together.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, LiteralString, NamedTuple

from fhir_server.r4.outcome import precondition_failed
from fhir_server.search.compile import compile_page
from fhir_server.search.order import Window
from fhir_server.search.page import visible_to
from fhir_server.search.request import parse
from fhir_server.store.rows import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fhir_server.context import Context
    from fhir_server.search.catalog import Catalog
    from fhir_server.search.page import Searched

TOGETHER = 64
"""Criteria per statement: what is planned together should be planned in a few milliseconds."""


class Wanted(NamedTuple):
    """What criteria ask for, at most ``limit`` resources of it."""

    type: str
    criteria: Sequence[tuple[str, str]]
    limit: int


class Match(NamedTuple):
    """The current version of a resource that criteria match."""

    id: str
    vid: int
    updated: datetime


async def matches_many(
    context: Context, store: Searched, catalog: Catalog, wanted: Sequence[Wanted]
) -> list[list[Match]]:
    """The matches of each, in the order asked; 400 for what cannot be searched by.

    412 for criteria that name nothing: they would match everything.
    """
    found: list[list[Match]] = [[] for _ in wanted]
    for start in range(0, len(wanted), TOGETHER):
        part = list(enumerate(wanted[start : start + TOGETHER], start))
        statements = [(n, _statement(context, store, catalog, each)) for n, each in part]
        for index, id_, vid, updated in await store.search(context, _union(statements)):
            found[int(index)].append(Match(id_, vid, updated))
    return found


def _statement(context: Context, store: Searched, catalog: Catalog, wanted: Wanted) -> Statement:
    request = parse(catalog, wanted.type, wanted.criteria, context.now)
    if not request.criteria:
        raise precondition_failed(f"The criteria would match every {wanted.type}")
    scope = catalog.scope(store.tables(context.tenant, wanted.type))
    visible = visible_to(context, wanted.type, catalog.hasher)
    window = Window(wanted.limit)
    return compile_page(replace(request, sort=()), scope, catalog.definitions, visible, window)


def _union(statements: Sequence[tuple[int, Statement]]) -> Statement:
    texts: list[LiteralString] = []
    values: list[object] = []
    for index, statement in statements:
        text: LiteralString = "SELECT %s::int, q.id, q.vid, q.updated FROM (" + statement.text
        texts.append(text + ") q")
        values += [index, *statement.values]
    return Statement(" UNION ALL ".join(texts), tuple(values), generic=False)
