"""Makes sure that a database is only used with the key its index rows were made with."""

from __future__ import annotations

import psycopg

NAME = "installation"


class ForeignKeyError(Exception):
    """The key is not the one that this database was written with."""


def check_key(url: str, fingerprint: str) -> None:
    """Remember the fingerprint at first use; raises ForeignKeyError where it is another one."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO hestia.key_fingerprint (name, fingerprint) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            (NAME, fingerprint),
        )
        known = connection.execute(
            "SELECT fingerprint FROM hestia.key_fingerprint WHERE name = %s", (NAME,)
        ).fetchone()
    if known is None or known[0] != fingerprint:
        raise ForeignKeyError(
            "This database was written with another key, and searches would miss its rows: give "
            "HESTIA_KEY the value it had (with the embedded database it is in HESTIA_HOME/key)"
        )
