"""One HTTP/1.1 answer out of a buffer. https://www.rfc-editor.org/rfc/rfc9112#section-6."""

from __future__ import annotations

import pytest

from benchmarks.wire import WireError, read_answer

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: W/1\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nfhi\r\n4;name=x\r\n\r\n\r\n\r\n2\r\nr4\r\n0\r\n\r\n"
)


def test_body_of_known_length() -> None:
    answer = read_answer(PLAIN)
    assert answer is not None
    assert (answer.status, answer.body, answer.keep_alive) == (200, b"hello", True)


def test_chunks_are_joined_whatever_they_hold() -> None:
    answer = read_answer(CHUNKED)
    assert answer is not None
    assert answer.body == b"fhi\r\n\r\nr4"


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED], ids=["length", "chunked"])
def test_every_incomplete_answer_is_waited_for(whole: bytes) -> None:
    assert [read_answer(whole[:size]) for size in range(len(whole))] == [None] * len(whole)


def test_204_has_no_body() -> None:
    answer = read_answer(b"HTTP/1.1 204 No Content\r\nETag: W/2\r\n\r\n")
    assert answer is not None
    assert answer.body == b""


def test_connection_close_is_seen() -> None:
    answer = read_answer(b"HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n")
    assert answer is not None
    assert not answer.keep_alive


@pytest.mark.parametrize(
    "buffer", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\n"], ids=["ssh", "no length"]
)
def test_what_cannot_be_read_is_refused(buffer: bytes) -> None:
    with pytest.raises(WireError):
        read_answer(buffer)
