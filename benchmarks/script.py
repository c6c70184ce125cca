"""The requests of a workload, built as raw HTTP/1.1 bytes before the clock starts.

Both clients read the same file of records, each `<length> <kind>` on a line and then the bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from benchmarks.target import Target

Kind = Literal["plain", "create", "delete"]
CREATED = b"{created}"  # stands for `Type/id` of a resource that this run created


@dataclass(frozen=True, slots=True)
class Request:
    """One request; a `create` remembers its Location, a `delete` takes the oldest one."""

    raw: bytes
    kind: Kind = "plain"


@dataclass(frozen=True, slots=True)
class Script:
    """What one workload sends in a cycle, and what its answers must come to.

    `expect` must occur in each answer; `units` is what one request counts for in the rate;
    `added` is how many resources of the types in `counted` one plain request adds.
    """

    requests: tuple[Request, ...]
    units: int = 1
    expect: str = ""
    counted: tuple[str, ...] = ()
    added: int = 0


@dataclass(slots=True)
class Queue:
    """Walks a script and fills in deletes; the Python twin of cycle.lua."""

    requests: tuple[Request, ...]
    position: int = 0
    created: list[str] = field(default_factory=list[str])
    taken: int = 0

    def next(self) -> Request:
        """The next request; a delete that has nothing to delete yet is passed over."""
        while True:
            request = self.requests[self.position % len(self.requests)]
            self.position += 1
            if request.kind != "delete":
                return request
            if self.taken < len(self.created):
                name = self.created[self.taken].encode()
                self.taken += 1
                return Request(request.raw.replace(CREATED, name), "delete")


def raw_request(
    target: Target,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Bytes of one request below the FHIR base; `path` starts with a slash."""
    content = b"" if body is None else encode(body)
    lines = [f"{method} {target.path + path or '/'} HTTP/1.1", f"Host: {target.host}:{target.port}"]
    lines += [f"{name}: {value}" for name, value in (*target.headers, *headers)]
    lines.append("Accept: application/fhir+json")
    if body is not None:
        lines += ["Content-Type: application/fhir+json", f"Content-Length: {len(content)}"]
    return "\r\n".join((*lines, "", "")).encode() + content


def encode(body: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def write_script(path: Path, requests: Iterable[Request]) -> None:
    """Write the records that both clients read."""
    with path.open("wb") as file:
        for request in requests:
            file.write(f"{len(request.raw)} {request.kind}\n".encode())
            file.write(request.raw)


def read_script(path: Path) -> tuple[Request, ...]:
    """Read what write_script wrote."""
    requests: list[Request] = []
    with path.open("rb") as file:
        while line := file.readline():
            length, kind = line.split()
            requests.append(Request(file.read(int(length)), _kind(kind.decode())))
    return tuple(requests)


def _kind(text: str) -> Kind:
    if text in ("plain", "create", "delete"):
        return text
    raise ValueError(f"unknown kind of request: {text}")
