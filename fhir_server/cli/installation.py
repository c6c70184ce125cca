"""Where an installation keeps its database and its key, and how they come into being."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from fhir_server import settings
from fhir_server.cli.console import console, fail
from fhir_server.store.embedded import Embedded, EmbeddedError
from fhir_server.store.key_check import ForeignKeyError, check_key

if TYPE_CHECKING:
    from fhir_server.settings import Settings


def database_of(configured: Settings) -> Embedded | None:
    """The embedded PostgreSQL, None where an external one is configured."""
    return None if configured.database_url else Embedded(configured.home)


def prepare(configured: Settings, database: Embedded | None) -> dict[str, str]:
    """Database running, schema current, key there: the environment for the other processes."""
    environment = connected(configured, database)
    # Alembic takes most of a second to import, and only this needs it.
    from fhir_server.store.migrate import MigrationError, migrate  # noqa: PLC0415

    ready = settings.load(environment)
    try:
        migrate(ready.database_url, ready.tenants)
        check_key(ready.database_url, ready.fingerprint)
    except (MigrationError, ForeignKeyError) as error:
        fail(str(error))
    return environment


def connected(configured: Settings, database: Embedded | None) -> dict[str, str]:
    """The environment with the addresses of the database and the key in it."""
    environment = dict(os.environ) | {"HESTIA_HOME": str(configured.home.absolute())}
    if database is not None:
        try:
            environment["HESTIA_DATABASE_URL"] = database.start()
        except EmbeddedError as error:
            fail(str(error))
        if not configured.key:
            environment["HESTIA_KEY_FILE"] = str(_key_file(configured))
    elif not configured.key:
        fail(
            "HESTIA_DATABASE_URL is set and HESTIA_KEY is not: every process needs the same key. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return environment


def _key_file(configured: Settings) -> os.PathLike[str]:
    path = (configured.home / "key").absolute()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path


def migrate_command() -> None:
    """Create or upgrade the database schema; safe while many processes start.

    `hestia serve` does it by itself; containers run this once before their workers.
    """
    configured = settings.load(os.environ)
    prepare(configured, database_of(configured))
    console.print("The schema is up to date.")
