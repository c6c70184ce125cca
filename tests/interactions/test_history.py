"""https://hl7.org/fhir/R4/http.html#history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient


async def _life(fhir: AsyncClient, clock: Any, id: str = "p1") -> None:
    """Created at 8:00, updated at 8:01, deleted at 8:02."""
    body = {"resourceType": "Patient", "id": id}
    await fhir.put(f"Patient/{id}", json=body)
    clock.advance(60)
    await fhir.put(f"Patient/{id}", json=body | {"active": True})
    clock.advance(60)
    await fhir.delete(f"Patient/{id}")


def _methods(bundle: dict[str, Any]) -> list[str]:
    return [entry["request"]["method"] for entry in bundle.get("entry", [])]


async def test_a_bundle_of_type_history_oldest_last_with_deletions(
    fhir: AsyncClient, clock: Any
) -> None:
    await _life(fhir, clock)
    answer = await fhir.get("Patient/p1/_history")
    assert answer.status_code == 200
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "history")
    assert _methods(bundle) == ["DELETE", "PUT", "PUT"]


async def test_every_entry_says_what_was_done_and_when(fhir: AsyncClient, clock: Any) -> None:
    await _life(fhir, clock)
    deleted, updated, created = (await fhir.get("Patient/p1/_history")).json()["entry"]
    assert deleted == {
        "fullUrl": "http://test/fhir/Patient/p1",
        "request": {"method": "DELETE", "url": "Patient/p1"},
        "response": {
            "status": "204",
            "etag": 'W/"3"',
            "lastModified": "2026-11-21T08:02:00.125Z",
        },
    }
    assert updated["resource"]["active"] is True
    assert updated["response"]["lastModified"] == "2026-11-21T08:01:00.125Z"
    assert (updated["response"]["status"], created["response"]["status"]) == ("200", "201")
    assert created["resource"]["meta"]["versionId"] == "1"


async def test_a_create_is_a_post_to_the_type(fhir: AsyncClient) -> None:
    id = (await fhir.post("Patient", json={"resourceType": "Patient"})).json()["id"]
    [entry] = (await fhir.get(f"Patient/{id}/_history")).json()["entry"]
    assert entry["request"] == {"method": "POST", "url": "Patient"}
    assert entry["resource"]["id"] == id


async def test_history_of_a_type_has_that_type_only(fhir: AsyncClient, clock: Any) -> None:
    await _life(fhir, clock)
    await fhir.put("Group/g1", json={"resourceType": "Group", "id": "g1", **GROUP})
    bundle = (await fhir.get("Patient/_history")).json()
    assert _methods(bundle) == ["DELETE", "PUT", "PUT"]


async def test_history_of_the_system_has_every_type(fhir: AsyncClient, clock: Any) -> None:
    await _life(fhir, clock)
    await fhir.put("Group/g1", json={"resourceType": "Group", "id": "g1", **GROUP})
    bundle = (await fhir.get("_history")).json()
    urls = [entry["fullUrl"].rpartition("/fhir/")[2] for entry in bundle["entry"]]
    assert urls == ["Group/g1", "Patient/p1", "Patient/p1", "Patient/p1"]


GROUP = {"type": "person", "actual": True}


async def test_history_of_what_never_existed_is_404(fhir: AsyncClient) -> None:
    assert (await fhir.get("Patient/p1/_history")).status_code == 404


async def test_history_of_an_unknown_type_is_404(fhir: AsyncClient) -> None:
    assert (await fhir.get("Patients/_history")).status_code == 404


@pytest.mark.parametrize("path", ["Patient/p1/_history", "Patient/_history", "_history"])
@pytest.mark.parametrize(
    ("since", "methods"),
    [
        ("2026-11-21T08:01:00.125Z", ["DELETE", "PUT"]),
        ("2026-11-21T09:01:00.126%2B01:00", ["DELETE"]),
        ("2026-11-21T08:03:00Z", []),
        ("2026-11-21T00:00:00Z", ["DELETE", "PUT", "PUT"]),
    ],
)
async def test_since_is_the_versions_created_at_or_after_an_instant(
    fhir: AsyncClient, clock: Any, path: str, since: str, methods: list[str]
) -> None:
    await _life(fhir, clock)
    answer = await fhir.get(f"{path}?_since={since}")
    assert answer.status_code == 200
    assert _methods(answer.json()) == methods


@pytest.mark.parametrize("path", ["Patient/p1/_history", "Patient/_history", "_history"])
@pytest.mark.parametrize(
    ("at", "versions"),
    [
        ("2026-11-21T08:00:30Z", ["1"]),
        ("2026-11-21T08:01:30Z", ["2"]),
        ("2026-11-21T08:01", ["2", "1"]),
        ("2026-11-20", []),
    ],
)
async def test_at_is_the_versions_current_at_some_point_of_a_period(
    fhir: AsyncClient, clock: Any, path: str, at: str, versions: list[str]
) -> None:
    await _life(fhir, clock)
    entries = (await fhir.get(f"{path}?_at={at}")).json().get("entry", [])
    assert [e["resource"]["meta"]["versionId"] for e in entries] == versions


@pytest.mark.parametrize("path", ["Patient/p1/_history", "Patient/_history", "_history"])
async def test_count_makes_pages_that_follow_each_other(
    fhir: AsyncClient, clock: Any, path: str
) -> None:
    await _life(fhir, clock)
    seen: list[str] = []
    address = f"{path}?_count=2"
    for _ in range(3):
        bundle = (await fhir.get(address)).json()
        assert len(bundle["entry"]) <= 2
        seen += [entry["response"]["etag"] for entry in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        if "next" not in links:
            break
        assert "_count=2" in links["next"]
        address = links["next"]
    assert seen == ['W/"3"', 'W/"2"', 'W/"1"']


async def test_the_self_link_says_what_was_asked(fhir: AsyncClient, clock: Any) -> None:
    await _life(fhir, clock)
    bundle = (await fhir.get("Patient/p1/_history?_count=7")).json()
    assert bundle["link"][0] == {
        "relation": "self",
        "url": "http://test/fhir/Patient/p1/_history?_count=7",
    }


@pytest.mark.parametrize(
    "query",
    [
        "_since=2026",
        "_since=yesterday",
        "_since=2026-11-21T08:00:00",
        "_at=soon",
        "_count=0",
        "_count=-1",
        "_count=x",
        "_since=2026-11-21T08:00:00Z&_since=2026-11-21T08:00:00Z",
        "_count=1&_count=2",
        "_list=List/1",
        "_page=abcd",
        "_page=%00",
        "name=x",
    ],
)
async def test_bad_unknown_and_repeated_parameters_are_400(fhir: AsyncClient, query: str) -> None:
    await fhir.put("Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    answer = await fhir.get(f"Patient/p1/_history?{query}")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_page_link_is_of_use_for_its_own_request_only(
    fhir: AsyncClient, clock: Any
) -> None:
    await _life(fhir, clock)
    bundle = (await fhir.get("Patient/p1/_history?_count=1")).json()
    token = bundle["link"][1]["url"].partition("_page=")[2]
    assert (await fhir.get(f"Patient/_history?_count=1&_page={token}")).status_code == 400


async def test_head_of_a_history_has_no_body(fhir: AsyncClient, clock: Any) -> None:
    await _life(fhir, clock)
    answer = await fhir.head("Patient/p1/_history")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_page_holds_at_most_what_the_operator_allows(
    connect: Callable[..., AsyncClient], clock: Any
) -> None:
    fhir = connect(page_limit=2)
    await _life(fhir, clock)
    bundle = (await fhir.get("Patient/p1/_history?_count=100")).json()
    assert len(bundle["entry"]) == 2
