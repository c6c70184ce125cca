"""Which tables a type of a tenant lives in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString, cast

from fhir_server.r4.outcome import FhirError, Issue, unknown_type
from fhir_server.store.rows import TableSet
from fhir_server.store.type_codes import TYPE_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAVY_TYPES = (
    "Claim",
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "ExplanationOfBenefit",
    "Immunization",
    "MedicationRequest",
    "Observation",
    "Patient",
    "Procedure",
    "Provenance",
)
"""Types with tables of their own in a tenant made without another list."""

SHARED = "other"
_TENANT = re.compile(r"[a-z][a-z0-9-]{0,30}")


def schema_name(tenant: str) -> str:
    """The PostgreSQL schema of a tenant; ValueError where the name is not one of a tenant."""
    if not _TENANT.fullmatch(tenant):
        raise ValueError(f"{tenant!r} is no tenant: a-z, then up to 30 of a-z, 0-9 and -")
    return f"t_{tenant}"


def unknown_tenant(tenant: str) -> FhirError:
    """404: there is no such tenant here."""
    return FhirError(404, [Issue("not-found", f"Tenant {tenant!r} is not known")])


class Layout:
    """The tables of one tenant; ``heavy`` are the types with tables of their own."""

    def __init__(self, tenant: str, heavy: Iterable[str]) -> None:
        # Quoted here once, and nothing but checked names goes into it.
        self.schema: LiteralString = cast("LiteralString", f'"{schema_name(tenant)}"')
        self.heavy = tuple(sorted(heavy))
        own = {name: name.lower() for name in self.heavy}
        self._sets = {
            name: self._table_set(own.get(name, SHARED), code, shared=name not in own)
            for name, code in TYPE_CODES.items()
        }

    def of(self, type: str) -> TableSet:
        """The tables of a type; 404 where FHIR R4 has no such type."""
        try:
            return self._sets[type]
        except KeyError:
            raise unknown_type(type) from None

    def sets(self) -> dict[str, TableSet]:
        """Each set once, by the name of its table of current versions."""
        return {tables.resource: tables for tables in self._sets.values()}

    def name(self, table: LiteralString) -> LiteralString:
        """A table of the tenant that is in no set."""
        schema: LiteralString = self.schema
        return schema + "." + table

    def _table_set(self, name: str, code: int, *, shared: bool) -> TableSet:
        def table(suffix: str) -> LiteralString:
            return cast("LiteralString", f'{self.schema}."{name}{suffix}"')

        return TableSet(
            type=code,
            shared=shared,
            resource=table(""),
            history=table("_history"),
            search=table("_search"),
            hot=table("_hot"),
            number=table("_number"),
            string=table("_string"),
            period=table("_period"),
        )
