"""Keyed hashes: what the search index stores instead of codes, identifiers and references.

Without the installation's key an index row tells nothing, and nobody can make values collide.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING

from fhir_server.store.rows import NOBODY, SEVERAL

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNED_64 = Struct("<q")


class Hasher:
    """Signed 64-bit keyed hashes of (type, parameter, form, value…); recent ones are kept."""

    __slots__ = ("hash",)

    hash: Callable[..., int]
    """``hash(*parts: str) -> int``"""

    def __init__(self, key: bytes, *, kept: int = 1 << 14) -> None:
        keyed = blake2b(key=key, digest_size=8)

        def hashed(*parts: str) -> int:
            state = keyed.copy()
            # U+0000 occurs in no value: decoding refuses it.
            state.update("\0".join(parts).encode("utf-8", "surrogatepass"))
            value: int = _SIGNED_64.unpack(state.digest())[0]
            return value

        self.hash = lru_cache(maxsize=kept)(hashed)

    def patient(self, id: str) -> int:
        """The hash of a Patient, as it stands in ``pat`` and ``pats``."""
        value = self.hash("Patient", "", "", id)
        # Two values of the column are taken.
        return value if value not in {NOBODY, SEVERAL} else 1


class Key:
    """One parameter of one type, as far as its hashes go.

    ``code`` names the slot that holds the rows: usually the parameter's own code.
    """

    __slots__ = ("_hash", "code", "type")

    def __init__(self, hasher: Hasher, type: str, code: str) -> None:
        self.type = type
        self.code = code
        self._hash = hasher.hash

    def hash(self, form: str, *values: str) -> int:
        """The hash of a value in one of the forms that the parameter's type distinguishes."""
        return self._hash(self.type, self.code, form, *values)
