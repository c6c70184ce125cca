"""Reads a request body: bounded while it streams, and unpacked.

https://www.rfc-editor.org/rfc/rfc9110#section-8.4
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fhir_server.r4.outcome import FhirError, Issue, malformed

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_GZIP_WINDOW = 31  # a gzip header, and the largest window
_ENCODINGS = {"gzip": _GZIP_WINDOW, "x-gzip": _GZIP_WINDOW, "deflate": 15}


class Gone(Exception):  # noqa: N818 - not an error: nobody waits for the answer
    """The client closed the connection before its request was complete."""


async def read_body(receive: Receive, header: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body, unpacked; 413 as soon as more than ``limit`` bytes come."""
    length = header.get(b"content-length", b"")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body"):
            break
    body = b"".join(parts)
    encoding = header.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    return _unpacked(body, encoding, limit) if encoding and body else body


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding == "identity":
        return body
    window = _ENCODINGS.get(encoding)
    if window is None:
        text = f"Content-Encoding {encoding!r} is not read: use gzip or deflate"
        raise FhirError(415, [Issue("not-supported", text)], {"Accept-Encoding": "gzip, deflate"})
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise malformed(f"The body is not {encoding}") from None
    if len(unpacked) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise malformed(f"The body is not one whole {encoding} stream")
    return unpacked


def _too_large(limit: int) -> FhirError:
    return FhirError(413, [Issue("too-long", f"Bodies of more than {limit} bytes are refused")])
