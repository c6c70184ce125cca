"""A FHIR server in memory, just large enough to be benchmarked: the client's tests run on it.

STANDIN_FAULT makes it answer wrongly: `status` (every tenth answer is 503), `hangup` (every
tenth is cut off), `value` (reads come back changed), `lost` (acknowledges and does not store);
`chunked` answers without Content-Length, which is right but rare.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any
from urllib.parse import parse_qs

import uvicorn

Json = dict[str, Any]
FAULT = os.environ.get("STANDIN_FAULT", "")
STORE: dict[str, dict[str, Json]] = {}
COUNTER = {"requests": 0, "ids": 0}


def create(resource: Json) -> str:
    COUNTER["ids"] += 1
    id_ = f"s{COUNTER['ids']}"
    if FAULT != "lost" or COUNTER["ids"] < 100:
        STORE.setdefault(resource["resourceType"], {})[id_] = resource | {"id": id_}
    return f"{resource['resourceType']}/{id_}"


def transaction(bundle: Json) -> Json:
    entries = bundle["entry"]
    first = COUNTER["ids"] + 1
    names = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/s{first + at}"
        for at, entry in enumerate(entries)
    }
    answers: list[Json] = []
    for entry in entries:
        resource = entry["resource"]
        if "subject" in resource:
            resource["subject"]["reference"] = names[resource["subject"]["reference"]]
        location = create(resource) + "/_history/1"
        answers.append({"response": {"status": "201 Created", "location": location}})
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}


def search(type_: str, query: dict[str, list[str]]) -> Json:
    rows = list(STORE.get(type_, {}).values())
    if "patient" in query:
        code = query["code"][0].split("|")[1]
        low, high = (text[2:] for text in query["date"])
        rows = [
            row
            for row in rows
            if row["subject"]["reference"] == query["patient"][0]
            and row["code"]["coding"][0]["code"] == code
            and low <= row["effectiveDateTime"][:10] < high
        ]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(rows)}
    if query.get("_count") != ["0"]:
        bundle["entry"] = [{"resource": row, "search": {"mode": "match"}} for row in rows]
    return bundle


def read(type_: str, id_: str) -> tuple[int, Json]:
    found = STORE.get(type_, {}).get(id_)
    if found is None:
        return 404, {"resourceType": "OperationOutcome"}
    return 200, found | {"status": "amended"} if FAULT == "value" else found


def write(method: str, parts: list[str], body: bytes) -> tuple[int, Json | None, str]:
    if method == "DELETE":
        known = STORE[parts[0]].pop(parts[1], None) is not None
        return 204 if known else 404, None, ""
    resource = json.loads(body)
    if parts == [""]:
        return 200, transaction(resource), ""
    if method == "POST":
        return 201, resource, f"http://localhost/fhir/{create(resource)}/_history/1"
    STORE[parts[0]][parts[1]] = resource
    return 200, resource, ""


def answer(method: str, path: str, query: str, body: bytes) -> tuple[int, Json | None, str]:
    parts = path.removeprefix("/fhir").strip("/").split("/")
    if parts == ["metadata"]:
        return 200, {"resourceType": "CapabilityStatement"}, ""
    if method != "GET":
        return write(method, parts, body)
    if len(parts) == 1:
        return 200, search(parts[0], parse_qs(query)), ""
    return (*read(parts[0], parts[1]), "")


async def app(scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    COUNTER["requests"] += 1
    tenth = COUNTER["requests"] > 50 and COUNTER["requests"] % 10 == 0
    if FAULT == "hangup" and tenth:
        raise asyncio.CancelledError
    status, resource, location = answer(
        scope["method"], scope["path"], scope["query_string"].decode(), body
    )
    if FAULT == "status" and tenth:
        status, resource, location = 503, {"resourceType": "OperationOutcome"}, ""
    content = b"" if resource is None else json.dumps(resource).encode()
    headers = [(b"location", location.encode())] if location else []
    if FAULT != "chunked" and status != 204:
        headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    half = len(content) // 2
    if FAULT == "chunked":
        await send({"type": "http.response.body", "body": content[:half], "more_body": True})
        content = content[half:]
    await send({"type": "http.response.body", "body": content})


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(os.environ["HESTIA_PORT"]),
        lifespan="off",
        log_level="critical",
        access_log=False,
    )
