"""What the clients of a run did, as they saw it: the evidence that the server is held against."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Write:
    """One acknowledged version; ``began`` and ``ended`` are seconds of one monotonic clock."""

    type: str
    id: str
    vid: int
    token: str
    began: float
    ended: float

    @property
    def key(self) -> Key:
        """Type and id."""
        return self.type, self.id


@dataclass(slots=True)
class Records:
    """Everything that was acknowledged, refused or went wrong.

    ``increments``   acknowledged increments by counter id
    ``together``     tokens by transaction; ``refused`` tokens that must be nowhere
    ``made``         ids that conditional creates were given, by identifier, with their status
    ``surprises``    answers that no client should ever see
    """

    writes: list[Write] = field(default_factory=list[Write])
    increments: dict[str, int] = field(default_factory=dict[str, int])
    together: dict[str, list[Key]] = field(default_factory=dict[str, list[Key]])
    refused: set[str] = field(default_factory=set[str])
    made: dict[str, list[tuple[int, str]]] = field(default_factory=dict[str, list[tuple[int, str]]])
    surprises: list[str] = field(default_factory=list[str])
    requests: int = 0

    def wrote(self, key: Key, vid: int, token: str, began: float) -> None:
        """Note an acknowledged version."""
        self.writes.append(Write(*key, vid, token, began, time.monotonic()))
