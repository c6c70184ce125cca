"""Allergies and intolerances, noted at the first visit after they show.

https://hl7.org/fhir/R4/allergyintolerance.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import YEAR
from conformance.population.codes.tables import RXNORM, SNOMED, Json, concept, hl7

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_ACTIVE = hl7("allergyintolerance-clinical", "active", "Active")
_CONFIRMED = hl7("allergyintolerance-verification", "confirmed", "Confirmed")
_HIVES = concept(SNOMED, "247472004", "Wheal (finding)", "Hives")
_SNEEZING = concept(SNOMED, "76067001", "Sneezing (finding)", "Sneezing")
_ANAPHYLAXIS = concept(SNOMED, "39579001", "Anaphylaxis (disorder)", "Anaphylaxis")

# key: code, category, criticality, manifestation, share of people, latest age at onset
_ALLERGIES: dict[str, tuple[Json, str, str, Json, float, float]] = {
    "penicillin": (
        concept(RXNORM, "7984", "penicillin V", "Penicillin"),
        "medication",
        "high",
        _HIVES,
        0.055,
        45,
    ),
    "aspirin allergy": (
        concept(RXNORM, "1191", "aspirin", "Aspirin"),
        "medication",
        "low",
        _HIVES,
        0.008,
        60,
    ),
    "peanut": (
        concept(SNOMED, "91935009", "Allergy to peanut (finding)", "Peanut allergy"),
        "food",
        "high",
        _ANAPHYLAXIS,
        0.018,
        6,
    ),
    "grass": (
        concept(SNOMED, "418689008", "Allergy to grass pollen (finding)", "Grass pollen allergy"),
        "environment",
        "low",
        _SNEEZING,
        0.07,
        30,
    ),
    "mites": (
        concept(
            SNOMED, "232350006", "House dust mite allergy (finding)", "House dust mite allergy"
        ),
        "environment",
        "low",
        _SNEEZING,
        0.06,
        30,
    ),
}


def plan(chart: Chart) -> None:
    """Each by its share of people, at any age up to the latest."""
    for key, (*_, share, latest) in _ALLERGIES.items():
        if chart.dice.chance(share):
            onset = chart.born_plus(chart.dice.between(0.8, latest))
            chart.onsets[key] = onset
    chart.offers.append(_note)


def _note(visit: Visit) -> None:
    """Offered at every checkup, taken once the allergy has shown."""
    chart = visit.chart
    for key in _ALLERGIES:
        onset = chart.onsets.get(key)
        if onset is None or onset > visit.start or key in chart.given:
            continue
        chart.given[key] = visit.start
        _record(visit, key, onset)


def _record(visit: Visit, key: str, onset: int) -> None:
    chart = visit.chart
    code, category, criticality, manifestation, *_ = _ALLERGIES[key]
    severity = "severe" if manifestation is _ANAPHYLAXIS else "mild"
    chart.new(
        "AllergyIntolerance",
        "us-core-allergyintolerance",
        clinicalStatus=_ACTIVE,
        verificationStatus=_CONFIRMED,
        type="allergy",
        category=[category],
        criticality=criticality,
        code=code,
        patient=chart.subject,
        encounter=visit.reference,
        onsetDateTime=chart.stamp(onset),
        recordedDate=chart.stamp(visit.start + 8),
        recorder=visit.clinician.practitioner,
        reaction=[{"manifestation": [manifestation], "severity": severity}],
    )


def allergic(chart: Chart, key: str, when: int) -> bool:
    """Whether the patient would react by now, noted or not."""
    return chart.onsets.get(key, when + int(YEAR)) <= when
