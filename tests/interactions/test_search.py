"""https://hl7.org/fhir/R4/http.html#search and #paging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient


async def _patients(fhir: AsyncClient, count: int = 3) -> None:
    for number in range(1, count + 1):
        body = {
            "resourceType": "Patient",
            "id": f"p{number}",
            "name": [{"family": f"Family{number}"}],
            "active": True,
        }
        assert (await fhir.put(f"Patient/p{number}", json=body)).status_code == 201


def _ids(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", [])]


def _links(bundle: dict[str, Any]) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


async def test_200_with_a_bundle_of_type_searchset(fhir: AsyncClient) -> None:
    await _patients(fhir)
    answer = await fhir.get("Patient?family=Family2")
    assert answer.status_code == 200
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    [entry] = bundle["entry"]
    assert entry["fullUrl"] == "http://test/fhir/Patient/p2"
    assert entry["resource"]["id"] == "p2"
    assert entry["search"] == {"mode": "match"}


async def test_no_match_is_an_empty_bundle(fhir: AsyncClient) -> None:
    answer = await fhir.get("Patient?family=Nobody")
    assert answer.status_code == 200
    assert "entry" not in answer.json()


async def test_post_means_the_same_as_get(fhir: AsyncClient) -> None:
    await _patients(fhir)
    by_get = await fhir.get("Patient?family=Family2&active=true")
    by_post = await fhir.post("Patient/_search", data={"family": "Family2", "active": "true"})
    assert by_post.status_code == 200
    assert _ids(by_post.json()) == _ids(by_get.json()) == ["p2"]


async def test_parameters_of_a_post_may_stand_in_both_places(fhir: AsyncClient) -> None:
    await _patients(fhir)
    answer = await fhir.post("Patient/_search?active=true", data={"family": "Family3"})
    assert _ids(answer.json()) == ["p3"]
    answer = await fhir.post("Patient/_search?family=Family1", data={"family": "Family3"})
    assert _ids(answer.json()) == []


async def test_a_posted_search_in_another_format_is_415(fhir: AsyncClient) -> None:
    answer = await fhir.post("Patient/_search", json={"family": "x"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "query", ["shoe-size=44", "family:sounds=x", "birthdate=soon", "_count=x", "family=%ff"]
)
async def test_a_search_that_cannot_be_run_is_400_with_an_outcome(
    fhir: AsyncClient, query: str
) -> None:
    answer = await fhir.get(f"Patient?{query}")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_an_unknown_parameter_is_named(fhir: AsyncClient) -> None:
    answer = await fhir.get("Patient?shoe-size=44")
    assert "shoe-size" in answer.json()["issue"][0]["diagnostics"]


async def test_lenient_handling_ignores_an_unknown_parameter_and_says_so(
    fhir: AsyncClient,
) -> None:
    await _patients(fhir, 1)
    headers = {"Prefer": "handling=lenient"}
    answer = await fhir.get("Patient?shoe-size=44&family=Family1", headers=headers)
    assert answer.status_code == 200
    match, warning = answer.json()["entry"]
    assert match["resource"]["id"] == "p1"
    assert warning["search"] == {"mode": "outcome"}
    [issue] = warning["resource"]["issue"]
    assert issue["severity"] == "warning"
    assert "shoe-size" in issue["diagnostics"]
    assert "shoe-size" not in _links(answer.json())["self"]


async def test_the_self_link_says_what_was_searched_by(fhir: AsyncClient) -> None:
    bundle = (await fhir.get("Patient?family=Family1&_format=json")).json()
    assert _links(bundle)["self"].startswith("http://test/fhir/Patient?family=Family1")


async def test_pages_follow_each_other_and_lead_back(fhir: AsyncClient) -> None:
    await _patients(fhir, 5)
    first = (await fhir.get("Patient?_count=2&_sort=_id")).json()
    assert _ids(first) == ["p1", "p2"]
    second = (await fhir.get(_links(first)["next"])).json()
    assert _ids(second) == ["p3", "p4"]
    third = (await fhir.get(_links(second)["next"])).json()
    assert _ids(third) == ["p5"]
    assert "next" not in _links(third)
    assert _ids((await fhir.get(_links(third)["previous"])).json()) == ["p3", "p4"]


async def test_total_is_counted_when_asked(fhir: AsyncClient) -> None:
    await _patients(fhir)
    assert (await fhir.get("Patient?active=true&_total=accurate&_count=1")).json()["total"] == 3
    count = (await fhir.get("Patient?active=true&_summary=count")).json()
    assert count["total"] == 3
    assert "entry" not in count


async def test_elements_leaves_the_elements_asked_for(fhir: AsyncClient) -> None:
    await _patients(fhir, 1)
    [entry] = (await fhir.get("Patient?_elements=active")).json()["entry"]
    assert entry["resource"]["active"] is True
    assert "name" not in entry["resource"]
    assert entry["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"


async def test_head_of_a_search_has_no_body(fhir: AsyncClient) -> None:
    answer = await fhir.head("Patient?family=x")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_the_search_address_is_for_post_only(fhir: AsyncClient) -> None:
    answer = await fhir.get("Patient/_search?family=x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"
