"""Create 10 : read 60 : update 25 : delete 5 over five types, deletes of what the run created."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from benchmarks import data
from benchmarks.dataset import TYPES
from benchmarks.script import CREATED, Kind, Request, Script, raw_request

if TYPE_CHECKING:
    from benchmarks.api import Api
    from benchmarks.dataset import Dataset, Stored
    from benchmarks.target import Target

SHARES = ("create",) * 2 + ("read",) * 12 + ("update",) * 5 + ("delete",)
REQUESTS = 10_000
FIRST = 20_000_000


def script(target: Target, dataset: Dataset) -> Script:
    """Ten thousand requests in which every twenty hold the shares exactly, shuffled."""
    choose = random.Random(5)  # noqa: S311
    requests: list[Request] = []
    for at in range(0, REQUESTS, len(SHARES)):
        for offset, what in enumerate(choose.sample(SHARES, len(SHARES))):
            number = at + offset
            row = choose.choice(dataset.stored[choose.choice(TYPES)])
            requests.append(_request(target, what, number, row))
    return Script(tuple(requests), counted=TYPES)


def _request(target: Target, what: str, number: int, row: Stored) -> Request:
    if what == "delete":
        raw = raw_request(target, "DELETE", "/" + CREATED.decode())
        return Request(raw, "delete")
    kind: Kind = "create" if what == "create" else "plain"
    return Request(_write_or_read(target, what, number, row), kind)


def _write_or_read(target: Target, what: str, number: int, row: Stored) -> bytes:
    if what == "create":
        body = data.resource(row.type, FIRST + number, row.subject)
        return raw_request(target, "POST", f"/{row.type}", body)
    if what == "read":
        return raw_request(target, "GET", row.path)
    return raw_request(target, "PUT", row.path, _changed(row, number))


def _changed(row: Stored, number: int) -> dict[str, Any]:
    tag = {"system": "http://bench.example/tag", "code": f"update-{number}"}
    return row.body() | {"id": row.id, "meta": {"tag": [tag]}}


def check(api: Api, dataset: Dataset) -> list[str]:
    """One resource of each type is still there under its id."""
    problems: list[str] = []
    for type_ in TYPES:
        row = dataset.stored[type_][0]
        held = api.get(row.path[1:])
        if (held.get("resourceType"), held.get("id")) != (type_, row.id):
            problems.append(f"{row.path} came back as {held.get('resourceType')}/{held.get('id')}")
    return problems
