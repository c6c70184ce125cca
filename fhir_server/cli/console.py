"""How commands speak: results on standard output, all else on standard error.

Exit codes: 0 done, 1 failed, 2 usage, 3 partly done.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console

FAILED = 1
PARTLY = 3

console = Console(stderr=True)
"""For progress and errors."""
results = Console()
"""For what was asked for."""


def out(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text + "\n")


def fail(text: str) -> NoReturn:
    """Say what went wrong and what to do next, and end with exit code 1."""
    console.print(text, style="red", markup=False, highlight=False)
    raise typer.Exit(FAILED)
