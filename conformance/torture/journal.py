"""The clients' own record of what was acknowledged, on disk before it counts."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One version that the server said it has; ``together`` names its transaction."""

    type: str
    id: str
    vid: int
    token: str
    together: str = ""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A transaction that got no answer: all of its ids were written, or none."""

    token: str
    ids: tuple[str, ...]


class Journal:
    """Appended and fsynced per line; independent of the server and of its database."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self.acknowledged: list[Acknowledged] = []
        self.unanswered: list[Unanswered] = []

    def acknowledge(self, written: list[Acknowledged]) -> None:
        """Note versions of one answer."""
        self._append([{"acknowledged": asdict(each)} for each in written])
        self.acknowledged += written

    def leave_open(self, transaction: Unanswered) -> None:
        """Note a transaction whose outcome is not known."""
        self._append([{"unanswered": asdict(transaction)}])
        self.unanswered.append(transaction)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, lines: list[dict[str, object]]) -> None:
        self._file.write("".join(json.dumps(line) + "\n" for line in lines))
        self._file.flush()
        os.fsync(self._file.fileno())
