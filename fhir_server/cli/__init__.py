"""The hestia command."""
