"""What PostgreSQL's errors mean to a caller.

FhirError 503 where trying again may help, 422 where PostgreSQL cannot hold a value.
"""

from __future__ import annotations

import psycopg
from psycopg import errors

from fhir_server.r4.outcome import FhirError, Issue, conflict, too_costly, unprocessable

RETRIED = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.UniqueViolation,  # two callers brought the same id into being
)
"""Errors after which the same work may succeed at once."""

UNFIT = (
    errors.ProgramLimitExceeded,
    errors.UntranslatableCharacter,
    errors.InvalidTextRepresentation,
    errors.NumericValueOutOfRange,
    errors.DatetimeFieldOverflow,
)
"""A value is larger or stranger than PostgreSQL allows."""

GONE = (psycopg.OperationalError, psycopg.InterfaceError)
"""The connection, or the whole server, went away; or could not be had."""


def connection_lost(error: psycopg.Error) -> bool:
    """Whether the connection ended, so that nobody knows what became of the last statement."""
    if isinstance(error, errors.QueryCanceled) or not isinstance(error, GONE):
        return False
    return error.sqlstate is None or error.sqlstate[:2] in {"08", "57"}


def unavailable(text: str, *, seconds: int = 1) -> FhirError:
    """503: the database cannot be asked now."""
    return FhirError(503, [Issue("transient", text)], {"Retry-After": str(seconds)})


def translated(error: psycopg.Error) -> FhirError | None:
    """The error to answer with, None where it is a fault of this program."""
    if isinstance(error, errors.QueryCanceled):
        return too_costly("The database took longer than this server allows", status=503)
    if isinstance(error, RETRIED):
        return conflict("The resource was changed by others each time this was tried")
    if isinstance(error, UNFIT):
        return unprocessable([Issue("value", f"PostgreSQL cannot hold a value: {error}")])
    if isinstance(error, errors.DiskFull | errors.OutOfMemory | errors.TooManyConnections):
        return unavailable("The database is out of room", seconds=30)
    if isinstance(error, GONE) and not isinstance(error, errors.LockNotAvailable):
        return unavailable("The database is not reachable; try again")
    return None
