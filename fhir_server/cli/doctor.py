"""`hestia doctor`: what is wrong with an installation, and how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import httpx
import typer
from rich.table import Table

from fhir_server import settings
from fhir_server.cli.console import FAILED, out, results
from fhir_server.settings import SettingsError
from fhir_server.store.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.settings import Settings
    from fhir_server.store.diagnosis import Finding

LEAST_FREE = 2_000_000_000


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at settings, key, disk, database, schema, consumers and the running server.

    Says for each fault what to do; exit code 1 when there is one.
    """
    findings = list(_examined())
    if as_json:
        out(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("", "what", "found", "what to do")
        for finding in findings:
            mark = "[green]✓[/green]" if finding.well else "[red]✗[/red]"
            table.add_row(mark, finding.name, finding.text, finding.remedy)
        results.print(table)
    if not all(finding.well for finding in findings):
        raise typer.Exit(FAILED)


def _examined() -> Iterator[Finding]:
    from fhir_server.store.diagnosis import Finding, diagnose  # noqa: PLC0415 - Alembic is slow

    try:
        configured = settings.load(os.environ)
    except SettingsError as error:
        yield Finding("settings", str(error), "Correct the variable")
        return
    yield Finding("settings", "can be used")
    yield from _home(configured)
    yield _server(configured)
    url = configured.database_url
    if not url:
        embedded = Embedded(configured.home)
        if not embedded.alive():
            yield Finding("database", "the embedded PostgreSQL is stopped", "Run `hestia serve`")
            return
        url = embedded.url()
    if configured.key or (configured.home / "key").exists():
        ready = settings.load(_with_key(configured))
        yield from diagnose(url, ready.tenants, ready.fingerprint)
    else:
        yield Finding("key", "there is none", "Set HESTIA_KEY, or run `hestia serve` once")


def _home(configured: Settings) -> Iterator[Finding]:
    from fhir_server.store.diagnosis import Finding  # noqa: PLC0415

    home = configured.home
    if not home.is_dir():
        yield Finding("home", f"{home} does not exist", "Run `hestia serve` once")
        return
    writable = os.access(home, os.W_OK | os.X_OK)
    remedy = "" if writable else "Change its owner, or choose another with HESTIA_HOME"
    yield Finding("home", f"{home} is {'' if writable else 'not '}writable", remedy)
    free = shutil.disk_usage(home).free
    remedy = "" if free > LEAST_FREE else "Make room: PostgreSQL stops when the disk is full"
    yield Finding("disk", f"{free / 1e9:.1f} GB free", remedy)
    key = home / "key"
    if key.exists():
        closed = not stat.S_IMODE(key.stat().st_mode) & 0o077
        remedy = "" if closed else f"chmod 600 {key}"
        yield Finding("key file", "is private" if closed else "can be read by others", remedy)


def _server(configured: Settings) -> Finding:
    from fhir_server.store.diagnosis import Finding  # noqa: PLC0415

    url = f"http://localhost:{configured.port}/health/ready"
    try:
        answer = httpx.get(url, timeout=5)
    except httpx.TransportError:
        return Finding("server", f"nothing answers on {url}", "Run `hestia serve`")
    if answer.status_code == 200:
        return Finding("server", "is ready")
    return Finding("server", f"{url} answers {answer.status_code}", "See the log of the server")


def _with_key(configured: Settings) -> dict[str, str]:
    environment = dict(os.environ)
    if not configured.key:
        environment["HESTIA_KEY_FILE"] = str(configured.home / "key")
    return environment
