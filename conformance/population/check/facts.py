"""What the first pass remembers: who lived when, with which conditions, drugs and measurements."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from conformance.population.check.source import Found, Json

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX = "http://hl7.org/fhir/sid/cvx"

MEASURED = {
    "8302-2",  # height
    "29463-7",  # weight
    "39156-5",  # body mass index
    "8480-6",  # systolic pressure
    "59408-5",  # saturation
    "4548-4",  # HbA1c
    "2345-7",  # glucose
    "2160-0",  # creatinine
    "98979-8",  # eGFR
    "30934-4",  # BNP
    "10230-1",  # ejection fraction
    "19926-5",  # FEV1/FVC
    "3016-3",  # TSH
    "718-7",  # hemoglobin
    "13457-7",  # LDL
    "44261-6",  # PHQ-9
    "3084-1",  # urate
}
"""The codes that the rules of courses.py and lives.py read."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that cannot be: which rule, where, and what was found."""

    rule: str
    where: str
    text: str


@dataclass(slots=True)
class Life:
    """A patient as the resources tell it."""

    name: str
    born: str
    died: str
    sex: str
    race: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """A condition from onset to abatement, empty where open; both as FHIR text."""

    name: str
    code: str
    text: str
    onset: str
    abated: str
    recorded: str


@dataclass(frozen=True, slots=True)
class Order:
    """A medication request."""

    name: str
    drug: str
    when: str
    reasons: tuple[str, ...]


class Reading(NamedTuple):
    """A measurement of one LOINC code."""

    name: str
    when: str
    value: float


class Known(NamedTuple):
    """A resource that is there: its type, its bundle, its patient."""

    type: str
    scope: str
    owner: str


@dataclass(slots=True)
class Facts:
    """Everything keyed by resource id; ids are unique across an output."""

    known: dict[str, Known] = field(default_factory=dict[str, "Known"])
    identifiers: Counter[str] = field(default_factory=Counter[str])
    lives: dict[str, Life] = field(default_factory=dict[str, Life])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of patients, one object each: a million resources repeat them."""
    counts: Counter[str] = field(default_factory=Counter[str])
    conditions: dict[str, dict[str, Episode]] = field(default_factory=dict[str, dict[str, Episode]])
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    drugs: dict[str, list[Order]] = field(default_factory=dict[str, list[Order]])
    encounters: dict[str, tuple[str, str, str]] = field(
        default_factory=dict[str, tuple[str, str, str]]
    )
    readings: dict[str, dict[str, list[Reading]]] = field(
        default_factory=dict[str, dict[str, list[Reading]]]
    )
    allergies: dict[str, list[tuple[str, str]]] = field(
        default_factory=dict[str, list[tuple[str, str]]]
    )
    vaccines: dict[str, list[tuple[str, str, str]]] = field(
        default_factory=dict[str, list[tuple[str, str, str]]]
    )
    violations: list[Violation] = field(default_factory=list[Violation])


def target(reference: Json | None) -> str:
    """The id that a reference names; conditional ones are returned whole."""
    text: str = (reference or {}).get("reference", "")
    if "?" in text:
        return text
    return text.rsplit(":" if text.startswith("urn:") else "/", 1)[-1]


def code_of(element: Json | None, system: str) -> str:
    """The code of a CodeableConcept in one system, empty where it has none."""
    for coding in (element or {}).get("coding", ()):
        if coding.get("system") == system:
            return str(coding.get("code", ""))
    return ""


def instant(text: str) -> datetime:
    """A dateTime with its offset; a bare date is taken as noon in UTC, near enough for years."""
    return datetime.fromisoformat(text if "T" in text else f"{text[:10]}T12:00:00+00:00")


def days_between(start: str, end: str) -> int:
    """Whole calendar days."""
    return (date.fromisoformat(end[:10]) - date.fromisoformat(start[:10])).days


def type_of(resource: Json) -> str:
    """Its resourceType."""
    return str(resource.get("resourceType", ""))


def owner_of(resource: Json) -> str:
    """The patient a resource is about, by the element that says so in its type."""
    if resource["resourceType"] == "Patient":
        return str(resource.get("id", ""))
    for element in ("subject", "patient", "beneficiary"):
        value: Any = resource.get(element)
        if value:
            first: Json = (
                value[0] if element == "subject" and type_of(resource) == "Account" else value
            )
            return target(first)
    rows: list[Json] = resource.get("participant", []) if type_of(resource) == "Appointment" else []
    for row in rows:
        actor: str = row.get("actor", {}).get("reference", "")
        if "Patient/" in actor or "urn:uuid:" in actor:
            return target(row["actor"])
    return ""


def note(facts: Facts, found: Found) -> None:
    """The first pass over one resource."""
    resource = found.resource
    type, id = resource.get("resourceType", ""), resource.get("id", "")
    facts.counts[type] += 1
    if id in facts.known:
        text = f"also a {facts.known[id].type}"
        facts.violations.append(Violation("unique id", found.name, text))
    for identifier in _identifiers(resource):
        facts.identifiers[f"{type}|{identifier}"] += 1
    owner = owner_of(resource)
    facts.known[id] = Known(intern(type), found.scope, facts.ids.setdefault(owner, owner))
    remember = _REMEMBER.get(type)
    if remember is not None:
        remember(facts, found, owner)


def _identifiers(resource: Json) -> list[str]:
    listed: Any = resource.get("identifier", [])
    rows: list[Json] = [listed] if hasattr(listed, "keys") else listed
    return [f"{row.get('system', '')}|{row.get('value', '')}" for row in rows]


def _patient(facts: Facts, found: Found, owner: str) -> None:
    resource = found.resource
    labels = [
        *resource.get("meta", {}).get("security", ()),
        *resource.get("meta", {}).get("tag", ()),
    ]
    race = ""
    for extension in resource.get("extension", ()):
        if extension.get("url", "").endswith("us-core-race"):
            texts = [e["valueString"] for e in extension["extension"] if "valueString" in e]
            race = texts[0] if texts else ""
    facts.lives[owner] = Life(
        found.name,
        resource.get("birthDate", ""),
        resource.get("deceasedDateTime", ""),
        resource.get("gender", ""),
        race,
        any(label.get("code") == "HTEST" for label in labels),
    )


def _condition(facts: Facts, found: Found, owner: str) -> None:
    resource = found.resource
    facts.conditions.setdefault(owner, {})[resource["id"]] = Episode(
        found.name,
        code_of(resource.get("code"), SNOMED),
        resource.get("code", {}).get("text", ""),
        resource.get("onsetDateTime", ""),
        resource.get("abatementDateTime", ""),
        resource.get("recordedDate", ""),
    )


def _order(facts: Facts, found: Found, owner: str) -> None:
    resource = found.resource
    reasons = tuple(target(reason) for reason in resource.get("reasonReference", ()))
    drug = code_of(resource.get("medicationCodeableConcept"), RXNORM)
    order = Order(found.name, drug, resource.get("authoredOn", ""), reasons)
    facts.orders[resource["id"]] = order
    facts.drugs.setdefault(owner, []).append(order)


def _encounter(facts: Facts, found: Found, owner: str) -> None:
    del owner
    period = found.resource.get("period", {})
    kind = found.resource.get("class", {}).get("code", "")
    facts.encounters[found.resource["id"]] = (period.get("start", ""), period.get("end", ""), kind)


def _observation(facts: Facts, found: Found, owner: str) -> None:
    resource = found.resource
    when = resource.get("effectiveDateTime", "")
    rows = [resource, *resource.get("component", ())]
    for row in rows:
        value = row.get("valueQuantity", {}).get("value")
        if value is not None:
            code = code_of(row.get("code"), LOINC)
            if code not in MEASURED:
                continue
            by_code = facts.readings.setdefault(owner, defaultdict(list))
            by_code[code].append(Reading(found.name, when, float(value)))


def _allergy(facts: Facts, found: Found, owner: str) -> None:
    resource = found.resource
    coding = resource.get("code", {}).get("coding", [{}])[0]
    row = (str(coding.get("code", "")), resource.get("onsetDateTime", ""))
    facts.allergies.setdefault(owner, []).append(row)


def _immunization(facts: Facts, found: Found, owner: str) -> None:
    resource = found.resource
    row = (
        found.name,
        code_of(resource.get("vaccineCode"), CVX),
        resource.get("occurrenceDateTime", ""),
    )
    facts.vaccines.setdefault(owner, []).append(row)


_REMEMBER = {
    "Patient": _patient,
    "Condition": _condition,
    "MedicationRequest": _order,
    "Encounter": _encounter,
    "Observation": _observation,
    "AllergyIntolerance": _allergy,
    "Immunization": _immunization,
}
