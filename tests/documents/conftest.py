"""The application over a store: see tests/wiring.py."""

from __future__ import annotations

from tests.wiring import clock, connect, fhir, shared_database, store

__all__ = ["clock", "connect", "fhir", "shared_database", "store"]
