"""Page tokens: a place in the results of one search, sealed, for one grant of one tenant.

https://hl7.org/fhir/R4/http.html#paging

The server keeps nothing about a search: the token holds the parameters too, so that what a client
posted does not appear in the links it gets back.
"""

from __future__ import annotations

import os
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fhir_server.r4.outcome import FhirError, invalid
from fhir_server.search.order import Position

if TYPE_CHECKING:
    from fhir_server.context import Context

NAME = "_page"
_NONCE = 12
_LONG = 500
_SMALLER = b"z"


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What a page link says; ``now`` is when the search began, for dates relative to it."""

    parameters: tuple[tuple[str, str], ...]
    now: datetime
    backward: bool
    keys: tuple[str | None, ...]
    rid: int

    @property
    def position(self) -> Position:
        """The row next to which the page lies."""
        return Position(self.keys, self.rid)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Token)


def seal(token: Token, context: Context, type: str, key: bytes) -> str:
    """The token as it stands in a link."""
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, _packed(token), _bound_to(context, type))
    return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def unseal(text: str, context: Context, type: str, key: bytes) -> Token:
    """What a token says; 400 unless this server made it for this grant, tenant and type."""
    try:
        sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound_to(context, type))
        return _decoder.decode(zlib.decompress(plain[1:]) if plain[:1] == _SMALLER else plain[1:])
    except (InvalidTag, Base64Error, ValueError, msgspec.MsgspecError):
        raise _foreign() from None


def _packed(token: Token) -> bytes:
    """A long search still has to fit into an address."""
    plain = _encoder.encode(token)
    return b"." + plain if len(plain) < _LONG else _SMALLER + zlib.compress(plain)


def _bound_to(context: Context, type: str) -> bytes:
    return "\0".join((context.tenant, repr(context.grant), type)).encode()


def _foreign() -> FhirError:
    return invalid(
        f"http.{NAME}", "The page link is not one that this server gave for this search and user"
    )
