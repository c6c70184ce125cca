"""Which parameters get more than a place in the common index.

Measured at one million Observations: a walk along hot rows takes the same half millisecond for a
code that a third of all resources have and for one that five have; see docs/search.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LEADING_DATE: Mapping[str, str] = {
    "AllergyIntolerance": "date",
    "Appointment": "date",
    "AuditEvent": "date",
    "CarePlan": "date",
    "CareTeam": "date",
    "Claim": "created",
    "ClaimResponse": "created",
    "Communication": "sent",
    "CommunicationRequest": "authored",
    "Composition": "date",
    "Condition": "onset-date",
    "Consent": "date",
    "DetectedIssue": "identified",
    "DeviceRequest": "authored-on",
    "DiagnosticReport": "date",
    "DocumentReference": "date",
    "Encounter": "date",
    "EpisodeOfCare": "date",
    "ExplanationOfBenefit": "created",
    "FamilyMemberHistory": "date",
    "Flag": "date",
    "Goal": "start-date",
    "ImagingStudy": "started",
    "Immunization": "date",
    "List": "date",
    "Media": "created",
    "MedicationAdministration": "effective-time",
    "MedicationDispense": "whenhandedover",
    "MedicationRequest": "authoredon",
    "MedicationStatement": "effective",
    "NutritionOrder": "datetime",
    "Observation": "date",
    "Patient": "birthdate",
    "Person": "birthdate",
    "Procedure": "date",
    "Provenance": "recorded",
    "QuestionnaireResponse": "authored",
    "RelatedPerson": "birthdate",
    "RiskAssessment": "date",
    "Schedule": "date",
    "ServiceRequest": "authored",
    "Slot": "start",
    "Task": "authored-on",
}
"""The one date parameter per type whose range stands in the search row itself.

Its element has at most one value. Searches without ``_sort`` answer in its order, newest first.
Other types have none: their searches answer in the order of creation, newest first.
"""

HOT: Mapping[str, frozenset[str]] = {
    "AllergyIntolerance": frozenset({"code"}),
    "CarePlan": frozenset({"category"}),
    "Condition": frozenset({"category", "code"}),
    "DiagnosticReport": frozenset({"category", "code"}),
    "DocumentReference": frozenset({"category", "type"}),
    "Encounter": frozenset({"class", "type"}),
    "Immunization": frozenset({"vaccine-code"}),
    "MedicationAdministration": frozenset({"code"}),
    "MedicationDispense": frozenset({"code"}),
    "MedicationRequest": frozenset({"code", "status"}),
    "MedicationStatement": frozenset({"code"}),
    "Observation": frozenset({"category", "code"}),
    "Procedure": frozenset({"category", "code"}),
    "ServiceRequest": frozenset({"category", "code"}),
}
"""Token parameters whose codes also get a (hash, leading date) row each."""

DENSE_TARGETS = frozenset(
    {
        "Device", "HealthcareService", "Location", "Medication", "Organization", "Practitioner",
        "PractitionerRole",
    }
)  # fmt: skip
"""A reference to one of these may be shared by a large part of all resources."""


def leading_date(type: str) -> str:
    """The code of the leading date parameter, empty for none."""
    return LEADING_DATE.get(type, "")


def is_hot(type: str, code: str) -> bool:
    """Whether a token parameter has hot rows."""
    return code in HOT.get(type, ())
