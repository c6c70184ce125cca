"""Alembic migrations: of the installation, and of each tenant's schema."""
