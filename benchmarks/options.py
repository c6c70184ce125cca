"""The options of `python -m benchmarks`."""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Options:
    """What to run, on what, how long (seconds) and how often."""

    url: str | None
    headers: tuple[tuple[str, str], ...]
    owned: bool
    server: tuple[str, ...] | None
    settings: tuple[tuple[str, str], ...]
    workers: int
    patients: int
    seconds: int
    repeat: int
    warm: int
    only: tuple[str, ...]
    client: Literal["auto", "wrk", "own"]
    limits: bool
    compare: Path | None
    output: Path


def parse_options(arguments: list[str] | None = None) -> Options:
    """Options from a command line; ends the program where they make no sense."""
    found = _parser().parse_args(arguments)
    quick: bool = found.quick
    return Options(
        url=found.url,
        headers=tuple(_header(text) for text in found.header),
        owned=found.owned,
        server=tuple(shlex.split(found.server)) if found.server else None,
        settings=tuple(_setting(text) for text in found.set),
        workers=found.workers,
        patients=20 if quick else found.patients,
        seconds=1 if quick else found.seconds,
        repeat=1 if quick else found.repeat,
        warm=1,
        only=tuple(found.only.split(",")) if found.only else (),
        client=found.client,
        limits=not found.no_limits,
        compare=found.compare,
        output=found.output,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks.")
    add = parser.add_argument
    add("--url", help="FHIR base URL of a running server; without it ours is started")
    add("--header", action="append", default=[], help="sent with every request: 'Name: value'")
    add("--i-own-this-server", dest="owned", action="store_true", help="allow another machine")
    add("--server", help="command to start instead of ours; it listens on $HESTIA_PORT")
    add("--set", action="append", default=[], help="a setting of our server: HESTIA_NAME=value")
    cores = os.cpu_count() or 2
    add("--workers", type=_positive, default=max(cores // 2, 1), help="API workers (%(default)s)")
    add("--patients", type=_positive, default=200, help="seeded, 56 resources each (%(default)s)")
    add("--seconds", type=_positive, default=3, help="of each repetition (%(default)s)")
    add("--repeat", type=_positive, default=3, help="repetitions; medians are shown (%(default)s)")
    add("--quick", action="store_true", help="20 patients, one repetition of 1 s")
    add("--only", help="workloads by name, with commas between")
    add("--client", choices=("auto", "wrk", "own"), default="auto", help="load client")
    add("--no-limits", action="store_true", help="leave hello, pgbench and COPY out")
    add("--compare", type=Path, help="an earlier run's JSON: print the ratios to it")
    add("--output", type=Path, default=ROOT / "build" / "bench", help="folder of the JSON")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator or "\r" in text or "\n" in text:
        raise SystemExit(f"--header wants 'Name: value', not {text!r}")
    return name.strip(), value.strip()


def _setting(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise SystemExit(f"--set wants HESTIA_NAME=value, not {text!r}")
    return name, value
