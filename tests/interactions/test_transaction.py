"""Transactions: https://hl7.org/fhir/R4/http.html#trules."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

SYSTEM = "http://example.org/ids"


def bundle(*listed: dict[str, Any], type: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type, "entry": list(listed)}


def entry(
    method: str, url: str, resource: dict[str, Any] | None = None, **request: str
) -> dict[str, Any]:
    full_url = request.pop("fullUrl", None)
    item: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        item["resource"] = resource
    if full_url:
        item["fullUrl"] = full_url
    return item


def patient(id: str = "", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id} if id else {}), **more}


async def done(fhir: httpx.AsyncClient, *listed: dict[str, Any], **headers: str) -> list[Any]:
    answer = await fhir.post("", json=bundle(*listed), headers=headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["type"] == "transaction-response"
    return body.get("entry", [])


async def refused(fhir: httpx.AsyncClient, *listed: dict[str, Any]) -> tuple[int, list[Any]]:
    answer = await fhir.post("", json=bundle(*listed))
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", answer.text
    return answer.status_code, body["issue"]


async def test_bundle_without_entries_is_no_error(fhir: httpx.AsyncClient):
    answer = await fhir.post("", json={"resourceType": "Bundle", "type": "transaction"})
    assert answer.status_code == 200
    assert answer.json() == {"resourceType": "Bundle", "type": "transaction-response"}


async def test_response_has_one_entry_per_entry_in_the_same_order(fhir: httpx.AsyncClient):
    await fhir.put("Patient/old", json=patient("old"))
    found = await done(
        fhir,
        entry("GET", "Patient/new"),
        entry("PUT", "Patient/new", patient("new")),
        entry("POST", "Patient", patient()),
        entry("DELETE", "Patient/old"),
    )
    statuses = [each["response"]["status"] for each in found]
    assert statuses == ["200 OK", "201 Created", "201 Created", "204 No Content"]


async def test_entry_of_a_write_says_location_etag_and_last_modified(fhir: httpx.AsyncClient):
    await fhir.put("Patient/a", json=patient("a"))
    (found,) = await done(fhir, entry("PUT", "Patient/a", patient("a", active=True)))
    stored = (await fhir.get("Patient/a")).json()
    assert found == {
        "response": {
            "status": "200 OK",
            "location": "Patient/a/_history/2",
            "etag": 'W/"2"',
            "lastModified": stored["meta"]["lastUpdated"],
        }
    }


async def test_reads_see_what_the_transaction_writes(fhir: httpx.AsyncClient):
    identifier = {"system": SYSTEM, "value": "seen"}
    found = await done(
        fhir,
        entry("GET", f"Patient?identifier={SYSTEM}|seen"),
        entry("GET", "Patient/gone"),
        entry("GET", "Patient/r/_history/1"),
        entry("PUT", "Patient/r", patient("r", identifier=[identifier])),
        entry("PUT", "Patient/gone", patient("gone")),
    )
    assert [e["resource"]["id"] for e in found[0]["resource"]["entry"]] == ["r"]
    assert found[1]["resource"]["id"] == "gone"
    assert found[2]["resource"]["meta"]["versionId"] == "1"


async def test_deletes_come_before_reads(fhir: httpx.AsyncClient):
    await fhir.put("Patient/d", json=patient("d"))
    status, issues = await refused(fhir, entry("GET", "Patient/d"), entry("DELETE", "Patient/d"))
    assert status == 410
    assert issues[0]["expression"] == ["Bundle.entry[0]"]
    assert (await fhir.get("Patient/d")).status_code == 200


async def test_reads_answer_the_part_that_is_asked_for(fhir: httpx.AsyncClient):
    name = [{"family": "Roe"}]
    found = await done(
        fhir,
        entry("PUT", "Patient/e", patient("e", gender="male", name=name)),
        entry("GET", "Patient/e?_elements=name"),
    )
    assert found[1]["resource"]["name"] == name
    assert "gender" not in found[1]["resource"]
    assert found[1]["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert (await refused(fhir, entry("GET", "Patient/e?_elements=nome")))[0] == 400
    assert (await refused(fhir, entry("GET", "Patient/e?_summary=count")))[0] == 400


async def test_head_answers_without_the_resource(fhir: httpx.AsyncClient):
    found = await done(fhir, entry("HEAD", "Patient/h"), entry("PUT", "Patient/h", patient("h")))
    assert "resource" not in found[0]
    assert found[0]["response"]["etag"] == 'W/"1"'


async def test_create_ignores_the_id_in_the_resource(fhir: httpx.AsyncClient):
    (found,) = await done(fhir, entry("POST", "Patient", patient("mine")))
    assert not found["response"]["location"].startswith("Patient/mine/")
    assert (await fhir.get("Patient/mine")).status_code == 404


FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no request": ({"resource": patient()}, 400, "Bundle.entry[1].request"),
    "unknown type": (entry("POST", "Foo", {"resourceType": "Foo"}), 404, "Bundle.entry[1]"),
    "POST to an id": (entry("POST", "Patient/1", patient()), 400, "Bundle.entry[1]"),
    "PUT without an id": (entry("PUT", "Patient/1", patient()), 400, "Bundle.entry[1].resource.id"),
    "PUT of another id": (
        entry("PUT", "Patient/1", patient("2")),
        400,
        "Bundle.entry[1].resource.id",
    ),
    "resource of another type": (
        entry("POST", "Group", patient()),
        400,
        "Bundle.entry[1].resource.resourceType",
    ),
    "unknown property": (
        entry("POST", "Patient", patient(nome="x")),
        400,
        "Bundle.entry[1].resource",
    ),
    "bad date": (
        entry("POST", "Patient", patient(birthDate="1.1.70")),
        400,
        "Bundle.entry[1].resource.birthDate",
    ),
    "nowhere": (entry("GET", "Patient/1/2/3/4"), 404, "Bundle.entry[1]"),
    "unknown parameter": (entry("GET", "Patient?nome=x"), 400, "Bundle.entry[1]"),
    "nothing to read": (entry("GET", "Patient/none"), 404, "Bundle.entry[1]"),
    "nothing to patch": (
        entry("PATCH", "Patient/none", {"resourceType": "Parameters"}),
        404,
        "Bundle.entry[1]",
    ),
    "If-Match of what is not there": (
        entry("PUT", "Patient/none", patient("none"), ifMatch='W/"1"'),
        412,
        "",
    ),
    "operation": (entry("POST", "Patient/$validate", patient()), 400, "Bundle.entry[1]"),
    "operation by GET": (entry("GET", "Patient/1/$everything"), 400, "Bundle.entry[1]"),
    "Bundle in a Bundle": (entry("POST", "/", bundle()), 400, "Bundle.entry[1].request.url"),
}


@pytest.mark.parametrize(("faulty", "status", "place"), FAULTS.values(), ids=FAULTS)
async def test_one_faulty_entry_refuses_all(
    fhir: httpx.AsyncClient, faulty: dict[str, Any], status: int, place: str
):
    good = entry("PUT", "Patient/good", patient("good"))
    found, issues = await refused(fhir, good, faulty)
    assert found == status
    if place:
        assert issues[0]["expression"] == [place]
    assert (await fhir.get("Patient/good")).status_code == 404


async def test_every_fault_of_every_entry_is_reported(fhir: httpx.AsyncClient):
    bad = [entry("POST", "Patient", patient(birthDate="x")) for _ in range(150)]
    status, issues = await refused(fhir, *bad)
    assert status == 400
    assert [i["expression"] for i in issues] == [
        [f"Bundle.entry[{n}].resource.birthDate"] for n in range(150)
    ]


@pytest.mark.parametrize(
    "listed",
    [
        (entry("PUT", "Patient/x", patient("x")), entry("PUT", "Patient/x", patient("x"))),
        (entry("PUT", "Patient/x", patient("x")), entry("DELETE", "Patient/x")),
        (entry("DELETE", "Patient/x"), entry("DELETE", "Patient/x")),
    ],
    ids=["PUT PUT", "PUT DELETE", "DELETE DELETE"],
)
async def test_a_resource_can_only_appear_once(
    fhir: httpx.AsyncClient, listed: tuple[dict[str, Any], ...]
):
    status, issues = await refused(fhir, *listed)
    assert status == 400
    assert (issues[0]["code"], issues[0]["expression"]) == ("duplicate", ["Bundle.entry[1]"])


async def test_full_url_can_only_appear_once(fhir: httpx.AsyncClient):
    url = "urn:uuid:00000000-0000-4000-8000-000000000001"
    twice = [entry("POST", "Patient", patient(), fullUrl=url) for _ in range(2)]
    status, issues = await refused(fhir, *twice)
    assert (status, issues[0]["code"]) == (400, "duplicate")


async def test_if_match_holds_per_entry(fhir: httpx.AsyncClient):
    for id in ("m1", "m2"):
        await fhir.put(f"Patient/{id}", json=patient(id))
    one = entry("PUT", "Patient/m1", patient("m1", active=True), ifMatch='W/"1"')
    stale = entry("PUT", "Patient/m2", patient("m2", active=True), ifMatch='W/"7"')
    status, [issue] = await refused(fhir, one, stale)
    assert (status, issue["expression"]) == (412, ["Bundle.entry[1]"])
    assert (await fhir.get("Patient/m1")).headers["ETag"] == 'W/"1"'
    fresh = entry("DELETE", "Patient/m2", ifMatch='W/"1"')
    assert len(await done(fhir, one, fresh)) == 2


@pytest.mark.parametrize("types", [("Patient", "Basic"), ("Basic", "Patient")])
async def test_one_type_does_not_stay_when_another_fails(
    fhir: httpx.AsyncClient, types: tuple[str, str]
):
    """Types may lie in tables of their own; whichever is written first must be undone."""
    body = {"Patient": {}, "Basic": {"code": {"text": "x"}}}
    good, stale = ({"resourceType": t, "id": "two", **body[t]} for t in types)
    status, _ = await refused(
        fhir,
        entry("PUT", f"{types[0]}/two", good),
        entry("PUT", f"{types[1]}/two", stale, ifMatch='W/"3"'),
    )
    assert status == 412
    assert (await fhir.get(f"{types[0]}/two")).status_code == 404


async def test_if_match_takes_a_list_of_versions(fhir: httpx.AsyncClient):
    await fhir.put("Patient/l", json=patient("l"))
    await done(fhir, entry("PUT", "Patient/l", patient("l"), ifMatch='W/"1", W/"9"'))
    status, _ = await refused(fhir, entry("PUT", "Patient/l", patient("l"), ifMatch='"1", "9"'))
    assert status == 412


async def test_if_none_match_star_creates_only(fhir: httpx.AsyncClient):
    only = entry("PUT", "Patient/n", patient("n"), ifNoneMatch="*")
    (found,) = await done(fhir, only)
    assert found["response"]["status"] == "201 Created"
    assert (await refused(fhir, only))[0] == 412


async def test_if_none_match_of_a_read_answers_304(fhir: httpx.AsyncClient):
    await fhir.put("Patient/u", json=patient("u"))
    (found,) = await done(fhir, entry("GET", "Patient/u", ifNoneMatch='W/"1"'))
    assert found["response"]["status"] == "304 Not Modified"
    assert "resource" not in found


async def test_prefer_decides_what_writes_answer(fhir: httpx.AsyncClient):
    one = entry("POST", "Patient", patient(active=True))
    (minimal,) = await done(fhir, one, Prefer="return=minimal")
    (full,) = await done(fhir, one, Prefer="return=representation")
    (outcome,) = await done(fhir, one, Prefer="return=OperationOutcome")
    assert set(minimal) == {"response"}
    assert full["resource"]["active"] is True
    assert full["fullUrl"].endswith(f"/Patient/{full['resource']['id']}")
    assert outcome["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert "resource" not in outcome


async def test_decimals_come_back_to_the_digit(fhir: httpx.AsyncClient):
    text = (
        '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT",'
        '"url":"Observation/d"},"resource":{"resourceType":"Observation","id":"d",'
        '"status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00},'
        '"component":[{"code":{"text":"y"},"valueQuantity":{"value":1E-22}}]}}]}'
    )
    answer = await fhir.post("", content=text, headers={"Content-Type": "application/fhir+json"})
    assert answer.status_code == 200
    stored = (await fhir.get("Observation/d")).text
    assert '"value":1.00' in stored.replace(" ", "")
    assert '"value":1E-22' in stored.replace(" ", "")


def replace_operation(path: str, **value: Any) -> dict[str, Any]:
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": path},
        {"name": "value", **value},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


def json_patch(*operations: dict[str, Any]) -> dict[str, Any]:
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    return {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": data,
    }


async def test_patches_of_both_kinds(fhir: httpx.AsyncClient):
    for id in ("p1", "p2"):
        await fhir.put(f"Patient/{id}", json=patient(id, active=False))
    change = json_patch({"op": "replace", "path": "/active", "value": True})
    found = await done(
        fhir,
        entry("PATCH", "Patient/p1", replace_operation("Patient.active", valueBoolean=True)),
        entry("PATCH", "Patient/p2", change, ifMatch='W/"1"'),
    )
    assert [e["response"]["etag"] for e in found] == ['W/"2"', 'W/"2"']
    for id in ("p1", "p2"):
        assert (await fhir.get(f"Patient/{id}")).json()["active"] is True


async def test_failing_patch_refuses_all_and_says_where(fhir: httpx.AsyncClient):
    await fhir.put("Patient/f", json=patient("f", active=False))
    change = json_patch({"op": "test", "path": "/active", "value": True})
    status, issues = await refused(
        fhir,
        entry("POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}}),
        entry("PATCH", "Patient/f", change),
    )
    assert status == 422
    assert issues[0]["expression"] == ["Bundle.entry[1]"]
    assert (await fhir.get("Basic?_summary=count")).json()["total"] == 0


async def test_what_is_no_batch_or_transaction_is_400(fhir: httpx.AsyncClient):
    for type in ("collection", "searchset", "nonsense"):
        answer = await fhir.post("", json=bundle(type=type))
        assert answer.status_code == 400
        assert answer.json()["issue"][0]["expression"] == ["Bundle.type"]


async def test_grant_reaches_every_entry(connect: Callable[..., httpx.AsyncClient]):
    everybody = connect()
    for id in ("mine", "other"):
        await everybody.put(f"Patient/{id}", json=patient(id))
    mine = connect(patient="mine")
    allowed = entry("PUT", "Patient/mine", patient("mine", active=True))
    await done(mine, allowed)
    for forbidden in (
        entry("PUT", "Patient/other", patient("other", active=True)),
        entry(
            "POST",
            "Condition",
            {"resourceType": "Condition", "subject": {"reference": "Patient/other"}},
        ),
        entry("DELETE", "Patient/other"),
        entry("GET", "Patient/other"),
    ):
        status, _ = await refused(mine, allowed, forbidden)
        assert status in {403, 404}
    assert (await everybody.get("Patient/mine")).headers["ETag"] == 'W/"2"'
    assert (await everybody.get("Patient/other")).headers["ETag"] == 'W/"1"'
