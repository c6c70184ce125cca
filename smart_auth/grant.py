"""What a caller may see and change, as plain values.

A grant is compiled to SQL in one place, ``fhir_server.search.grant``; nobody else looks inside.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Everything:
    """Every resource of the tenant."""


@dataclass(frozen=True, slots=True)
class PatientCompartment:
    """The resources in one patient's compartment, and nothing else.

    ``patient`` is the id of the Patient.
    https://hl7.org/fhir/R4/compartmentdefinition-patient.html
    """

    patient: str


Grant = Everything | PatientCompartment
