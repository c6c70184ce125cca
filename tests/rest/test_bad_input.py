"""What cannot be read or is refused: a clear OperationOutcome, and nothing is stored.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from httpx import AsyncClient

FHIR = {"Content-Type": "application/fhir+json"}

BODIES = {
    "broken": b'{"resourceType":"Patient"',
    "trailing": b'{"resourceType":"Patient"} {}',
    "empty": b"",
    "array": b"[]",
    "string": b'"Patient"',
    "no type": b"{}",
    "type not a string": b'{"resourceType":1}',
    "other type": b'{"resourceType":"Group"}',
    "unknown property": b'{"resourceType":"Patient","shoeSize":44}',
    "bad date": b'{"resourceType":"Patient","birthDate":"2026-02-30"}',
    "bad code": b'{"resourceType":"Patient","gender":"x"}',
    "object for a list": b'{"resourceType":"Patient","name":{"family":"x"}}',
    "meta not an object": b'{"resourceType":"Patient","meta":[]}',
    "duplicate keys": b'{"resourceType":"Patient","active":true,"active":false}',
    "NaN": b'{"resourceType":"Patient","multipleBirthInteger":NaN}',
    "infinity": b'{"resourceType":"Patient","multipleBirthInteger":1e999999}',
    "huge number": b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 70 + b"}",
    "deep nesting": b'{"resourceType":"Patient","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "nul": b'{"resourceType":"Patient","language":"a\\u0000"}',
    "lone surrogate": b'{"resourceType":"Patient","language":"\\ud800"}',
    "not utf-8": b'{"resourceType":"Patient","language":"\xff"}',
    "utf-16": '{"resourceType":"Patient"}'.encode("utf-16"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_bad_body_is_400_with_an_outcome_and_stores_nothing(
    fhir: AsyncClient, body: bytes
) -> None:
    for answer in (
        await fhir.post("Patient", content=body, headers=FHIR),
        await fhir.put("Patient/p1", content=body, headers=FHIR),
    ):
        assert answer.status_code == 400, answer.text
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert outcome["issue"][0]["severity"] in {"error", "fatal"}
    assert "entry" not in (await fhir.get("_history")).json()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "foo",
        "Patient/p1/$nothing",
        "$nothing",
        "Patient/$nothing",
        "Patient/p1/foo",
        "a/b/c/d/e",
    ],
)
async def test_an_address_of_no_known_form_is_404_or_405(fhir: AsyncClient, path: str) -> None:
    answer = await fhir.get(path)
    assert answer.status_code in {404, 405}
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_an_unknown_operation_is_named(fhir: AsyncClient) -> None:
    answer = await fhir.post("Patient/p1/$frobnicate", json={}, headers=FHIR)
    assert answer.status_code == 404
    assert "$frobnicate" in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "Patient/p1", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("PUT", "Patient/p1/_history/1", "GET, HEAD, OPTIONS"),
        ("DELETE", "Patient/_history", "GET, HEAD, OPTIONS"),
        ("POST", "metadata", "GET, HEAD, OPTIONS"),
        ("TRACE", "Patient/p1", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    ],
)
async def test_a_method_that_an_address_does_not_have_is_405_with_allow(
    fhir: AsyncClient, method: str, path: str, allow: str
) -> None:
    answer = await fhir.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_options_says_what_may_be_done(fhir: AsyncClient) -> None:
    answer = await fhir.options("Patient/p1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"


async def test_a_body_beyond_the_limit_is_413(connect: Callable[..., AsyncClient]) -> None:
    fhir = connect(max_body=1000)
    body = b'{"resourceType":"Patient","x":"' + b"x" * 1000 + b'"}'
    answer = await fhir.post("Patient", content=body, headers=FHIR)
    assert answer.status_code == 413
    assert answer.json()["issue"][0]["code"] == "too-long"


async def test_a_body_that_streams_beyond_the_limit_is_413_before_it_ends(
    connect: Callable[..., AsyncClient],
) -> None:
    fhir = connect(max_body=1000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 500

    answer = await fhir.post("Patient", content=endless(), headers=FHIR)
    assert answer.status_code == 413
    assert sent < 10


async def test_a_packed_body_that_unpacks_beyond_the_limit_is_413(
    connect: Callable[..., AsyncClient],
) -> None:
    fhir = connect(max_body=100_000)
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    headers = FHIR | {"Content-Encoding": "gzip"}
    assert (await fhir.post("Patient", content=bomb, headers=headers)).status_code == 413


async def test_a_packed_body_is_read(fhir: AsyncClient) -> None:
    body = gzip.compress(b'{"resourceType":"Patient","active":true}')
    headers = FHIR | {"Content-Encoding": "gzip"}
    answer = await fhir.post("Patient", content=body, headers=headers)
    assert answer.status_code == 201
    assert answer.json()["active"] is True


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", b"not gzip", 400),
        ("gzip", gzip.compress(b"{}")[:-4], 400),
        ("gzip", gzip.compress(b"{}") + b"more", 400),
        ("br", b"{}", 415),
    ],
    ids=["not gzip", "cut off", "more after it", "unknown"],
)
async def test_a_body_packed_badly_or_unknowably_is_refused(
    fhir: AsyncClient, encoding: str, body: bytes, status: int
) -> None:
    headers = FHIR | {"Content-Encoding": encoding}
    answer = await fhir.post("Patient", content=body, headers=headers)
    assert answer.status_code == status


async def test_a_large_answer_is_packed_where_the_client_takes_it(fhir: AsyncClient) -> None:
    body = {"resourceType": "Patient", "id": "p1", "name": [{"family": "x" * 5000}]}
    await fhir.put("Patient/p1", json=body)
    packed = await fhir.get("Patient/p1", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < 1000
    plain = await fhir.get("Patient/p1", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == packed.json()


@pytest.mark.parametrize("query", ["%ff", "_format=%c3%28", "name=%00"])
async def test_a_query_that_is_not_utf_8_is_400(fhir: AsyncClient, query: str) -> None:
    assert (await fhir.get(f"Patient/p1?{query}")).status_code == 400
