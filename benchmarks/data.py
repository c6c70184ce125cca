"""A small deterministic hospital: the same number gives the same resource, on any machine."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

Json = dict[str, Any]

FAMILIES = ("Arden", "Bell", "Castro", "Dahl", "Endo", "Farkas", "Grau", "Hadid", "Ito", "Jonas")
GIVENS = ("Ana", "Ben", "Chi", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "June")
# LOINC code, display, unit (UCUM), low, high
LABS = (
    ("8867-4", "Heart rate", "/min", 60, 100),
    ("8480-6", "Systolic blood pressure", "mm[Hg]", 90, 130),
    ("8462-4", "Diastolic blood pressure", "mm[Hg]", 60, 85),
    ("8310-5", "Body temperature", "Cel", 36.1, 37.2),
    ("9279-1", "Respiratory rate", "/min", 12, 20),
    ("29463-7", "Body weight", "kg", 50, 100),
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 99),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 12, 17.5),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.6, 1.2),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3.5, 5.1),
)
CONDITIONS = (
    ("38341003", "Hypertensive disorder"),
    ("44054006", "Diabetes mellitus type 2"),
    ("195967001", "Asthma"),
    ("84114007", "Heart failure"),
)
DRUGS = (
    ("314076", "lisinopril 10 MG Oral Tablet"),
    ("860975", "metformin hydrochloride 500 MG Oral Tablet"),
    ("435", "albuterol"),
    ("310429", "furosemide 20 MG Oral Tablet"),
)
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
FIRST_DAY = date(2021, 1, 1)
DAYS = 1460


def _random(kind: str, number: int) -> random.Random:
    return random.Random(f"{kind}-{number}")  # noqa: S311


def _coded(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _plain(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def observation_day(number: int) -> date:
    """The day of an Observation's effectiveDateTime."""
    return FIRST_DAY + timedelta(days=_random("day", number).randrange(DAYS))


def observation_code(number: int) -> str:
    """The LOINC code of an Observation."""
    return LABS[number % len(LABS)][0]


def patient(number: int) -> Json:
    """A Patient of about 1 kB."""
    choose = _random("patient", number)
    family, given = choose.choice(FAMILIES), choose.choice(GIVENS)
    born = date(1930, 1, 1) + timedelta(days=choose.randrange(32000))
    return {
        "resourceType": "Patient",
        "identifier": [
            {
                "use": "usual",
                "type": _plain("http://terminology.hl7.org/CodeSystem/v2-0203", "MR"),
                "system": "http://bench.example/mrn",
                "value": f"B{number:08d}",
            }
        ],
        "active": True,
        "name": [{"use": "official", "family": family, "given": [given, choose.choice(GIVENS)]}],
        "telecom": [
            {"system": "phone", "value": f"555-01{choose.randrange(100):02d}", "use": "home"},
            {"system": "email", "value": f"{given}.{family}.{number}@mail.example".lower()},
        ],
        "gender": choose.choice(("female", "male")),
        "birthDate": born.isoformat(),
        "address": [
            {
                "use": "home",
                "line": [f"{choose.randrange(1, 900)} Mill Lane"],
                "city": "Springfield",
                "state": "MA",
                "postalCode": f"01{choose.randrange(1000):03d}",
                "country": "US",
            }
        ],
        "maritalStatus": _coded(
            "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M", "Married"
        ),
        "communication": [{"language": _coded("urn:ietf:bcp:47", "en-US", "English")}],
    }


def encounter(number: int, subject: str) -> Json:
    """An Encounter of one day."""
    day = FIRST_DAY + timedelta(days=_random("encounter", number).randrange(DAYS))
    return {
        "resourceType": "Encounter",
        "identifier": [{"system": "http://bench.example/visit", "value": f"V{number:08d}"}],
        "status": "finished",
        "class": {"system": ACT, "code": "AMB", "display": "ambulatory"},
        "type": [_coded("http://snomed.info/sct", "185349003", "Encounter for check up")],
        "subject": {"reference": subject},
        "period": {"start": f"{day}T09:00:00Z", "end": f"{day}T09:40:00Z"},
    }


def observation(number: int, subject: str, change: int = 0) -> Json:
    """An Observation of about 1 kB; `change` gives the same one another value."""
    code, display, unit, low, high = LABS[number % len(LABS)]
    choose = _random("observation", number + 1_000_003 * change)
    value = round(choose.uniform(low * 0.8, high * 1.2), 1)
    level = "L" if value < low else "H" if value > high else "N"
    day = observation_day(number)
    at = f"{day}T{choose.randrange(24):02d}:{choose.randrange(60):02d}:00Z"
    kind = "vital-signs" if number % len(LABS) < 6 else "laboratory"
    quantity = {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return {
        "resourceType": "Observation",
        "identifier": [{"system": "http://bench.example/obs", "value": f"O{number:08d}"}],
        "status": "final",
        "category": [_coded(CATEGORY, kind, kind.replace("-", " ").title())],
        "code": _coded("http://loinc.org", code, display),
        "subject": {"reference": subject},
        "effectiveDateTime": at,
        "issued": at,
        "valueQuantity": {"value": value, **quantity},
        "interpretation": [_plain(INTERPRETATION, level)],
        "note": [{"text": f"Measured at rest, reading {number}; reviewed by the care team."}],
        "referenceRange": [
            {"low": {"value": low, **quantity}, "high": {"value": high, **quantity}}
        ],
    }


def condition(number: int, subject: str) -> Json:
    """A Condition."""
    code, display = CONDITIONS[number % len(CONDITIONS)]
    day = FIRST_DAY - timedelta(days=_random("condition", number).randrange(2000))
    return {
        "resourceType": "Condition",
        "identifier": [{"system": "http://bench.example/cond", "value": f"C{number:08d}"}],
        "clinicalStatus": _plain(CLINICAL, "active"),
        "verificationStatus": _plain(VERIFICATION, "confirmed"),
        "code": _coded("http://snomed.info/sct", code, display),
        "subject": {"reference": subject},
        "onsetDateTime": day.isoformat(),
    }


def medication_request(number: int, subject: str) -> Json:
    """A MedicationRequest."""
    code, display = DRUGS[number % len(DRUGS)]
    day = FIRST_DAY + timedelta(days=_random("drug", number).randrange(DAYS))
    return {
        "resourceType": "MedicationRequest",
        "identifier": [{"system": "http://bench.example/rx", "value": f"R{number:08d}"}],
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": _coded(
            "http://www.nlm.nih.gov/research/umls/rxnorm", code, display
        ),
        "subject": {"reference": subject},
        "authoredOn": day.isoformat(),
        "dosageInstruction": [
            {
                "text": "one tablet daily",
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            }
        ],
    }


def resource(type_: str, number: int, subject: str) -> Json:
    """A resource of one of the five types; a Patient has no subject."""
    if type_ == "Patient":
        return patient(number)
    makers = {
        "Encounter": encounter,
        "Observation": observation,
        "Condition": condition,
        "MedicationRequest": medication_request,
    }
    return makers[type_](number, subject)
