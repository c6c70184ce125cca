"""One PostgreSQL for the whole test run, and a database of its own for each test.

The first test that needs it starts the cluster and makes a template with two tenants; each test
clones the template. A small process that waits for this one to end stops the cluster and removes
its folder, however the run ends.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from fhir_server.store.embedded import Embedded
from fhir_server.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Generator

TENANTS = ("default", "second")
HEAVY = ("Encounter", "Observation", "Patient")
FOLDER = "HESTIA_TEST_CLUSTER"  # of the run; workers of xdist inherit it
TEMPLATE = "hestia_template"
MEMORY = "/dev/shm"  # noqa: S108 - mkdtemp makes a folder of its own

# A test run loses nothing that it would miss.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "min_wal_size": "80MB",
    "autovacuum": "off",
    "logging_collector": "off",
}

_WATCH = """
import shutil, sys
from pathlib import Path
from fhir_server.store.embedded import Embedded
sys.stdin.read()
Embedded(Path(sys.argv[1])).stop("immediate")
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


_watching: list[subprocess.Popen[bytes]] = []


def prepare_folder() -> None:
    """Called once per run, by the process that all others descend from."""
    if FOLDER in os.environ:
        return
    # In memory where there is room: cloning a database writes hundreds of small files.
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="hestia-test-", dir=memory)
    os.environ[FOLDER] = folder
    _watching.append(
        subprocess.Popen(
            [sys.executable, "-c", _WATCH, folder],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        )
    )


def cluster() -> Embedded:
    """The running cluster, with its template."""
    embedded = Embedded(Path(os.environ[FOLDER]), FAST)
    with (embedded.home / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = embedded.home / "template.made"
        if not made.exists():
            embedded.start()
            with _administration(embedded) as connection:
                connection.execute(named("CREATE DATABASE {}", TEMPLATE))
            migrate(embedded.url(TEMPLATE), TENANTS, HEAVY)
            made.touch()
    return embedded


@contextmanager
def clone(embedded: Embedded, name: str) -> Generator[str]:
    """The URL of a database made from the template, dropped at the end."""
    with _administration(embedded) as connection:
        connection.execute(
            named("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, TEMPLATE)
        )
    try:
        yield embedded.url(name)
    finally:
        with _administration(embedded) as connection:
            connection.execute(named("DROP DATABASE {} WITH (FORCE)", name))


def named(text: LiteralString, *names: str) -> sql.Composed:
    """A statement about databases, their names quoted."""
    return sql.SQL(text).format(*map(sql.Identifier, names))


def _administration(embedded: Embedded) -> psycopg.Connection:
    return psycopg.connect(embedded.url("postgres"), autocommit=True)
