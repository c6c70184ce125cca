"""From a grant to the condition that every statement on a resource type carries.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.r4.definitions import definitions
from fhir_server.store.rows import SEVERAL, Predicate
from smart_auth.grant import Everything

if TYPE_CHECKING:
    from fhir_server.search.hashes import Hasher
    from smart_auth.grant import Grant

EVERY_ROW = Predicate()
NO_ROW = Predicate("false")


def predicate(grant: Grant, type: str, hasher: Hasher) -> Predicate:
    """Which rows of a resource type a grant lets through."""
    if isinstance(grant, Everything):
        return EVERY_ROW
    if not in_compartment(type):
        return NO_ROW
    patient = hasher.patient(grant.patient)
    return Predicate(
        "({t}.pat = %s::bigint OR ({t}.pat = %s::bigint AND {t}.pats @> ARRAY[%s::bigint]))",
        (patient, SEVERAL, patient),
    )


def patient_of(grant: Grant, hasher: Hasher) -> int | None:
    """The hash of the one patient that a grant is about, None if it is about everything."""
    return None if isinstance(grant, Everything) else hasher.patient(grant.patient)


def in_compartment(type: str) -> bool:
    """Whether resources of a type can lie in a patient's compartment."""
    return type == "Patient" or type in definitions().compartments["Patient"]
