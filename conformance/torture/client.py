"""A small HTTP client that knows exactly whether it was answered.

https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS = 60.0
LINE_LIMIT = 1 << 20


class UnansweredError(Exception):
    """The connection failed before the whole answer was there: nobody knows what was done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body; None where it is empty."""
        return json.loads(self.body) if self.body else None

    @property
    def vid(self) -> int:
        """The version in ETag; 0 without one."""
        tag = self.headers.get("etag", "").removeprefix("W/").strip('"')
        return int(tag) if tag.isdecimal() else 0


class Client:
    """One connection at a time to one FHIR base; opened again after a failure."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "localhost", parts.port or 80
        self._path = parts.path.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, resource: object = None, **headers: str) -> Answer:
        """The answer to one request; header names are written with underscores."""
        body = b"" if resource is None else json.dumps(resource).encode()
        kind = headers.pop("content_type", "application/fhir+json")
        lines = [
            f"{method} {self._target(path)} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            "Accept: application/fhir+json",
            f"Content-Length: {len(body)}",
            *([f"Content-Type: {kind}"] if body else []),
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._exchange(head + body)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            await self.close()
            raise UnansweredError(f"{method} {path}: {error!r}") from error

    async def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.transport.abort()

    def _target(self, path: str) -> str:
        if path.startswith("http"):
            return path.removeprefix(self._origin)
        return f"{self._path}/{path}".rstrip("/") or "/"

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=LINE_LIMIT)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await _body(reader, headers) if status not in {204, 304} else b""
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return Answer(status, headers, body)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding", "").lower() != "chunked":
        raise ValueError("an answer of unknown length")
    parts: list[bytes] = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)
