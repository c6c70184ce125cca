"""Conditional entries and references of a transaction: https://hl7.org/fhir/R4/http.html#trules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

SYSTEM = "http://example.org/ids"
A, B = (f"urn:uuid:00000000-0000-4000-8000-00000000000{n}" for n in "ab")


def patient(value: str = "", id: str = "", **more: Any) -> dict[str, Any]:
    identifier = {"identifier": [{"system": SYSTEM, "value": value}]} if value else {}
    return {"resourceType": "Patient", **({"id": id} if id else {}), **identifier, **more}


def basic(reference: str) -> dict[str, Any]:
    return {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": reference}}


def criteria(value: str) -> str:
    return f"identifier={SYSTEM}|{value}"


def entry(
    method: str,
    url: str,
    resource: dict[str, Any] | None = None,
    full_url: str = "",
    **request: str,
) -> dict[str, Any]:
    item: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        item["resource"] = resource
    return {"fullUrl": full_url, **item} if full_url else item


def once(value: str, full_url: str = "", **more: Any) -> dict[str, Any]:
    return entry("POST", "Patient", patient(value, **more), full_url, ifNoneExist=criteria(value))


async def send(fhir: httpx.AsyncClient, *listed: dict[str, Any]) -> httpx.Response:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": listed}
    return await fhir.post("", json=bundle)


async def done(fhir: httpx.AsyncClient, *listed: dict[str, Any]) -> list[tuple[str, str]]:
    """Status and location, "" for none, of each entry."""
    answer = await send(fhir, *listed)
    assert answer.status_code == 200, answer.text
    responses = [each["response"] for each in answer.json()["entry"]]
    return [(r["status"][:3], r.get("location", "")) for r in responses]


async def found(fhir: httpx.AsyncClient, value: str) -> list[str]:
    page = (await fhir.get("Patient", params={"identifier": f"{SYSTEM}|{value}"})).json()
    return sorted(each["resource"]["id"] for each in page.get("entry", []))


async def test_conditional_create_makes_what_is_not_there(fhir: httpx.AsyncClient):
    [(status, location)] = await done(fhir, once("1"))
    assert status == "201"
    assert await found(fhir, "1") == [location.split("/")[1]]


async def test_conditional_create_finds_what_is_there(fhir: httpx.AsyncClient):
    await fhir.put("Patient/there", json=patient("1", "there"))
    assert await done(fhir, once("1")) == [("200", "Patient/there/_history/1")]
    assert await found(fhir, "1") == ["there"]


async def test_what_a_conditional_create_finds_is_shown_where_asked_for(fhir: httpx.AsyncClient):
    await fhir.put("Patient/there", json=patient("1", "there", active=True))
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [once("1"), once("2")]}
    answer = await fhir.post("", json=bundle, headers={"Prefer": "return=representation"})
    found, made = (each["resource"] for each in answer.json()["entry"])
    assert (found["id"], found["active"]) == ("there", True)
    assert made["identifier"][0]["value"] == "2"


async def test_references_follow_a_conditional_create(fhir: httpx.AsyncClient):
    await fhir.put("Patient/there", json=patient("1", "there"))
    results = await done(fhir, once("1", A), once("2", B), *(
        entry("POST", "Basic", basic(urn)) for urn in (A, B)
    ))  # fmt: skip
    subjects = [
        (await fhir.get(location)).json()["subject"]["reference"] for _, location in results[2:]
    ]
    assert subjects == ["Patient/there", results[1][1].partition("/_history")[0]]


async def test_conditional_create_with_two_matches_is_412(fhir: httpx.AsyncClient):
    for id in ("a", "b"):
        await fhir.put(f"Patient/{id}", json=patient("1", id))
    answer = await send(fhir, entry("POST", "Basic", basic("Patient/a")), once("1"))
    assert answer.status_code == 412
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert (await fhir.get("Basic?_summary=count")).json()["total"] == 0


async def test_creates_under_the_same_criteria_are_one(fhir: httpx.AsyncClient):
    results = await done(fhir, once("1", A), once("1", B), entry("POST", "Basic", basic(B)))
    assert [status for status, _ in results] == ["201", "200", "201"]
    assert results[0][1] == results[1][1]
    subject = (await fhir.get(results[2][1])).json()["subject"]["reference"]
    assert subject == results[0][1].partition("/_history")[0]


async def test_delete_comes_before_conditional_create(fhir: httpx.AsyncClient):
    await fhir.put("Patient/old", json=patient("1", "old"))
    results = await done(fhir, once("1"), entry("DELETE", "Patient/old"))
    assert [status for status, _ in results] == ["201", "204"]
    assert await found(fhir, "1") == [results[0][1].split("/")[1]]


async def test_conditional_update_of_nothing_creates(fhir: httpx.AsyncClient):
    url = f"Patient?{criteria('1')}"
    (first, second) = await done(
        fhir, entry("PUT", url, patient("1"), A), entry("POST", "Basic", basic(A))
    )
    assert first[0] == "201"
    subject = (await fhir.get(second[1])).json()["subject"]["reference"]
    assert subject == first[1].partition("/_history")[0]


async def test_conditional_update_updates_the_match(fhir: httpx.AsyncClient):
    await fhir.put("Patient/there", json=patient("1", "there"))
    update = entry("PUT", f"Patient?{criteria('1')}", patient("1", active=True), A)
    results = await done(fhir, update, entry("POST", "Basic", basic(A)))
    assert results[0] == ("200", "Patient/there/_history/2")
    subject = (await fhir.get(results[1][1])).json()["subject"]["reference"]
    assert subject == "Patient/there"


async def test_conditional_delete_and_patch(fhir: httpx.AsyncClient):
    await fhir.put("Patient/gone", json=patient("1", "gone"))
    await fhir.put("Patient/kept", json=patient("2", "kept", active=False))
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": True},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    results = await done(
        fhir,
        entry("DELETE", f"Patient?{criteria('1')}"),
        entry("DELETE", f"Patient?{criteria('none')}"),
        entry("PATCH", f"Patient?{criteria('2')}", patch),
    )
    assert [status for status, _ in results] == ["204", "204", "200"]
    assert (await fhir.get("Patient/gone")).status_code == 410
    assert (await fhir.get("Patient/kept")).json()["active"] is True


async def test_conditional_patch_of_nothing_is_404(fhir: httpx.AsyncClient):
    patch = entry("PATCH", f"Patient?{criteria('none')}", {"resourceType": "Parameters"})
    assert (await send(fhir, patch)).status_code == 404


async def test_resolved_identities_may_not_overlap(fhir: httpx.AsyncClient):
    await fhir.put("Patient/there", json=patient("1", "there"))
    answer = await send(
        fhir,
        entry("PUT", "Patient/there", patient("1", "there")),
        entry("PUT", f"Patient?{criteria('1')}", patient("1")),
    )
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "duplicate"


async def test_search_uri_is_replaced_by_its_match(fhir: httpx.AsyncClient):
    await fhir.put("Patient/there", json=patient("1", "there"))
    uri = f"Patient?{criteria('1')}"
    [(_, location)] = await done(fhir, entry("POST", "Basic", basic(uri)))
    assert (await fhir.get(location)).json()["subject"]["reference"] == "Patient/there"


async def test_search_uri_finds_what_the_same_bundle_creates(fhir: httpx.AsyncClient):
    uri = f"Patient?{criteria('1')}"
    results = await done(
        fhir, entry("POST", "Basic", basic(uri)), entry("POST", "Patient", patient("1"))
    )
    subject = (await fhir.get(results[0][1])).json()["subject"]["reference"]
    assert subject == results[1][1].partition("/_history")[0]
    for _, location in results:
        history = (await fhir.get(location.partition("/_history")[0] + "/_history")).json()
        assert len(history["entry"]) == 1


async def test_search_uri_means_what_is_there_afterwards(fhir: httpx.AsyncClient):
    await fhir.put("Patient/old", json=patient("1", "old"))
    await fhir.put("Patient/next", json=patient("2", "next"))
    results = await done(
        fhir,
        entry("POST", "Basic", basic(f"Patient?{criteria('1')}")),
        entry("DELETE", "Patient/old"),
        entry("PUT", "Patient/next", patient("1", "next")),
    )
    assert (await fhir.get(results[0][1])).json()["subject"]["reference"] == "Patient/next"


async def test_created_resources_may_find_each_other_by_search(fhir: httpx.AsyncClient):
    def linked(value: str, other: str) -> dict[str, Any]:
        link = [{"other": {"reference": f"Patient?{criteria(other)}"}, "type": "seealso"}]
        return entry("POST", "Patient", patient(value, link=link))

    results = await done(fhir, linked("1", "2"), linked("2", "1"))
    one, two = [(await fhir.get(location)).json() for _, location in results]
    assert one["link"][0]["other"]["reference"] == f"Patient/{two['id']}"
    assert two["link"][0]["other"]["reference"] == f"Patient/{one['id']}"


@pytest.mark.parametrize(("matches", "status"), [(0, 400), (2, 412)])
async def test_search_uri_that_is_not_one_resource_refuses_all(
    fhir: httpx.AsyncClient, matches: int, status: int
):
    for n in range(matches):
        await fhir.put(f"Patient/{n}", json=patient("1", str(n)))
    uri = f"Patient?{criteria('1')}"
    answer = await send(
        fhir, entry("PUT", "Patient/good", patient(id="good")), entry("POST", "Basic", basic(uri))
    )
    assert answer.status_code == status
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource"]
    assert uri in answer.json()["issue"][0]["diagnostics"]
    assert (await fhir.get("Patient/good")).status_code == 404


@pytest.mark.parametrize("uri", ["Nothing?a=b", "Patient?nome=x", "Patient?_format=json"])
async def test_search_uri_that_cannot_be_searched_is_400(fhir: httpx.AsyncClient, uri: str):
    answer = await send(
        fhir, entry("POST", "Patient", patient("1")), entry("POST", "Basic", basic(uri))
    )
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"][0].startswith("Bundle.entry[1]")


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_update_and_another_entry_under_the_same_criteria_do_not_both_create(
    fhir: httpx.AsyncClient, method: str
):
    update = entry("PUT", f"Patient?{criteria('1')}", patient("1"))
    other = once("1") if method == "POST" else update
    answer = await send(fhir, other, update)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].request"]
    assert "entry" not in (await fhir.get("_history")).json()


async def test_criteria_that_cannot_be_searched_are_400_at_their_entry(fhir: httpx.AsyncClient):
    bad = entry("POST", "Patient", patient("1"), ifNoneExist="shoe-size=44")
    answer = await send(fhir, once("2"), bad)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1]"]


async def test_loading_the_same_bundle_twice_makes_no_duplicates(fhir: httpx.AsyncClient):
    bundle = [once(str(n % 70)) for n in range(140)]
    first = await done(fhir, *bundle)
    second = await done(fhir, *bundle)
    assert {status for status, _ in second} == {"200"}
    assert [place for _, place in first] == [place for _, place in second]
