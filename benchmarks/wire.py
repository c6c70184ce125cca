"""Reads one HTTP/1.1 answer from a buffer.

https://www.rfc-editor.org/rfc/rfc9112#section-6
"""

from __future__ import annotations

from dataclasses import dataclass

BODILESS = frozenset({204, 304})


class WireError(Exception):
    """The server sent what is not an HTTP/1.1 answer with a known length."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer; `head` is in lower case and ends with a line break."""

    status: int
    head: bytes
    body: bytes
    keep_alive: bool


def read_answer(buffer: bytes) -> Answer | None:
    """The answer at the start of the buffer, or None while it is incomplete."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    status = _status(buffer)
    head = buffer[: end + 2].lower()
    keep_alive = b"\r\nconnection: close" not in head
    if status in BODILESS:
        return Answer(status, head, b"", keep_alive)
    length = header(head, b"content-length")
    if length is not None:
        stop = end + 4 + int(length)
        body = buffer[end + 4 : stop] if len(buffer) >= stop else None
    elif header(head, b"transfer-encoding") == b"chunked":
        body = _chunked(buffer, end + 4)
    else:
        raise WireError("an answer without Content-Length or chunks")
    return None if body is None else Answer(status, head, body, keep_alive)


def header(head: bytes, name: bytes) -> bytes | None:
    """A header's value, in lower case like the head itself."""
    at = head.find(b"\r\n" + name + b":")
    if at < 0:
        return None
    at += len(name) + 3
    return head[at : head.index(b"\r\n", at)].strip()


def _status(buffer: bytes) -> int:
    if not buffer.startswith(b"HTTP/1.1 ") or not buffer[9:12].isdigit():
        raise WireError(f"not an HTTP/1.1 answer: {buffer[:40]!r}")
    return int(buffer[9:12])


def _chunked(buffer: bytes, at: int) -> bytes | None:
    if not buffer.endswith(b"\r\n\r\n"):  # a cheap no before the chunks are walked
        return None
    parts: list[bytes] = []
    while True:
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(buffer[at:line_end].split(b";")[0], 16)
        start = line_end + 2
        if size == 0:
            return b"".join(parts) if buffer.find(b"\r\n", start) >= 0 else None
        if len(buffer) < start + size + 2:
            return None
        parts.append(buffer[start : start + size])
        at = start + size + 2
