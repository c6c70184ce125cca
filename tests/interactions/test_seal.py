"""Sealed elements: what is stored and kept in history is not what is read.

https://hl7.org/fhir/R4/security.html
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from os import urandom
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fhir_server.store.rows import Predicate

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

    from fhir_server.context import Context
    from fhir_server.r4.json import Json

SSN = "123-45-6789"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:ssn", "value": SSN}],
}


class IdentifierCipher:
    """AES-GCM over Patient.identifier.value, bound to the patient's id."""

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(256))

    def touches(self, type: str) -> bool:
        return type == "Patient"

    def seal(self, resource: Json, context: Context) -> Json:
        del context
        return self._with_values(resource, self._sealed)

    def open(self, resource: Json, context: Context) -> Json:
        del context
        return self._with_values(resource, self._opened)

    def _with_values(self, resource: Json, change: Callable[[str, bytes], str]) -> Json:
        bound = resource["id"].encode()
        changed: list[dict[str, Any]] = [
            each | {"value": change(each["value"], bound)} for each in resource["identifier"]
        ]
        return resource | {"identifier": changed}

    def _sealed(self, value: str, bound: bytes) -> str:
        nonce = urandom(12)
        return b64encode(nonce + self._cipher.encrypt(nonce, value.encode(), bound)).decode()

    def _opened(self, value: str, bound: bytes) -> str:
        raw = b64decode(value)
        return self._cipher.decrypt(raw[:12], raw[12:], bound).decode()


@pytest.fixture
def sealed(connect: Callable[..., AsyncClient]) -> AsyncClient:
    return connect(seal=IdentifierCipher())


def _identifier(resource: dict[str, Any]) -> str:
    return resource["identifier"][0]["value"]


async def test_every_answer_is_open(sealed: AsyncClient) -> None:
    created = await sealed.put("Patient/p1", json=PATIENT)
    assert _identifier(created.json()) == SSN
    await sealed.put("Patient/p1", json=PATIENT | {"active": True})
    assert _identifier((await sealed.get("Patient/p1")).json()) == SSN
    assert _identifier((await sealed.get("Patient/p1/_history/1")).json()) == SSN
    history = (await sealed.get("Patient/p1/_history")).json()["entry"]
    assert [_identifier(entry["resource"]) for entry in history] == [SSN, SSN]
    found = (await sealed.get("Patient?active=true")).json()["entry"]
    assert [_identifier(entry["resource"]) for entry in found] == [SSN]


async def test_what_is_stored_is_sealed_in_every_version(
    sealed: AsyncClient, store: Any, context: Context
) -> None:
    for active in (True, False):
        await sealed.put("Patient/p1", json=PATIENT | {"active": active})
    for vid in (1, 2):
        version = await store.vread(context, Predicate(), "Patient", "p1", vid)
        assert b"urn:ssn" in version.body
        assert SSN.encode() not in version.body


async def test_a_patch_starts_from_the_open_resource(sealed: AsyncClient) -> None:
    await sealed.put("Patient/p1", json=PATIENT)
    test = '[{"op":"test","path":"/identifier/0/value","value":"' + SSN + '"},'
    change = '{"op":"replace","path":"/identifier/0/value","value":"000-00-0000"}]'
    headers = {"Content-Type": "application/json-patch+json"}
    answer = await sealed.patch("Patient/p1", content=test + change, headers=headers)
    assert _identifier(answer.json()) == "000-00-0000"
    assert _identifier((await sealed.get("Patient/p1")).json()) == "000-00-0000"


async def test_a_sealed_identifier_is_still_found(sealed: AsyncClient) -> None:
    await sealed.put("Patient/p1", json=PATIENT)
    found = (await sealed.get(f"Patient?identifier=urn:ssn|{SSN}")).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["p1"]
