"""New ids: UUID version 7, so that they sort by time.

https://www.rfc-editor.org/rfc/rfc9562#section-5.7
"""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def uuid7(now: datetime) -> str:
    """A UUID of 48 bits of milliseconds and 74 bits of chance."""
    chance = int.from_bytes(urandom(10), "big")
    number = (
        int(now.timestamp() * 1000) << 80
        | 0x7 << 76
        | (chance >> 68 & 0xFFF) << 64
        | 0x2 << 62
        | chance & 0x3FFFFFFFFFFFFFFF
    )
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
