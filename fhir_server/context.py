"""On whose behalf, when, and where something is done: an argument of every store call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from smart_auth.grant import Grant


@dataclass(frozen=True, slots=True)
class Context:
    """No field has a default: nothing is done on behalf of nobody.

    ``tenant`` matches ``[a-z][a-z0-9-]{0,30}``; ``now`` is the aware UTC instant of the request
    (milliseconds); ``agent`` names the client or user for audit; ``request_id`` is a UUIDv7.
    """

    tenant: str
    grant: Grant
    now: datetime
    agent: str
    request_id: str
