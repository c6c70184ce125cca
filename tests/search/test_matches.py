"""Criteria of conditional interactions. https://hl7.org/fhir/R4/http.html#ccreate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.r4.outcome import FhirError
from fhir_server.search.page import matches
from tests.search.shelf import CATALOG, change

if TYPE_CHECKING:
    from tests.search.shelf import Shelf

RESOURCES: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": f"p{n}", "identifier": [{"system": "urn:a", "value": value}]}
    for n, value in enumerate(["one", "two", "two", "two"])
]


FRESH = {"resourceType": "Patient", "id": "fresh", "identifier": [{"value": "new"}]}


async def found(library: Shelf, *criteria: tuple[str, str], limit: int = 2) -> list[str]:
    return await matches(library.context, library.store, CATALOG, "Patient", criteria, limit)


async def test_criteria_find_none_one_or_as_many_as_the_limit(library: Shelf) -> None:
    assert await found(library, ("identifier", "urn:a|none")) == []
    assert await found(library, ("identifier", "urn:a|one")) == ["p0"]
    assert len(await found(library, ("identifier", "urn:a|two"))) == 2
    assert len(await found(library, ("identifier", "urn:a|two"), limit=10)) == 3


@pytest.mark.parametrize("criteria", [(), (("identifier", ""),), (("_count", "5"),)])
async def test_criteria_that_ask_for_nothing_are_refused(
    library: Shelf, criteria: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(FhirError) as raised:
        await found(library, *criteria)
    assert raised.value.status == 400


async def test_unknown_criteria_are_refused_rather_than_ignored(library: Shelf) -> None:
    with pytest.raises(FhirError) as raised:
        await found(library, ("identifier", "urn:a|one"), ("unheard-of", "x"))
    assert raised.value.status == 400


async def test_criteria_see_what_the_same_transaction_wrote(shelf: Shelf) -> None:
    async with shelf.store.transaction(shelf.context) as transaction:
        before = await matches(
            shelf.context, transaction, CATALOG, "Patient", [("identifier", "new")], 2
        )
        await transaction.write(shelf.context, [change(FRESH)])
        after = await matches(
            shelf.context, transaction, CATALOG, "Patient", [("identifier", "new")], 2
        )
    assert (before, after) == ([], ["fresh"])
