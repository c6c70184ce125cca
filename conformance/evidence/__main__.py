"""Runs the suites on real input against a server of our own, and ends with their totals."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.evidence import hospital
from conformance.evidence.report import Report, console
from conformance.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Callable

SUITES: dict[str, Callable[[Installation, Path, Report], None]] = {"synthea": hospital.run}


def main() -> int:
    """0 when every check of every suite passed."""
    parser = argparse.ArgumentParser(prog="python -m conformance.evidence", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the real input")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.suites if name not in SUITES]
    if unknown:
        parser.error(f"there is no suite {', '.join(unknown)}")
    if not chosen.data.is_dir():
        parser.error(f"{chosen.data} is not a folder")
    results = [_run(name, chosen.data) for name in chosen.suites or SUITES]
    return 0 if all(results) else 1


def _run(name: str, data: Path) -> bool:
    console.rule(name)
    report, began = Report(name), time.monotonic()
    with Installation() as server:
        SUITES[name](server, data, report)
    report.say(f"{time.monotonic() - began:.1f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
