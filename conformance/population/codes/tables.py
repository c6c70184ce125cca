"""The code tables, read once and turned into the FHIR elements that carry them.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

Json = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX = "http://hl7.org/fhir/sid/cvx"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def read(name: str) -> dict[str, Any]:
    """One TOML table of this folder."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text("utf-8"))


def coding(system: str, code: str, display: str) -> Json:
    """A Coding."""
    return {"system": system, "code": code, "display": display}


def concept(system: str, code: str, display: str, text: str = "") -> Json:
    """A CodeableConcept with one coding."""
    return {"coding": [coding(system, code, display)], "text": text or display}


def hl7(system: str, code: str, display: str) -> Json:
    """A CodeableConcept from one of HL7's own code systems."""
    return {"coding": [coding(TERMINOLOGY + system, code, display)]}


def plain(name: str) -> str:
    """A SNOMED CT name without its semantic tag."""
    return name.rsplit(" (", 1)[0]


def dollars(amount: float) -> Json:
    """A Money."""
    return {"value": Decimal(f"{amount:.2f}"), "currency": "USD"}


@dataclass(frozen=True, slots=True)
class ConditionCode:
    """A diagnosis in SNOMED CT and ICD-10-CM."""

    key: str
    code: Json
    icd10: str


@dataclass(frozen=True, slots=True)
class Measure:
    """What an Observation measures; `low` and `high` are None where no range is stated."""

    key: str
    category: list[Json]
    code: Json
    unit: str
    digits: int
    low: float | None
    high: float | None
    range: list[Json] | None


@dataclass(frozen=True, slots=True)
class Panel:
    """Tests reported together."""

    code: Json
    specimen: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drug:
    """A medication, its usual dose and price."""

    key: str
    rxnorm: str
    code: Json
    amount: float
    unit: str
    daily: float
    route: str
    price: float


@dataclass(frozen=True, slots=True)
class Priced:
    """A procedure or a vaccine."""

    code: Json
    minutes: int
    price: float


@dataclass(frozen=True, slots=True)
class VisitKind:
    """A kind of encounter."""

    key: str
    type: Json
    code: str
    minutes: int
    price: float
    department: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A care plan and its goal."""

    code: Json
    activities: tuple[Json, ...]
    goal: str
    measure: str
    target: float


def _condition(key: str, row: list[str]) -> ConditionCode:
    snomed, name, icd10, title, text = row
    codes = [coding(SNOMED, snomed, name), coding(ICD10, icd10, title)]
    return ConditionCode(key, {"coding": codes, "text": text}, icd10)


_CATEGORY_NAMES = {
    "vitals": ("vital-signs", "Vital Signs"),
    "laboratory": ("laboratory", "Laboratory"),
    "survey": ("survey", "Survey"),
    "social-history": ("social-history", "Social History"),
    "procedure": ("procedure", "Procedure"),
    "exam": ("exam", "Exam"),
}


def quantity(value: int | Decimal, unit: str) -> Json:
    """A Quantity in UCUM."""
    return {"value": value, "unit": _SHOWN.get(unit, unit), "system": UCUM, "code": unit}


_SHOWN = {"{score}": "score", "{INR}": "INR", "Cel": "°C", "mm[Hg]": "mmHg"}


def _bound(end: float, digits: int, unit: str) -> Json:
    return quantity(Decimal(f"{end:.{digits}f}") if digits else round(end), unit)


def _measure(key: str, category: list[Json], row: list[Any]) -> Measure:
    loinc, name, unit, digits = row[:4]
    code = concept(LOINC, loinc, name)
    if len(row) == 4:
        return Measure(key, category, code, unit, digits, None, None, None)
    low: float = row[4]
    high: float = row[5]
    bounds = [{"low": _bound(low, digits, unit), "high": _bound(high, digits, unit)}]
    return Measure(key, category, code, unit, digits, low, high, bounds)


def _measures() -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    for section, rows in read("observations").items():
        name, display = _CATEGORY_NAMES[section]
        category = [hl7("observation-category", name, display)]
        found |= {key: _measure(key, category, row) for key, row in rows.items()}
    return found


def _drug(key: str, row: list[Any]) -> Drug:
    rxnorm, name, amount, unit, daily, route, price = row
    return Drug(key, rxnorm, concept(RXNORM, rxnorm, name), amount, unit, daily, route, price)


def _visit(key: str, row: list[Any]) -> VisitKind:
    code, snomed, name, minutes, price, department = row
    return VisitKind(
        key, concept(SNOMED, snomed, name, plain(name)), code, minutes, price, department
    )


def _plan(row: dict[str, Any]) -> Plan:
    text, measure, target = row["goal"]
    code, name = row["plan"]
    return Plan(
        concept(SNOMED, code, name, plain(name)),
        tuple(concept(SNOMED, c, n, plain(n)) for c, n in row["activities"]),
        text,
        measure,
        target,
    )


_panels = read("panels")

CONDITIONS = {key: _condition(key, row) for key, row in read("conditions").items()}
MEASURES = _measures()
SPECIMENS = {
    key: concept(SNOMED, code, name, plain(name))
    for key, (code, name) in _panels.pop("specimens").items()
}
PANELS = {
    key: Panel(concept(LOINC, *row["code"]), row["specimen"], tuple(row["members"]))
    for key, row in _panels.items()
}
DRUGS = {key: _drug(key, row) for key, row in read("medications").items()}
PROCEDURES = {
    key: Priced(concept(SNOMED, code, name, plain(name)), minutes, price)
    for key, (code, name, minutes, price) in read("procedures").items()
}
VACCINES = {
    key: Priced(concept(CVX, code, name), 0, price)
    for key, (code, name, price) in read("vaccines").items()
}
VISITS = {key: _visit(key, row) for key, row in read("visits").items()}
PLANS = {key: _plan(row) for key, row in read("care_plans").items()}
