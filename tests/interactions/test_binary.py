"""https://hl7.org/fhir/R4/binary.html#rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fhir_server.validation.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

PDF = b"%PDF-1.7 \x00\xff not utf-8"
TEXT = {"Content-Type": "text/plain; charset=latin-1"}
SENT = {"Content-Type": "application/fhir+json"}
FHIR = {"Accept": "application/fhir+json"}


async def test_a_raw_body_is_stored_with_its_media_type(fhir: AsyncClient) -> None:
    answer = await fhir.post("Binary", content=PDF, headers={"Content-Type": "application/pdf"})
    assert answer.status_code == 201
    id = answer.headers["location"].split("/")[-3]
    read = await fhir.get(f"Binary/{id}", headers=FHIR)
    assert read.json()["contentType"] == "application/pdf"
    assert read.json()["data"] == "JVBERi0xLjcgAP8gbm90IHV0Zi04"


@pytest.mark.parametrize("accept", ["*/*", "application/pdf", "text/html", "application/json", ""])
async def test_a_read_is_the_content_itself_unless_fhir_is_asked_for(
    fhir: AsyncClient, accept: str
) -> None:
    await fhir.put("Binary/b1", content=PDF, headers={"Content-Type": "application/pdf"})
    answer = await fhir.get("Binary/b1", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("query", "headers"),
    [("", FHIR), ("?_format=json", {}), ("?_format=application/fhir%2Bjson", {})],
)
async def test_a_read_is_the_resource_where_fhir_is_asked_for(
    fhir: AsyncClient, query: str, headers: dict[str, str]
) -> None:
    await fhir.put("Binary/b1", content=PDF, headers={"Content-Type": "application/pdf"})
    answer = await fhir.get(f"Binary/b1{query}", headers=headers)
    assert answer.json()["resourceType"] == "Binary"
    assert answer.headers["content-type"].startswith("application/fhir+json")


async def test_the_media_type_keeps_its_parameters(fhir: AsyncClient) -> None:
    await fhir.put("Binary/b1", content=b"gr\xfc\xdf", headers=TEXT)
    answer = await fhir.get("Binary/b1")
    assert answer.headers["content-type"] == "text/plain; charset=latin-1"
    assert answer.content == b"gr\xfc\xdf"


async def test_a_fhir_body_is_the_resource(fhir: AsyncClient) -> None:
    body = {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "aGk="}
    headers = {"Content-Type": "application/fhir+json"}
    assert (await fhir.put("Binary/b1", json=body, headers=headers)).status_code == 201
    assert (await fhir.get("Binary/b1")).content == b"hi"


async def test_json_under_its_generic_type_is_content(fhir: AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    await fhir.put("Binary/b1", content=b'{"a": 1}', headers=headers)
    assert (await fhir.get("Binary/b1")).content == b'{"a": 1}'


async def test_a_body_without_media_type_is_400(fhir: AsyncClient) -> None:
    assert (await fhir.post("Binary", content=b"x")).status_code == 400


async def test_a_past_version_is_content_too(fhir: AsyncClient) -> None:
    for content in (b"one", b"two"):
        await fhir.put("Binary/b1", content=content, headers=TEXT)
    assert (await fhir.get("Binary/b1/_history/1")).content == b"one"


async def test_the_security_context_comes_and_goes_as_header(fhir: AsyncClient) -> None:
    headers = TEXT | {"X-Security-Context": "Patient/p1"}
    await fhir.put("Binary/b1", content=b"x", headers=headers)
    answer = await fhir.get("Binary/b1")
    assert answer.headers["x-security-context"] == "Patient/p1"
    resource = (await fhir.get("Binary/b1", headers=FHIR)).json()
    assert resource["securityContext"] == {"reference": "Patient/p1"}


async def _patients(fhir: AsyncClient) -> None:
    for id in ("p1", "p2"):
        await fhir.put(f"Patient/{id}", json={"resourceType": "Patient", "id": id})
        document = {
            "resourceType": "DocumentReference",
            "id": f"d-{id}",
            "status": "current",
            "subject": {"reference": f"Patient/{id}"},
            "content": [{"attachment": {"url": f"Binary/b-{id}"}}],
        }
        await fhir.put(f"DocumentReference/d-{id}", json=document)


@pytest.mark.parametrize("context", ["Patient/{}", "DocumentReference/d-{}"])
async def test_a_patients_grant_reaches_what_has_its_security_context(
    connect: Callable[..., AsyncClient], context: str
) -> None:
    fhir = connect()
    await _patients(fhir)
    for id in ("p1", "p2"):
        headers = TEXT | {"X-Security-Context": context.format(id)}
        await fhir.put(f"Binary/b-{id}", content=b"x", headers=headers)
    await fhir.put("Binary/open", content=b"x", headers=TEXT)
    patient = connect(patient="p1")
    assert (await patient.get("Binary/b-p1")).status_code == 200
    for hidden in ("b-p2", "open"):
        assert (await patient.get(f"Binary/{hidden}")).status_code == 404
        assert (await patient.get(f"Binary/{hidden}/_history/1")).status_code == 404


async def test_a_patients_grant_ends_where_the_security_context_moves_on(
    connect: Callable[..., AsyncClient],
) -> None:
    fhir = connect()
    await _patients(fhir)
    headers = TEXT | {"X-Security-Context": "DocumentReference/d-p1"}
    await fhir.put("Binary/b1", content=b"x", headers=headers)
    document = (await fhir.get("DocumentReference/d-p1")).json()
    document["subject"] = {"reference": "Patient/p2"}
    await fhir.put("DocumentReference/d-p1", json=document)
    assert (await connect(patient="p1").get("Binary/b1")).status_code == 404


@pytest.mark.parametrize(
    ("context", "status"),
    [("Patient/p1", 201), ("DocumentReference/d-p1", 201), ("Patient/p2", 403), ("", 403)],
)
async def test_a_patients_grant_writes_within_its_security_context_only(
    connect: Callable[..., AsyncClient], context: str, status: int
) -> None:
    await _patients(connect())
    headers = TEXT | ({"X-Security-Context": context} if context else {})
    answer = await connect(patient="p1").post("Binary", content=b"x", headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("kind", ["text/html\nX-Evil: 1", "text/html\x01"])
async def test_a_media_type_that_cannot_be_a_header_is_not_sent_as_one(
    connect: Callable[..., AsyncClient], kind: str
) -> None:
    fhir = connect(validate=Validator("off").validate)
    body = {"resourceType": "Binary", "id": "b1", "contentType": kind, "data": "aGk="}
    await fhir.put("Binary/b1", json=body, headers=SENT)
    answer = await fhir.get("Binary/b1")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content == b"hi"


async def test_a_media_type_with_a_line_break_is_400(fhir: AsyncClient) -> None:
    body = {"resourceType": "Binary", "id": "b1", "contentType": "text/html\nx", "data": "aGk="}
    assert (await fhir.put("Binary/b1", json=body, headers=SENT)).status_code == 400


async def test_content_cannot_run_in_a_browser(fhir: AsyncClient) -> None:
    await fhir.put("Binary/b1", content=b"<script>", headers={"Content-Type": "text/html"})
    answer = await fhir.get("Binary/b1", headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "form-action 'none'"} <= set(policy)
    assert not any(each.startswith("script-src") for each in policy)
