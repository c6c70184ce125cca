"""What the caller's grant lets through: on the way in by predicate, on the way out by result.

https://hl7.org/fhir/R4/security.html#AccessDenied
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.body import BINARY
from fhir_server.r4.outcome import forbidden
from fhir_server.search.grant import EVERY_ROW, NO_ROW, patient_of, predicate

if TYPE_CHECKING:
    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.store.rows import IndexRows, Predicate

# A Binary is in no compartment of its own: it lies where its security context lies.
_STANDS_FOR = {BINARY: "Patient"}


def reach(engine: Engine, context: Context, type: str) -> Predicate | None:
    """The rows of a type that the grant lets through, None where there can be none."""
    found = predicate(context.grant, _STANDS_FOR.get(type, type), engine.catalog.hasher)
    return None if found is NO_ROW else found


def visible(engine: Engine, context: Context, type: str) -> Predicate:
    """The rows of a type that the grant lets through; 403 where there can be none."""
    found = reach(engine, context, type)
    if found is None:
        raise forbidden(f"The grant does not reach resources of type {type}")
    return found


def listable(engine: Engine, context: Context, type: str) -> None:
    """Raises 403 where the resources of a type cannot be listed under the grant."""
    if limited(engine, context, type) and type in _STANDS_FOR:
        # Where a Binary lies may have changed since it was written: each must be looked at.
        raise forbidden(f"The grant reaches a {type} by its security context: read it by its id")


def limited(engine: Engine, context: Context, type: str) -> bool:
    """Whether there may be resources of this type that the grant does not reach."""
    return visible(engine, context, type) != EVERY_ROW


def admit(engine: Engine, context: Context, type: str, rows: IndexRows) -> None:
    """Raises 403 unless a resource with these index rows lies within the grant."""
    patient = patient_of(context.grant, engine.catalog.hasher)
    if patient is not None and patient not in rows.pats:
        raise forbidden(f"The grant does not reach this {type} as it would be written")
