"""https://hl7.org/fhir/R4/http.html#history ."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.store.building import ALL, NOW, context, delete, only, post, put, rows

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.store.rows import HistoryPage
    from fhir_server.store.store import Store

pytestmark = pytest.mark.anyio

SEEN = {"Patient": ALL, "Observation": ALL, "Basic": ALL}


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def fill(store: Store) -> None:
    """Observation o of patients 5 and, later, 6; Patient p; Basic b deleted; a second apart."""
    await store.write(context(now=at(0)), [post("Patient", "p", index=rows(1, pats=(5,)))])
    await store.write(context(now=at(1)), [put("Observation", "o", index=rows(1, pats=(5,)))])
    await store.write(context(now=at(2)), [put("Basic", "b", index=rows(1, pats=(5, 6)))])
    await store.write(context(now=at(3)), [put("Observation", "o", index=rows(1, pats=(6,)))])
    await store.write(context(now=at(4)), [delete("Basic", "b")])
    await store.write(context(now=at(5)), [put("Observation", "o", index=rows(1, pats=(6,)))])


def shown(page: HistoryPage) -> list[str]:
    return [f"{v.type[0].lower()}{v.vid}" for v in page.versions]


async def system(store: Store, visible: object = None, **asked: object) -> HistoryPage:
    options = {"since": None, "at": None, "count": 100, "before": None, **asked}
    return await store.system_history(context(), visible or SEEN, **options)  # pyright: ignore[reportArgumentType]


async def test_system_history_is_newest_first_with_deletions(store: Store) -> None:
    await fill(store)
    page = await system(store)
    assert shown(page) == ["o3", "b2", "o2", "b1", "o1", "p1"]
    assert page.before is None
    by_name = dict(zip(shown(page), page.versions, strict=True))
    assert by_name["b2"].deleted
    assert by_name["b2"].body == b""
    assert b'"versionId": "2"' in by_name["o2"].body
    assert (by_name["p1"].method, by_name["o1"].method) == ("POST", "PUT")


async def test_pages_follow_each_other_without_gap_or_overlap(store: Store) -> None:
    await fill(store)
    found: list[str] = []
    before = None
    while True:
        page = await system(store, count=2, before=before)
        found += shown(page)
        before = page.before
        if before is None:
            break
    assert found == ["o3", "b2", "o2", "b1", "o1", "p1"]


async def test_type_history_holds_one_type(store: Store) -> None:
    await fill(store)
    page = await store.type_history(
        context(), ALL, "Observation", since=None, at=None, count=2, before=None
    )
    assert shown(page) == ["o3", "o2"]
    assert page.before is not None


async def test_since_is_inclusive(store: Store) -> None:
    await fill(store)
    assert shown(await system(store, since=at(4))) == ["o3", "b2"]


async def test_at_gives_what_was_current_then(store: Store) -> None:
    await fill(store)
    asked = (at(2), at(3))
    assert shown(await system(store, at=asked)) == ["b1", "o1", "p1"]
    assert shown(await system(store, at=asked, count=1)) == ["b1"]
    page = await store.instance_history(
        context(), ALL, "Observation", "o", since=None, at=asked, count=9, before=None
    )
    assert shown(page) == ["o1"]


async def test_each_version_is_shown_to_those_who_may_see_it(store: Store) -> None:
    await fill(store)
    five, six = dict.fromkeys(SEEN, only(5)), dict.fromkeys(SEEN, only(6))
    assert shown(await system(store, five)) == ["b2", "b1", "o1", "p1"]
    assert shown(await system(store, six)) == ["o3", "b2", "o2", "b1"]
    assert shown(await system(store, {"Patient": only(5), "Basic": ALL})) == ["b2", "b1", "p1"]
    page = await store.instance_history(
        context(), only(5), "Observation", "o", since=None, at=None, count=9, before=None
    )
    assert shown(page) == ["o1"]
    assert await store.vread(context(), only(5), "Observation", "o", 2) is None
    version = await store.vread(context(), only(5), "Observation", "o", 1)
    assert version is not None
    assert version.vid == 1


async def test_read_many_finds_those_that_are_visible(store: Store) -> None:
    await fill(store)
    keys = [("Patient", "p"), ("Observation", "o"), ("Basic", "b"), ("Basic", "none")]
    found = await store.read_many(context(), {**SEEN, "Observation": only(5)}, keys)
    assert sorted(found) == [("Basic", "b"), ("Patient", "p")]


async def test_history_of_one_tenant_holds_nothing_of_another(store: Store) -> None:
    await fill(store)
    page = await store.system_history(
        context("second"), SEEN, since=None, at=None, count=9, before=None
    )
    assert page.versions == ()
