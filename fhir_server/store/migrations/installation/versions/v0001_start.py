"""The tenants of this installation and the fingerprint of its key."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Tables of schema hestia."""
    op.execute(
        "CREATE TABLE hestia.tenant ("
        " name text PRIMARY KEY, heavy text[] NOT NULL, created timestamptz NOT NULL DEFAULT now())"
    )
    op.execute(
        "CREATE TABLE hestia.key_fingerprint ("
        " name text PRIMARY KEY, fingerprint text NOT NULL,"
        " created timestamptz NOT NULL DEFAULT now())"
    )
