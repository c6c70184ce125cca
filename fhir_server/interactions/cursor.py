"""Where a page of history ends, opaque to the client and of use to nobody else.

https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from os import urandom
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fhir_server.r4.outcome import FhirError, invalid

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine

_NONCE = 12


def sealed(engine: Engine, context: Context, place: str, position: int) -> str:
    """A cursor bound to tenant, grant and ``place``, the address and parameters it continues."""
    nonce = urandom(_NONCE)
    text = AESGCM(engine.catalog.pages.key).encrypt(nonce, b"%d" % position, _bound(context, place))
    return urlsafe_b64encode(nonce + text).decode("ascii").rstrip("=")


def opened(engine: Engine, context: Context, place: str, cursor: str) -> int:
    """The position in a cursor; 400 for one that was not made for this caller and place."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        text = AESGCM(engine.catalog.pages.key).decrypt(
            raw[:_NONCE], raw[_NONCE:], _bound(context, place)
        )
    except (binascii.Error, ValueError, InvalidTag):
        raise _foreign() from None
    return int(text)


def _bound(context: Context, place: str) -> bytes:
    return f"{context.tenant}\n{context.grant!r}\n{place}".encode()


def _foreign() -> FhirError:
    return invalid("", "The page link is not one that this server gave for this request")
