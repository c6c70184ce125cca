"""Remembers what `hestia load` has sent, so that an interrupted load goes on where it stood."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fhir_server.cli.load_sources import Portion, Source

_Key = tuple[str, str, int, int]


class Journal:
    """One line per portion that the server took whole, appended when it has answered.

    A file that has changed since counts as new. ``url`` keeps servers apart.
    """

    def __init__(self, path: Path, url: str) -> None:
        self._path = path
        self._url = url
        self._done: dict[_Key, set[int]] = {}
        if path.exists():
            self._read()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def knows(self, portion: Portion) -> bool:
        """Whether this portion was taken in an earlier run."""
        return portion.start in self._done.get(self._key(portion.source), ())

    def add(self, portion: Portion) -> None:
        """The server has taken this portion."""
        line = json.dumps([*self._key(portion.source), portion.start])
        self._file.write(line + "\n")
        self._file.flush()

    def _key(self, source: Source) -> _Key:
        return (self._url, str(source.path.resolve()), source.size, source.modified)

    def _read(self) -> None:
        for line in self._path.read_text("utf-8").splitlines():
            try:
                url, path, size, modified, start = json.loads(line)
            except ValueError:
                continue  # the line that was being written when the machine stopped
            self._done.setdefault((url, path, size, modified), set()).add(start)
