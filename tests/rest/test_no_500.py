"""Whatever is sent, the answer is of the protocol: a 500 is a bug.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

    from fhir_server.rest.asgi import Access

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
PARTS = [
    "Patient", "Observation", "Binary", "Bundle", "Nothing", "p1", "o1", "_history", "_search",
    "1", "0", "-1", "99999999999", "metadata", "$x", "..", ".", "%00", "%2F", "é", "x" * 70, "",
]  # fmt: skip
PATHS = [
    "Patient", "Patient/p1", "Observation", "Observation/o1", "Binary/b1", "Patient/_search",
    "Patient/p1/_history", "Patient/_history", "_history", "Patient/p1/_history/1", "Binary", "",
]  # fmt: skip
NAMES = [
    "_id", "_count", "_since", "_at", "_sort", "_page", "_summary", "_elements", "_format",
    "_pretty", "_total", "_lastUpdated", "name", "name:exact", "birthdate", "identifier",
    "identifier:of-type", "subject", "subject:Patient", "value-quantity", "code-value-quantity",
    "_tag", "_profile", ":", "", "active:missing", "$", "near", "_has:Observation:patient:code",
]  # fmt: skip
VALUES = [
    "p1", "", "0", "-1", "1e400", "2026", "2026-13-45", "9999-12-31T23:59:60Z", "0001-01-01",
    "ge2020", "|", "a|b", "a|b|c", ",", "\\,", "%", "%ff", "%00", "true", "json", "xml",
    "count", "Patient/p1", "http://x/y|1", "urn:uuid:x", "5.4|http://unitsofmeasure.org|mg",
    "x" * 3000, "😀", "'; DROP TABLE x; --", "-name,_id", "null", "[", "%s", "{}",
]  # fmt: skip
HEADERS = [
    ("Content-Type", "application/fhir+json"), ("Content-Type", "application/json-patch+json"),
    ("Content-Type", "application/x-www-form-urlencoded"), ("Content-Type", ";;;q=="),
    ("Content-Type", "text/plain"), ("Accept", "application/fhir+json"), ("Accept", ",;q=x"),
    ("Accept", "application/xml"), ("If-Match", 'W/"1"'), ("If-Match", "x"), ("If-Match", "*"),
    ("If-None-Match", "*"), ("If-None-Match", 'W/"1", "2"'), ("If-None-Exist", "_id=p1"),
    ("If-None-Exist", "?x=%ff"), ("If-Modified-Since", "Sat, 21 Nov 2026 08:00:00 GMT"),
    ("If-Modified-Since", "Sat, 99 Nov 99999 08:00:00 GMT"), ("Prefer", "return=minimal"),
    ("Prefer", "handling=lenient, return=OperationOutcome"), ("Prefer", ";=,="),
    ("Content-Encoding", "gzip"), ("X-Security-Context", "Patient/p1"), ("X-Request-Id", "é"),
    ("X-Security-Context", "\u00ff"),
]  # fmt: skip
ATOMS: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, "", "x", "2026-02-30", "Patient/p1", "Patient?x=1", "#", [],
    {}, [[]], [None], {"a": {}}, "\ud7ff", "a\tb",
]  # fmt: skip
RESOURCES: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p1", "name": [{"family": "x"}], "birthDate": "2020"},
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-01-01T10:00:00Z",
        "valueQuantity": {"value": 5.4, "unit": "mg"},
    },
    {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "aGk="},
    {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": []}]},
]


def _mutated(chance: random.Random, value: Any) -> Any:
    """The value with some part of it replaced, added or left out."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        kept = dict(value)
        kept[name] = _mutated(chance, value[name])
        if chance.random() < 0.2:
            kept[chance.choice(["extra", "_id", "meta", "contained", "extension", "text"])] = (
                chance.choice(ATOMS)
            )
        if chance.random() < 0.1:
            del kept[name]
        return kept
    if isinstance(value, list) and value and chance.random() < 0.7:
        return [*value[:-1], _mutated(chance, value[-1])]
    return chance.choice(ATOMS)


def _body(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.1:
        return chance.randbytes(chance.randrange(40))
    if kind < 0.2:
        operation = {"op": "add", "path": "/name/0/given", "value": chance.choice(ATOMS)}
        return json.dumps([_mutated(chance, operation)]).encode()
    resource: Any = chance.choice(RESOURCES)
    for _ in range(chance.randrange(3)):
        resource = _mutated(chance, resource)
    return json.dumps(resource).encode()


def _path(chance: random.Random) -> str:
    if chance.random() < 0.8:
        return chance.choice(PATHS)
    return "/".join(chance.choice(PARTS) for _ in range(chance.randrange(1, 5)))


def _query(chance: random.Random) -> str:
    pairs = range(chance.choice([0, 0, 1, 1, 2, 3]))
    return "&".join(f"{chance.choice(NAMES)}={chance.choice(VALUES)}" for _ in pairs)


@pytest.mark.parametrize("seed", range(5))
async def test_no_request_makes_a_500(connect: Callable[..., AsyncClient], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same requests every time
    faults: list[Access] = []
    clients = [
        connect(log=faults.append),
        connect(log=faults.append, referential_integrity=True),
        connect(log=faults.append, patient="p1"),
    ]
    for resource in RESOURCES[:3]:
        await clients[0].put(f"{resource['resourceType']}/{resource['id']}", json=resource)
    seen: set[int] = set()
    for _ in range(150):
        url = f"http://test/fhir/{_path(chance)}?{_query(chance)}"
        headers = [
            (name.encode(), value.encode("latin-1", "replace"))
            for name, value in chance.sample(HEADERS, chance.randrange(4))
        ]
        method, body = chance.choice(METHODS), _body(chance)
        answer = await chance.choice(clients).request(method, url, content=body, headers=headers)
        assert answer.status_code < 500, (method, url, headers, body, faults[-1].fault)
        seen.add(answer.status_code)
    assert {200, 400, 404, 405, 415} <= seen
