"""The processes of one installation, found in /proc and in its folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path

PROC = Path("/proc")


def api_workers(supervisor: int) -> list[int]:
    """The API workers below ``hestia serve``."""
    return [pid for pid in _children(supervisor) if b"\0api\0" in _command_line(pid) + b"\0"]


def background_workers(supervisor: int) -> list[int]:
    """The other processes below ``hestia serve``."""
    return [pid for pid in _children(supervisor) if pid not in api_workers(supervisor)]


def postmaster(home: Path) -> int | None:
    """The first process of the embedded PostgreSQL, None where none runs."""
    for file in home.rglob("postmaster.pid"):
        pid = int(file.read_text().split("\n", 1)[0])
        if (PROC / str(pid)).exists():
            return pid
    return None


def backends(home: Path) -> list[int]:
    """The server processes of the embedded PostgreSQL, one per connection and its helpers."""
    first = postmaster(home)
    return _children(first) if first is not None else []


def kill(pid: int) -> bool:
    """SIGKILL; False where the process had ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _children(parent: int) -> list[int]:
    return sorted(
        int(entry.name)
        for entry in PROC.iterdir()
        if entry.name.isdecimal() and _parent(entry) == parent
    )


def _parent(entry: Path) -> int:
    try:
        text = (entry / "stat").read_text()
    except OSError:
        return 0
    # The name in parentheses may hold anything, so what follows the last one counts.
    return int(text.rpartition(")")[2].split()[1])


def _command_line(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
