"""The application over a store: see tests/wiring.py.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from tests.wiring import clock, connect, context, fhir, shared_database, store

__all__ = ["clock", "connect", "context", "fhir", "shared_database", "store"]
