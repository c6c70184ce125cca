"""Adding a type or a modifier touches search/types/ alone: here both are added from outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fhir_server.r4.definitions import definitions
from fhir_server.search.catalog import Catalog, Pages
from fhir_server.search.compile import conditions
from fhir_server.search.hashes import Hasher
from fhir_server.search.indexer import Indexer
from fhir_server.search.kind import Condition, Modifier, SearchType, holds
from fhir_server.search.request import parse
from fhir_server.search.types import table
from fhir_server.store.rows import TableSet

if TYPE_CHECKING:
    from fhir_server.search.kind import Criterion, Reading, Scope, Slot
    from fhir_server.search.parameters import Parameter
    from fhir_server.store.rows import IndexRows

HASHER = Hasher(b"k" * 32)
TABLES = TableSet(1, shared=False, resource="r", history="h", search="s", hot="t", number="n",
                  string="v", period="p")  # fmt: skip


def read_loud(_parameter: Parameter, _modifier: str, text: str, _reading: Reading) -> str:
    return text.upper()


def compare_loud(criterion: Criterion, _scope: Scope) -> Condition:
    return Condition("loud(s.idx, %s)", criterion.values)


def index_loud(slot: Slot, value: object, _type_code: str, rows: IndexRows) -> None:
    rows.tokens.append(slot.hash("loud", str(value).upper()))


def compare_type(criterion: Criterion, scope: Scope) -> Condition:
    parameter = criterion.parameter
    return holds(
        tuple(scope.hash(parameter.type, parameter.code, "loud", str(v)) for v in criterion.values)
    )


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(definitions(), HASHER, "http://localhost/fhir", Pages(b"p" * 32))


def condition(catalog: Catalog, type_: str, name: str, value: str) -> Condition:
    request = parse(catalog, type_, [(name, value)], datetime(2026, 1, 1, tzinfo=UTC))
    return conditions(request, catalog.scope(TABLES))[0]


def test_a_new_modifier_is_one_row_of_its_type(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = table.TYPES["token"]
    louder = replace(
        token, modifiers={**token.modifiers, "loud": Modifier(read_loud, compare_loud)}
    )
    monkeypatch.setitem(table.TYPES, "token", louder)
    found = condition(catalog, "Patient", "gender:loud", "male")
    assert (found.text, found.values) == ("loud(s.idx, %s)", ("MALE",))


def test_a_new_type_is_one_row_of_the_table(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud = SearchType(index=index_loud, modifiers={"": Modifier(read_loud, compare_type)})
    monkeypatch.setitem(table.TYPES, "string", loud)
    rows = Indexer(definitions(), HASHER, "http://localhost/fhir").rows(
        {"resourceType": "Patient", "address": [{"city": "Rome"}]}
    )
    found = condition(catalog, "Patient", "address-city", "rome")
    assert set(found.tokens) <= set(rows.tokens)
    assert found.tokens
