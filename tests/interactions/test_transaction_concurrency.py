"""Transactions side by side, and what they cost: https://hl7.org/fhir/R4/http.html#transaction."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    import httpx

SYSTEM = "http://example.org/ids"


def entry(method: str, url: str, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"request": {"method": method, "url": url, **more}, "resource": resource}


def patient(id: str = "", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id} if id else {}), **more}


def bundle(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": listed}


async def test_overlapping_transactions_in_any_order_all_succeed(fhir: httpx.AsyncClient):
    chance = random.Random(7)  # noqa: S311 - chance, not a secret
    ids = [f"p{n}" for n in range(6)]

    async def one(number: int) -> int:
        listed = [entry("PUT", f"Patient/{id}", patient(id)) for id in chance.sample(ids, 4)]
        listed.append(entry("PUT", f"Patient/new-{number % 5}", patient(f"new-{number % 5}")))
        if number % 2:
            identifier = [{"system": SYSTEM, "value": str(number % 3)}]
            criteria = f"identifier={SYSTEM}|{number % 3}"
            resource = patient(identifier=identifier)
            listed.append(entry("POST", "Patient", resource, ifNoneExist=criteria))
        chance.shuffle(listed)
        return (await fhir.post("", json=bundle(listed))).status_code

    assert Counter(await asyncio.gather(*(one(n) for n in range(40)))) == {200: 40}
    page = (await fhir.get("Patient", params={"identifier": f"{SYSTEM}|"})).json()
    assert len(page.get("entry", [])) == 3
    histories = [(await fhir.get(f"Patient/{id}/_history?_count=100")).json() for id in ids]
    for history in histories:
        found = [int(each["resource"]["meta"]["versionId"]) for each in history["entry"]]
        assert found == list(range(len(found), 0, -1))
    assert sum(len(history["entry"]) for history in histories) == 40 * 4


async def test_guarded_increments_in_transactions_lose_nothing(fhir: httpx.AsyncClient):
    ids = ("c1", "c2")
    for id in ids:
        await fhir.put(f"Patient/{id}", json=patient(id, multipleBirthInteger=0))

    async def increment() -> int:
        listed: list[dict[str, Any]] = []
        for id in ids:
            current = await fhir.get(f"Patient/{id}")
            number = current.json()["multipleBirthInteger"] + 1
            resource = patient(id, multipleBirthInteger=number)
            listed.append(entry("PUT", f"Patient/{id}", resource, ifMatch=current.headers["ETag"]))
        return (await fhir.post("", json=bundle(listed))).status_code

    statuses = Counter(await asyncio.gather(*(increment() for _ in range(30))))
    assert set(statuses) <= {200, 412}
    for id in ids:
        found = (await fhir.get(f"Patient/{id}")).json()["multipleBirthInteger"]
        assert found == statuses[200] > 0


async def test_patches_of_one_resource_in_transactions_all_count(fhir: httpx.AsyncClient):
    await fhir.put("Patient/p", json=patient("p", name=[{"given": ["a"]}]))
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Patient.name[0]"},
        {"name": "name", "valueString": "given"},
        {"name": "value", "valueString": "b"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    body = bundle([entry("PATCH", "Patient/p", patch)])
    answers = await asyncio.gather(*(fhir.post("", json=body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len((await fhir.get("Patient/p")).json()["name"][0]["given"]) == 21


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement sent by itself, and every pipeline as one."""
    sent: list[str] = []
    execute, pipeline = psycopg.AsyncConnection.execute, psycopg.AsyncConnection.pipeline

    async def counted(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if self._pipeline is None:
            sent.append(str(query)[:80])
        return await execute(self, query, *args, **kwargs)

    def counted_pipeline(self: Any) -> Any:
        sent.append("pipeline")
        return pipeline(self)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counted)
    monkeypatch.setattr(psycopg.AsyncConnection, "pipeline", counted_pipeline)
    return sent


def creates(count: int) -> list[dict[str, Any]]:
    """Of eight types, referring to each other."""
    urn = "urn:uuid:00000000-0000-4000-8000-00000000000a"
    subject = {"subject": {"reference": urn}}
    code = {"code": {"text": "x"}}
    kinds: list[dict[str, Any]] = [
        {"resourceType": "Observation", "status": "final", **code, **subject},
        {"resourceType": "Condition", **code, **subject},
        {"resourceType": "Procedure", "status": "completed", **code, **subject},
        {"resourceType": "Basic", **code, **subject},
        {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, **subject},
        {"resourceType": "DiagnosticReport", "status": "final", **code, **subject},
        {"resourceType": "Flag", "status": "active", **code, **subject},
    ]
    listed = [{"fullUrl": urn, **entry("POST", "Patient", patient())}]
    while len(listed) < count:
        resource = kinds[len(listed) % len(kinds)]
        listed.append(entry("POST", resource["resourceType"], resource))
    return listed


async def test_200_creates_take_at_most_8_round_trips(
    fhir: httpx.AsyncClient, round_trips: list[str]
):
    body = bundle(creates(200))
    await fhir.post("", json=bundle(creates(2)))  # connections are opened
    round_trips.clear()
    answer = await fhir.post("", json=body)
    assert answer.status_code == 200
    assert len(answer.json()["entry"]) == 200
    assert len(round_trips) <= 8, round_trips


async def test_conditional_entries_and_references_are_resolved_together(
    fhir: httpx.AsyncClient, round_trips: list[str]
):
    for n in range(30):
        identifier = [{"system": SYSTEM, "value": str(n)}]
        await fhir.put(f"Patient/p{n}", json=patient(f"p{n}", identifier=identifier))
    listed: list[dict[str, Any]] = []
    for n in range(60):
        uri = f"identifier={SYSTEM}|{n % 30}"
        basic = {"resourceType": "Basic", "code": {"text": "x"}}
        linked = basic | {"subject": {"reference": f"Patient?{uri}"}}
        listed.append(entry("POST", "Basic", linked))
        group = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}}
        flag = group | {
            "subject": {"reference": f"Patient?{uri}"},
            "identifier": [{"value": str(n)}],
        }
        listed.append(entry("POST", "Flag", flag, ifNoneExist=f"identifier=x{n}"))
    round_trips.clear()
    answer = await fhir.post("", json=bundle(listed))
    assert answer.status_code == 200, answer.text
    assert len(round_trips) <= 12, round_trips
