from __future__ import annotations

import asyncio
import ipaddress
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from fhir_server.outbound import (
    Origin,
    Outbound,
    OutboundFailedError,
    OutboundRefusedError,
    may_reach,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Server:
    """Answers every request on a loopback port with the same bytes."""

    def __init__(self, answer: bytes, pause: float = 0.0) -> None:
        self.answer = answer
        self.pause = pause
        self.requests: list[bytes] = []
        self.port = 0
        self.handling: list[asyncio.Future[object]] = []

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Server]:
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            await asyncio.gather(*self.handling)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.handling.append(done)
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        await asyncio.sleep(self.pause)
        writer.write(self.answer)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        done.set_result(None)


def answering(body: bytes, status: str = "200 OK", header: str = "") -> Server:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header}\r\n"
    return Server(head.encode() + body)


async def test_an_allowed_origin_is_called_by_its_own_name() -> None:
    async with answering(b"hello").running() as server:
        origin = f"http://localhost:{server.port}"
        async with Outbound([origin]) as client:
            reply = await client.request("GET", f"{origin}/x?y=1", headers={"X-Test": "a"})
        assert (reply.status, reply.body) == (200, b"hello")
        assert server.requests[0].startswith(b"GET /x?y=1 HTTP/1.1\r\n")
        assert f"Host: localhost:{server.port}\r\n".encode() in server.requests[0]
        assert b"X-Test: a\r\n" in server.requests[0]


async def test_an_origin_that_is_not_allowed_is_not_called() -> None:
    async with answering(b"hello").running() as server:
        async with Outbound([f"http://localhost:{server.port + 1}", "https://*"]) as client:
            with pytest.raises(OutboundRefusedError, match="HESTIA_OUTBOUND_ALLOW"):
                await client.request("GET", f"http://localhost:{server.port}/")
        assert server.requests == []


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"]
)
async def test_a_pattern_allows_no_inner_address(host: str) -> None:
    async with Outbound(["https://*"]) as client:
        with pytest.raises(OutboundRefusedError, match="not a public one"):
            await client.request("GET", f"https://{host}/")


@pytest.mark.parametrize(
    ("origin", "address", "named", "reached"),
    [
        ("https://a.example.org", "93.184.216.34", False, True),
        ("https://a.example.org", "10.0.0.1", True, True),
        ("https://a.example.org", "fd00::1", False, False),
        # The metadata service of a cloud, even if an allowed name points there.
        ("https://a.example.org", "169.254.169.254", True, False),
        ("https://a.example.org", "::ffff:169.254.169.254", True, False),
        ("http://169.254.169.254", "169.254.169.254", True, True),
        ("https://a.example.org", "::", True, False),
        ("https://a.example.org", "224.0.0.1", True, False),
    ],
)
def test_which_addresses_a_name_may_have(
    origin: str, address: str, named: bool, reached: bool
) -> None:
    found = may_reach(Origin.parse(origin), ipaddress.ip_address(address), named=named)
    assert found is reached


async def test_a_redirect_is_the_answer_and_not_followed() -> None:
    moved = answering(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n")
    async with moved.running() as server:
        origin = f"http://127.0.0.1:{server.port}"
        async with Outbound([origin]) as client:
            reply = await client.request("GET", origin)
        assert (reply.status, reply.headers["location"]) == (302, "http://127.0.0.1:1/")


async def test_an_answer_that_is_too_large_is_cut_off() -> None:
    async with answering(b"x" * 2000).running() as server:
        origin = f"http://127.0.0.1:{server.port}"
        async with Outbound([origin], max_bytes=1000) as client:
            with pytest.raises(OutboundFailedError, match="more than 1000 bytes"):
                await client.request("GET", origin)


async def test_an_answer_that_takes_too_long_is_given_up() -> None:
    server = answering(b"late")
    server.pause = 0.5
    async with server.running():
        origin = f"http://127.0.0.1:{server.port}"
        async with Outbound([origin], seconds=0.1) as client:
            with pytest.raises(OutboundFailedError, match=r"0\.1 s"):
                await client.request("GET", origin)


async def test_a_compressed_answer_is_refused() -> None:
    async with answering(b"..", header="Content-Encoding: gzip\r\n").running() as server:
        origin = f"http://127.0.0.1:{server.port}"
        async with Outbound([origin]) as client:
            with pytest.raises(OutboundFailedError, match="encoding"):
                await client.request("GET", origin)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "x", "http://a:b@c/"])
async def test_only_plain_http_urls_are_called(url: str) -> None:
    async with Outbound(["https://*"]) as client:
        with pytest.raises(OutboundRefusedError):
            await client.request("GET", url)


@pytest.mark.parametrize(
    ("allowed", "asked", "covered"),
    [
        ("https://a.example.org", "https://a.example.org:443", True),
        ("https://a.example.org", "http://a.example.org", False),
        ("https://a.example.org", "https://a.example.org:8443", False),
        ("https://*.example.org", "https://a.example.org", True),
        ("https://*.example.org", "https://badexample.org", False),
        ("https://*", "https://a.example.org", True),
    ],
)
def test_origins_are_compared_whole(allowed: str, asked: str, covered: bool) -> None:
    assert Origin.parse(allowed).covers(Origin.parse(asked)) is covered


@pytest.mark.parametrize("text", ["http://*", "https://a.*", "ftp://a", "https://a/path", "a"])
def test_what_is_no_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match=r"origin|star|unencrypted"):
        Outbound([text])
