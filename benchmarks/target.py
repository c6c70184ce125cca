"""The FHIR server under load: its address, and the rule that load stays on this machine."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


class TargetError(Exception):
    """The target cannot or must not be put under load."""


@dataclass(frozen=True, slots=True)
class Target:
    """A FHIR base URL taken apart, and the headers sent with every request."""

    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> str:
        """Scheme, host and port, as in http://127.0.0.1:8080."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def base(self) -> str:
        """The FHIR base URL without a slash at its end."""
        return self.origin + self.path


def parse_target(url: str, headers: tuple[tuple[str, str], ...] = ()) -> Target:
    """Take a FHIR base URL apart; TargetError when it is not plain http or https."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise TargetError(f"{url} is not an http or https URL")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Target(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), headers)


def is_loopback(host: str) -> bool:
    """Whether every address of the host is a loopback address."""
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except OSError as error:
        raise TargetError(f"{host} does not resolve: {error}") from error
    return all(ipaddress.ip_address(row[4][0]).is_loopback for row in found)


def require_permission(target: Target, *, owned: bool) -> None:
    """Refuse load on another machine unless the caller says that the server is theirs."""
    if not owned and not is_loopback(target.host):
        raise TargetError(
            f"{target.host} is not this machine; add --i-own-this-server if it is yours to load"
        )
