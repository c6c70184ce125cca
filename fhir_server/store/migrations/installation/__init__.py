"""Migrations of what all tenants share."""
