"""Validation of resources against the compiled definitions."""
