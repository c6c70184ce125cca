"""The one HTTP client with which the server calls others, and only those that are allowed.

An address is allowed by its origin. ``https://api.example.org`` names one, which may then also
lie in a private network; ``https://*.example.org`` and ``https://*`` allow public addresses alone.
A name is looked up once and the connection goes to that very address, so that a second answer of
the name server changes nothing. Redirects are not followed; size and time are limited; plain
http needs an origin that says so.

OutboundError
    OutboundRefusedError     not allowed; nothing was sent
    OutboundFailedError      allowed, but no answer within the limits
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = {"https": 443, "http": 80}


class OutboundError(Exception):
    """A call that brought no answer."""


class OutboundRefusedError(OutboundError):
    """A call that this server may not make."""


class OutboundFailedError(OutboundError):
    """A call that was made, or tried, and brought no usable answer."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port; ``*`` and ``*.domain`` as host stand for public names."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Origin:
        """ValueError where the text is not an origin."""
        url = httpx.URL(text)
        if url.scheme not in PORTS or not url.host or url.path not in {"", "/"} or url.query:
            raise ValueError(f"{text!r} is not an origin such as https://api.example.org")
        if "*" in url.host.removeprefix("*.") and url.host != "*":
            raise ValueError(f"In {text!r} a star may stand for the first part of the name alone")
        if "*" in url.host and url.scheme != "https":
            raise ValueError(
                f"{text!r} would allow unencrypted calls to hosts that it does not name"
            )
        return cls(url.scheme, url.host, url.port or PORTS[url.scheme])

    def covers(self, other: Origin) -> bool:
        """Whether this allows that origin, by name or by pattern."""
        if (self.scheme, self.port) != (other.scheme, other.port):
            return False
        return self.host in {other.host, "*"} or (
            self.host.startswith("*.") and other.host.endswith(self.host[1:])
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """The client; ``async with`` closes it."""

    def __init__(
        self, allow: Iterable[str], *, seconds: float = 10.0, max_bytes: int = 10_000_000
    ) -> None:
        self._allowed = [Origin.parse(text) for text in allow]
        self._seconds = seconds
        self._max_bytes = max_bytes
        # A kept connection was made for one name; another name may have the same address.
        limits = httpx.Limits(max_connections=50, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            limits=limits, timeout=seconds, follow_redirects=False, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """One call; OutboundRefusedError before anything is sent, OutboundFailedError after."""
        target = self._target(url)
        origin = Origin(target.scheme, target.host, target.port or PORTS[target.scheme])
        try:
            async with asyncio.timeout(self._seconds):
                address = await self._address(origin)
                return await self._call(method, target, address, dict(headers or {}), body)
        except TimeoutError:
            raise OutboundFailedError(
                f"{origin.host} did not answer in {self._seconds:g} s"
            ) from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise OutboundFailedError(f"{origin.host} could not be asked: {reason}") from None

    def _target(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise OutboundRefusedError(f"{url!r} is no URL: {error}") from None
        if target.scheme not in PORTS or not target.host:
            raise OutboundRefusedError(f"{url!r} is no http or https URL")
        if target.userinfo:
            raise OutboundRefusedError("A URL with a user name or password in it is not called")
        return target

    async def _address(self, origin: Origin) -> str:
        covering = [allowed for allowed in self._allowed if allowed.covers(origin)]
        if not covering:
            raise OutboundRefusedError(
                f"{origin.scheme}://{origin.host}:{origin.port} is not in HESTIA_OUTBOUND_ALLOW"
            )
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                origin.host, origin.port, type=socket.SOCK_STREAM
            )
        except OSError as error:
            raise OutboundFailedError(f"{origin.host} has no address: {error}") from None
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        for address in addresses:
            if not may_reach(origin, ipaddress.ip_address(address), named=origin in covering):
                raise OutboundRefusedError(
                    f"{origin.host} has the address {address}, which is not a public one"
                )
        return addresses[0]

    async def _call(
        self, method: str, target: httpx.URL, address: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        host = target.netloc.decode("ascii")
        request = self._client.build_request(
            method,
            target.copy_with(host=address),
            # What was compressed could unfold to any size.
            headers={**headers, "Host": host, "Accept-Encoding": "identity"},
            content=body or None,
            extensions={"sni_hostname": target.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            return Reply(
                response.status_code, dict(response.headers), await self._body(response, host)
            )
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response, host: str) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise OutboundFailedError(f"{host} sent an encoding that was not asked for")
        received = bytearray()
        async for piece in response.aiter_raw():
            received += piece
            if len(received) > self._max_bytes:
                raise OutboundFailedError(f"{host} sent more than {self._max_bytes} bytes")
        return bytes(received)


def may_reach(origin: Origin, address: Ip, *, named: bool) -> bool:
    """Public addresses; inner ones for a named origin; those of the own link by number alone."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_multicast or address.is_unspecified:
        return False
    if address.is_link_local:
        return named and origin.host == str(address)
    return named or address.is_global
