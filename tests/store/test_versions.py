from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fhir_server.r4.outcome import FhirError
from fhir_server.store.rows import Predicate
from tests.store.building import ALL, NOW, ask, context, delete, only, post, put, rows, vids

if TYPE_CHECKING:
    from fhir_server.store.store import Store

pytestmark = pytest.mark.anyio


async def test_a_create_is_version_1_and_reads_back_with_its_meta(store: Store) -> None:
    (written,) = await store.write(context(), [post("Patient", "a", text='Zoë \\\\ \\"q\\"')])
    assert (written.vid, written.created, written.changed) == (1, True, True)
    version = await store.read(context(), ALL, "Patient", "a")
    assert version is not None
    assert (version.vid, version.updated, version.method) == (1, NOW, "POST")
    assert json.loads(version.body) == {
        "resourceType": "Patient",
        "id": "a",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-21T08:00:00.123Z"},
        "text": 'Zoë \\ "q"',
    }


async def test_an_unknown_id_reads_as_none(store: Store) -> None:
    assert await store.read(context(), ALL, "Patient", "nobody") is None
    assert await store.vread(context(), ALL, "Patient", "nobody", 1) is None


@pytest.mark.parametrize("type", ["Patient", "Basic"])
async def test_an_id_keeps_its_version_sequence_across_deletion(store: Store, type: str) -> None:
    async def write(change: object) -> tuple[int, bool, bool]:
        (written,) = await store.write(context(), [change])  # pyright: ignore[reportArgumentType]
        return written.vid, written.created, written.changed

    assert await write(put(type, "a")) == (1, True, True)
    assert await write(put(type, "a")) == (2, False, True)
    assert await write(delete(type, "a")) == (3, False, True)
    assert await write(delete(type, "a")) == (3, False, False)
    deleted = await store.read(context(), ALL, type, "a")
    assert deleted is not None
    assert deleted.deleted
    assert deleted.body == b""
    assert await write(put(type, "a")) == (4, True, True)
    assert await vids(store, type, "a") == [4, 3, 2, 1]


async def test_deleting_what_never_existed_changes_nothing(store: Store) -> None:
    (written,) = await store.write(context(), [delete("Patient", "a")])
    assert (written.vid, written.changed) == (0, False)
    assert await ask(store, "SELECT count(*) FROM t_default.change_log") == [(0,)]


async def test_an_update_replaces_all_search_rows(store: Store) -> None:
    first = rows(1, 2)
    first.hot = [1]
    first.strings = [(7, "first")]
    first.numbers = [(8, 1, 2)]  # pyright: ignore[reportAttributeAccessIssue]
    first.periods = [(9, NOW, NOW)]
    await store.write(context(), [put("Observation", "a", index=first)])
    second = rows(2, 3)
    second.hot = [2]
    second.strings = [(7, "second")]
    await store.write(context(), [put("Observation", "a", index=second)])
    assert await ask(store, "SELECT idx FROM t_default.observation_search") == [([2, 3],)]
    assert await ask(store, "SELECT h FROM t_default.observation_hot") == [(2,)]
    assert await ask(store, "SELECT h, v FROM t_default.observation_string") == [(7, "second")]
    assert await ask(store, "SELECT h FROM t_default.observation_number") == []
    assert await ask(store, "SELECT h FROM t_default.observation_period") == []
    await store.write(context(), [delete("Observation", "a")])
    for table in ("search", "hot", "string"):
        asked = f"SELECT rid FROM t_default.observation_{table}"
        assert await ask(store, asked) == []


async def test_undated_rows_sort_before_all_time(store: Store) -> None:
    index = rows(1)
    index.date_lo = index.date_hi = None
    index.hot = [1]
    await store.write(context(), [put("Observation", "a", index=index)])
    asked = "SELECT date_lo = '-infinity' FROM t_default.observation_hot"
    assert await ask(store, asked) == [(True,)]


async def test_version_expected_must_be_current(store: Store) -> None:
    await store.write(context(), [put("Patient", "a")])
    await store.write(context(), [put("Patient", "a", expect=1)])
    for expect in (1, 3):
        with pytest.raises(FhirError) as refused:
            await store.write(context(), [put("Patient", "a", expect=expect)])
        assert refused.value.status == 412
    with pytest.raises(FhirError) as refused:
        await store.write(context(), [put("Patient", "b", expect=1)])
    assert refused.value.status == 412
    with pytest.raises(FhirError) as refused:
        await store.write(context(), [put("Patient", "a", expect=0)])
    assert refused.value.status == 412
    assert await vids(store, "Patient", "a") == [2, 1]


async def test_none_expected_holds_after_a_deletion(store: Store) -> None:
    await store.write(context(), [put("Patient", "a", expect=0)])
    await store.write(context(), [delete("Patient", "a")])
    (written,) = await store.write(context(), [put("Patient", "a", expect=0)])
    assert (written.vid, written.created) == (3, True)


async def test_lastupdated_grows_although_the_clock_stepped_back(store: Store) -> None:
    await store.write(context(), [put("Patient", "a")])
    past = context(now=NOW - timedelta(hours=1))
    (written,) = await store.write(past, [put("Patient", "a")])
    assert written.updated == NOW + timedelta(milliseconds=1)
    version = await store.read(context(), ALL, "Patient", "a")
    assert version is not None
    assert version.updated == written.updated
    assert json.loads(version.body)["meta"]["lastUpdated"] == "2026-11-21T08:00:00.124Z"


async def test_numbers_that_jsonb_rewrites_come_back_as_sent(store: Store) -> None:
    change = put("Observation", "a", raw=True, text='","value":1.0E-22,"x":"')
    await store.write(context(), [change])
    version = await store.read(context(), ALL, "Observation", "a")
    assert version is not None
    assert version.body.decode() == change.text(1, NOW)


async def test_several_changes_are_all_or_nothing(store: Store) -> None:
    await store.write(context(), [put("Patient", "a")])
    with pytest.raises(FhirError):
        await store.write(context(), [put("Basic", "b"), put("Patient", "a", expect=7)])
    assert await store.read(context(), ALL, "Basic", "b") is None
    written = await store.write(
        context(), [delete("Patient", "a"), put("Basic", "b"), post("Observation", "c")]
    )
    assert [(w.vid, w.created) for w in written] == [(2, False), (1, True), (1, True)]


async def test_one_write_names_a_resource_once(store: Store) -> None:
    with pytest.raises(FhirError) as refused:
        await store.write(context(), [put("Patient", "a"), delete("Patient", "a")])
    assert refused.value.status == 400


async def test_a_value_that_postgresql_cannot_hold_fails_alone(store: Store) -> None:
    with pytest.raises(FhirError) as refused:
        await store.write(context(), [put("Patient", "a", text="\\ud800")])
    assert refused.value.status == 422
    index = rows(1)
    index.strings = [(1, "".join(chr(c) for c in range(20000, 26000)))]
    with pytest.raises(FhirError) as refused:
        await store.write(context(), [put("Patient", "a", index=index)])
    assert refused.value.status == 422


async def test_a_version_outside_the_grant_is_as_if_it_were_not(store: Store) -> None:
    await store.write(context(), [put("Observation", "a", index=rows(1, pats=(5,)))])
    assert await store.read(context(), only(6), "Observation", "a") is None
    assert await store.read(context(), only(5), "Observation", "a") is not None
    for change in (put, delete):
        with pytest.raises(FhirError) as refused:
            await store.write(context(), [change("Observation", "a", visible=only(6))])
        assert refused.value.status == 404
    await store.write(context(), [delete("Observation", "a", visible=only(5))])
    assert await store.read(context(), only(6), "Observation", "a") is None
    gone = await store.read(context(), only(5), "Observation", "a")
    assert gone is not None
    assert gone.deleted


async def test_tenants_do_not_see_each_other(store: Store) -> None:
    await store.write(context(), [put("Patient", "a")])
    assert await store.read(context("second"), ALL, "Patient", "a") is None
    (written,) = await store.write(context("second"), [put("Patient", "a")])
    assert written.vid == 1


async def test_an_unknown_tenant_or_type_is_404(store: Store) -> None:
    for tenant, type in (("third", "Patient"), ("default", "Nonsense")):
        with pytest.raises(FhirError) as refused:
            await store.read(context(tenant), Predicate(), type, "a")
        assert refused.value.status == 404
