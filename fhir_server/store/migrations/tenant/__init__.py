"""Migrations of a tenant's schema."""
