"""Conditions.

https://hl7.org/fhir/R4/condition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.codes.tables import CONDITIONS, SNOMED, Json, coding, hl7

if TYPE_CHECKING:
    from conformance.population.record.chart import Visit

_ACTIVE = hl7("condition-clinical", "active", "Active")
_RESOLVED = hl7("condition-clinical", "resolved", "Resolved")
_CONFIRMED = hl7("condition-ver-status", "confirmed", "Confirmed")
_LISTED = [hl7("condition-category", "problem-list-item", "Problem List Item")]
_SEEN = [hl7("condition-category", "encounter-diagnosis", "Encounter Diagnosis")]
SEVERITY = {
    "mild": {"coding": [coding(SNOMED, "255604002", "Mild (qualifier value)")]},
    "moderate": {"coding": [coding(SNOMED, "6736007", "Moderate (severity modifier)")]},
    "severe": {"coding": [coding(SNOMED, "24484000", "Severe (severity modifier)")]},
}


def diagnose(visit: Visit, key: str, onset: int, ends: int | None = None) -> Json:
    """A problem-list entry when it lasts, an encounter diagnosis when it has an end."""
    chart, named = visit.chart, CONDITIONS[key]
    over = ends is not None and ends < chart.end
    profile = (
        "us-core-condition-problems-health-concerns"
        if ends is None
        else "us-core-condition-encounter-diagnosis"
    )
    found = chart.new(
        "Condition",
        profile,
        clinicalStatus=_RESOLVED if over else _ACTIVE,
        verificationStatus=_CONFIRMED,
        category=_LISTED if ends is None else _SEEN,
        code=named.code,
        subject=chart.subject,
        encounter=visit.reference,
        onsetDateTime=chart.stamp(onset),
        recordedDate=chart.stamp(visit.start + 10),
        recorder=visit.clinician.practitioner,
    )
    if over and ends is not None:
        found["abatementDateTime"] = chart.stamp(ends)
    if ends is None:
        chart.problems[named.key] = found
    visit.reasons.append(found)
    return found


def resolve(visit: Visit, key: str) -> None:
    """Close a lasting problem at this visit."""
    problem = visit.chart.problems.pop(key, None)
    if problem is not None:
        problem["clinicalStatus"] = _RESOLVED
        problem["abatementDateTime"] = visit.chart.stamp(visit.start)
    visit.chart.chronic.pop(key, None)
