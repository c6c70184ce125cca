"""Batches: https://hl7.org/fhir/R4/http.html#brules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

SYSTEM = "http://example.org/ids"


def entry(
    method: str, url: str, resource: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    item: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    return item if resource is None else item | {"resource": resource}


def patient(id: str = "", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id} if id else {}), **more}


async def batch(fhir: httpx.AsyncClient, *listed: Any, **headers: str) -> list[Any]:
    answer = await fhir.post(
        "",
        json={"resourceType": "Bundle", "type": "batch", "entry": list(listed)},
        headers=headers,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["type"] == "batch-response"
    return body.get("entry", [])


def statuses(listed: list[Any]) -> list[str]:
    return [each["response"]["status"][:3] for each in listed]


async def test_one_failing_entry_does_not_alter_the_others(fhir: httpx.AsyncClient):
    found = await batch(
        fhir,
        entry("PUT", "Patient/a", patient("a")),
        entry("PUT", "Patient/b", patient("b", nome="x")),
        "not an entry",
        entry("GET", "Patient/none"),
        entry("SEND", "Patient/x"),
        entry("POST", "Foo", {"resourceType": "Foo"}),
        entry("PUT", "Patient/c", patient("c"), ifMatch='W/"4"'),
        entry("POST", "Patient", patient()),
    )
    assert statuses(found) == ["201", "400", "400", "404", "400", "404", "412", "201"]
    assert (await fhir.get("Patient/a")).status_code == 200


async def test_failure_carries_an_outcome_that_says_where(fhir: httpx.AsyncClient):
    found = await batch(
        fhir, entry("GET", "Patient?active=true"), entry("POST", "Patient", patient(birthDate="x"))
    )
    outcome = found[1]["response"]["outcome"]
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[1].resource.birthDate"]


async def test_reads_come_after_writes(fhir: httpx.AsyncClient):
    found = await batch(fhir, entry("GET", "Patient/a"), entry("PUT", "Patient/a", patient("a")))
    assert statuses(found) == ["200", "201"]
    assert found[0]["resource"]["id"] == "a"


async def test_entries_that_change_the_same_resource_are_refused(fhir: httpx.AsyncClient):
    found = await batch(
        fhir,
        entry("PUT", "Patient/a", patient("a")),
        entry("DELETE", "Patient/a"),
        entry("PUT", "Patient/b", patient("b")),
    )
    assert statuses(found) == ["400", "400", "201"]
    assert (await fhir.get("Patient/a")).status_code == 404


async def test_reference_to_what_the_batch_creates_is_refused(fhir: httpx.AsyncClient):
    urn = "urn:uuid:00000000-0000-4000-8000-00000000000a"
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": urn}}
    found = await batch(
        fhir, entry("POST", "Patient", patient()) | {"fullUrl": urn}, entry("POST", "Basic", basic)
    )
    assert statuses(found) == ["201", "400"]


async def test_hundreds_of_conditional_creates_run_once_each(fhir: httpx.AsyncClient):
    def once(n: int) -> dict[str, Any]:
        resource = patient(identifier=[{"system": SYSTEM, "value": str(n)}])
        return entry("POST", "Patient", resource, ifNoneExist=f"identifier={SYSTEM}|{n}")

    listed = [once(n % 100) for n in range(200)]
    found = await batch(fhir, *listed)
    assert sorted(statuses(found)) == ["200"] * 100 + ["201"] * 100
    assert set(statuses(await batch(fhir, *listed))) == {"200"}


async def test_prefer_representation_includes_resources(fhir: httpx.AsyncClient):
    listed = [entry("PUT", "Patient/a", patient("a", active=True))]
    (found,) = await batch(fhir, *listed, Prefer="return=representation")
    assert found["resource"]["active"] is True
    (found,) = await batch(fhir, *listed)
    assert "resource" not in found


async def test_batch_in_a_batch_is_refused(fhir: httpx.AsyncClient):
    inner = {"resourceType": "Bundle", "type": "batch", "entry": []}
    found = await batch(fhir, entry("POST", "/", inner))
    assert statuses(found) == ["400"]
