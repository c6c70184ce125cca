"""Small random resources full of edge cases, and random queries about them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

Resource = dict[str, Any]

SYSTEMS = ("http://loinc.org", "http://example.org/codes", None)
CODES = ("8480-6", "8462-4", "Abc", "abc", "x|y", "gLuc", "rare")
UNITS = (
    {"unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    {"unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
    {"unit": "mg"},
    {},
)
NUMBERS = ("1", "1.0", "1.04", "1.05", "0.95", "99.5", "100", "100.4", "100.5", "-3", "0.1")
DATES = (
    "2019", "2020", "2020-02", "2020-02-29", "2020-03-01", "2020-02-29T23:59:59Z",
    "2020-03-01T01:00:00+02:00", "2020-03-01T00:00:00Z", "2021-12-31", "2021",
)  # fmt: skip
FAMILIES = ("Müller", "MULLER", "Mueller", "O'Neil", "de la Cruz", "Ng", "Nguyễn", "Straße")
GIVENS = ("Ada", "Zoë", "Zoe Ann", "Jean-Luc")
CATEGORIES = ("vital-signs", "laboratory", "survey")


def coding(random: Random) -> Resource:
    system, code = random.choice(SYSTEMS), random.choice(CODES)
    return {"code": code} if system is None else {"system": system, "code": code}


def concept(random: Random) -> Resource:
    return {"coding": [coding(random) for _ in range(random.choice((1, 1, 2)))]}


def quantity(random: Random) -> Resource:
    number = Decimal(random.choice(NUMBERS))
    return {"value": int(number) if number == int(number) else number, **random.choice(UNITS)}


def period(random: Random) -> Resource:
    first, last = sorted((random.choice(DATES[3:]), random.choice(DATES[3:])))
    found = {"start": first, "end": last}
    random.choice((found.clear, found.popitem, lambda: None, lambda: None))()
    return found or {"start": first}


def effective(random: Random) -> Resource:
    which = random.random()
    if which < 0.6:
        return {"effectiveDateTime": random.choice(DATES)}
    return {"effectivePeriod": period(random)} if which < 0.9 else {}


def value(random: Random) -> Resource:
    which = random.random()
    if which < 0.4:
        return {"valueQuantity": quantity(random)}
    if which < 0.5:
        return {"valueDateTime": random.choice(DATES)}
    return {"valuePeriod": period(random)} if which < 0.6 else {}


def observation(random: Random, number: int) -> Resource:
    found: Resource = {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": random.choice(("final", "final", "final", "amended")),
        "code": concept(random),
    }
    if random.random() < 0.8:
        found["category"] = [{"coding": [{"code": random.choice(CATEGORIES)}]}]
    if random.random() < 0.9:
        found["subject"] = {"reference": random.choice(("Patient/p1", "Patient/p2", "Group/p1"))}
    if random.random() < 0.2:
        found["encounter"] = {"reference": f"Encounter/e{random.randrange(3)}"}
    found["performer"] = [
        {"reference": f"Practitioner/d{random.randrange(4)}"} for _ in range(random.randrange(3))
    ]
    if not found["performer"]:
        del found["performer"]
    found |= effective(random) | value(random)
    if random.random() < 0.4:
        found["component"] = [
            {"code": concept(random), "valueQuantity": quantity(random)} for _ in range(2)
        ]
    return found


def patient(random: Random, number: int) -> Resource:
    found: Resource = {"resourceType": "Patient", "id": f"p{number}"}
    if random.random() < 0.9:
        found["name"] = [
            {
                "family": random.choice(FAMILIES),
                "given": random.sample(GIVENS, random.choice((1, 2))),
            }
            for _ in range(random.choice((1, 1, 2)))
        ]
    if random.random() < 0.9:
        found["gender"] = random.choice(("male", "female", "other"))
    if random.random() < 0.9:
        found["birthDate"] = random.choice(DATES[:5])
    if random.random() < 0.8:
        found["identifier"] = [
            {"system": random.choice(("urn:a", "urn:b")), "value": f"V{random.randrange(20)}"}
        ]
    return found


def population(random: Random, observations: int, patients: int) -> list[Resource]:
    return [
        *(patient(random, n) for n in range(patients)),
        *(observation(random, n) for n in range(observations)),
    ]


def token(random: Random, systems: tuple[str, ...], codes: tuple[str, ...]) -> str:
    code = random.choice(codes).replace("|", "\\|")
    return random.choice(
        (code, code, code.upper(), f"{random.choice(systems)}|{code}", f"|{code}",
         f"{random.choice(systems)}|")
    )  # fmt: skip


def ordered(random: Random, values: tuple[str, ...], prefixes: str) -> str:
    return random.choice(("", *prefixes.split())) + random.choice(values)


def measured(random: Random) -> str:
    number = ordered(random, NUMBERS, "eq ne gt lt ge le sa eb ap")
    unit = random.choice(("", "", "||mg", "||mmHg", "|http://unitsofmeasure.org|mg"))
    return number + unit


_LOINC = ("http://loinc.org", "http://example.org/codes", "urn:none")
_STATUSES = ("http://hl7.org/fhir/observation-status", "urn:none")
_GENDERS = ("http://hl7.org/fhir/administrative-gender", "urn:none")
_PREFIXES = "eq ne gt lt ge le sa eb"


def value_of(random: Random, name: str) -> str:
    """A random value for a parameter, often one that exists."""
    makers = {
        "code": lambda: token(random, _LOINC, CODES),
        "combo-code": lambda: token(random, _LOINC, CODES),
        "category": lambda: token(random, _LOINC, CATEGORIES),
        "status": lambda: token(
            random, ("http://hl7.org/fhir/observation-status",), ("final", "amended")
        ),
        "gender": lambda: token(
            random, ("http://hl7.org/fhir/administrative-gender",), ("male", "other")
        ),
        "identifier": lambda: token(random, ("urn:a", "urn:b"), ("V1", "v2", "V3", "V19")),
        "date": lambda: ordered(random, DATES, _PREFIXES),
        "value-date": lambda: ordered(random, DATES, _PREFIXES),
        "birthdate": lambda: ordered(random, DATES[:5], _PREFIXES),
        "subject": lambda: random.choice(("Patient/p1", "Group/p1", "p1", "Patient/p9")),
        "patient": lambda: random.choice(("Patient/p1", "Patient/p2", "Patient/p9")),
        "performer": lambda: random.choice(("Practitioner/d1", "d2", "Practitioner/none")),
        "encounter": lambda: random.choice(("Encounter/e1", "Encounter/none")),
        "name": lambda: random.choice((*FAMILIES, *GIVENS, "m", "N", "zo", "strasse", "neil")),
        "family": lambda: random.choice((*FAMILIES, "m", "MU", "NGUYEN", "cruz")),
    }
    if name in makers:
        return makers[name]()
    if "code-value" in name:
        code = random.choice(("8480-6", "http://loinc.org|8462-4", "gluc"))
        return f"{code}${measured(random)}"
    return measured(random)


MODIFIERS = {
    "token": ("", "", "", "not", "missing"),
    "string": ("", "", "exact", "contains", "missing"),
    "reference": ("", "", "", "missing"),
    "date": ("", "", "", "missing"),
    "quantity": ("", "", "", "missing"),
    "composite": ("",),
}


def query(random: Random, names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One to three parameters; ``names`` are (name, kind)."""
    found: list[tuple[str, str]] = []
    for name, kind in random.sample(names, random.choice((1, 1, 2, 2, 3))):
        modifier = random.choice(MODIFIERS[kind])
        if modifier == "missing":
            found.append((f"{name}:missing", random.choice(("true", "false"))))
            continue
        texts = [value_of(random, name) for _ in range(random.choice((1, 1, 1, 2, 3)))]
        found.append((f"{name}:{modifier}" if modifier else name, ",".join(texts)))
    return found
