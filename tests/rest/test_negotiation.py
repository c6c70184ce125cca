"""https://hl7.org/fhir/R4/http.html#mime-type, #version-parameter and #parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from httpx import AsyncClient

P1 = {"resourceType": "Patient", "id": "p1"}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/fhir+json", "application/fhir+json;charset=utf-8"),
        ("application/json", "application/json;charset=utf-8"),
        ("text/json", "text/json;charset=utf-8"),
        ("application/json+fhir", "application/fhir+json;charset=utf-8"),
        ("*/*", "application/fhir+json;charset=utf-8"),
        ("", "application/fhir+json;charset=utf-8"),
        ("application/xml;q=0.9, application/json;q=0.1", "application/json;charset=utf-8"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "application/fhir+json;charset=utf-8"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json;charset=utf-8"),
        ("Application/FHIR+JSON", "application/fhir+json;charset=utf-8"),
    ],
)
async def test_accept_is_answered_with_the_type_asked_for(
    fhir: AsyncClient, accept: str, content_type: str
) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.get("Patient/p1", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+xml",
        "application/xml",
        "text/turtle",
        "text/csv",
        "application/fhir+json;q=0",
        "application/fhir+json; fhirVersion=3.0",
    ],
)
async def test_a_format_that_is_not_served_is_406_with_an_outcome(
    fhir: AsyncClient, accept: str
) -> None:
    await fhir.put("Patient/p1", json=P1)
    answer = await fhir.get("Patient/p1", headers={"Accept": accept})
    assert answer.status_code == 406
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "format", ["json", "application/json", "application/fhir%2Bjson", "application/fhir+json"]
)
async def test_format_json_overrides_the_accept_header(fhir: AsyncClient, format: str) -> None:
    await fhir.put("Patient/p1", json=P1)
    headers = {"Accept": "application/fhir+xml"}
    answer = await fhir.get(f"Patient/p1?_format={format}", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "format",
    ["xml", "text/xml", "application/xml", "application/fhir%2Bxml", "ttl", "text/turtle", "html"],
)
async def test_format_of_what_is_not_served_is_406_and_says_which(
    fhir: AsyncClient, format: str
) -> None:
    answer = await fhir.get(f"Patient/p1?_format={format}")
    assert answer.status_code == 406
    text = answer.json()["issue"][0]["diagnostics"]
    assert any(name in text for name in ("XML", "Turtle", "HTML"))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+xml",
        "text/plain",
        "",
        "application/fhir+json; charset=latin-1",
        "application/fhir+json; fhirVersion=3.0",
        "application/x-www-form-urlencoded",
    ],
)
async def test_a_body_that_is_not_read_is_415_with_an_outcome(
    fhir: AsyncClient, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    answer = await fhir.post("Patient", content=b'{"resourceType":"Patient"}', headers=headers)
    assert answer.status_code == 415
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json",
        "application/json",
        "application/fhir+json; charset=UTF-8",
        "application/fhir+json; fhirVersion=4.0",
    ],
)
async def test_bodies_in_json_are_read(fhir: AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = await fhir.post("Patient", content=b'{"resourceType":"Patient"}', headers=headers)
    assert answer.status_code == 201


async def test_text_is_utf_8_both_ways(fhir: AsyncClient) -> None:
    body = P1 | {"name": [{"family": "Müller-Łuk 李 😀"}]}
    await fhir.put("Patient/p1", json=body)
    answer = await fhir.get("Patient/p1")
    assert answer.content.decode("utf-8").count("Müller-Łuk 李 😀") == 1


async def test_pretty_indents_and_changes_nothing(fhir: AsyncClient) -> None:
    await fhir.put("Patient/p1", json=P1)
    plain = await fhir.get("Patient/p1")
    pretty = await fhir.get("Patient/p1?_pretty=true")
    assert pretty.text.startswith("{\n  ")
    assert pretty.json() == plain.json()
    assert (await fhir.get("Patient/p1?_pretty=false")).text == plain.text
    assert (await fhir.get("Patient/p1?_pretty=maybe")).status_code == 400


async def test_pretty_restores_the_order_of_the_definitions(fhir: AsyncClient) -> None:
    body = P1 | {"birthDate": "1990-01-01", "name": [{"family": "x"}], "active": True}
    await fhir.put("Patient/p1", json=body)
    pretty = (await fhir.get("Patient/p1?_pretty=true")).json()
    assert list(pretty) == ["resourceType", "id", "meta", "active", "name", "birthDate"]


async def test_elements_and_summary_leave_what_is_asked_for_and_mark_it(
    fhir: AsyncClient,
) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
    rest = {"birthDate": "1990-01-01", "gender": "male"}
    body = P1 | rest | {"text": {"status": "generated", "div": div}}
    await fhir.put("Patient/p1", json=body)
    only = (await fhir.get("Patient/p1?_elements=gender")).json()
    assert (only.get("gender"), only.get("birthDate")) == ("male", None)
    assert only["meta"]["tag"][0]["code"] == "SUBSETTED"
    text = (await fhir.get("Patient/p1?_summary=text")).json()
    assert ("text" in text, "gender" in text) == (True, False)
    assert "text" not in (await fhir.get("Patient/p1?_summary=data")).json()
    assert "gender" in (await fhir.get("Patient/p1?_summary=true")).json()
    assert (await fhir.get("Patient/p1?_summary=false")).json()["gender"] == "male"
    assert (await fhir.get("Patient/p1?_summary=short")).status_code == 400
