"""What patients share: hospitals, clinicians, payers and the hospital formulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.population.codes.tables import DRUGS, SNOMED, Json, coding, hl7, plain, read
from conformance.population.dice import Dice
from conformance.population.links import Identified, Links

if TYPE_CHECKING:
    from conformance.population.meta import Meta

NPI = "http://hl7.org/fhir/sid/us-npi"
OWN = "http://example.org/fhir/population/"
PAYERS = ("Samplecare Mutual", "Pattern Health Plan", "Model Medicare", "Model Medicaid")
FORMULARY = (
    "saline",
    "piperacillin_tazobactam",
    "vancomycin",
    "norepinephrine",
    "enoxaparin",
    "furosemide_injection",
    "doxorubicin",
    "cyclophosphamide",
    "oxaliplatin",
    "leucovorin",
)
WARDS = {
    "hospital": ("HOSP", "Hospital", "Ward"),
    "emergency": ("ER", "Emergency room", "Emergency department"),
    "clinic": ("OF", "Outpatient facility", "Clinic"),
}

_places = read("places")
CITIES: list[list[Any]] = _places["cities"]
PEOPLE: list[dict[str, Any]] = _places["people"]
_departments = read("departments")


@dataclass(frozen=True, slots=True)
class Clinician:
    """References ready for use in a patient's record."""

    practitioner: Json
    role: Json
    function: Json


@dataclass(slots=True)
class Site:
    """A city with a hospital of ours."""

    city: list[Any]
    organization: Json = field(default_factory=dict[str, Any])
    locations: dict[str, Json] = field(default_factory=dict[str, Json])
    staff: dict[str, list[Clinician]] = field(default_factory=dict[str, list[Clinician]])


@dataclass(slots=True)
class World:
    """Built once per run; patients hold references into it."""

    links: Links
    meta: Meta
    sites: list[Site] = field(default_factory=list[Site])
    payers: list[Json] = field(default_factory=list[Json])
    formulary: dict[str, Json] = field(default_factory=dict[str, Json])
    organizations: list[Json] = field(default_factory=list[Json])
    practitioners: list[Json] = field(default_factory=list[Json])


def street(dice: Dice) -> str:
    """A house in a street that does not exist."""
    name, kind = dice.pick(_places["streets"]), dice.pick(_places["street_kinds"])
    return f"{dice.whole(1, 980)} {name} {kind}"


def address(city: list[Any], line: str) -> Json:
    """An Address."""
    name, state, postal = city[:3]
    return {"line": [line], "city": name, "state": state, "postalCode": postal, "country": "US"}


def phone(city: list[Any], dice: Dice) -> str:
    """555-01xx is reserved for fiction."""
    return f"({city[4]}) 555-01{dice.whole(0, 99):02d}"


class _Builder:
    def __init__(self, seed: int, links: Links, meta: Meta) -> None:
        self.dice = Dice(seed, "world")
        self.world = World(links, meta)

    def shared(self, resource: Json, display: str) -> Json:
        """A reference for use in patients' records."""
        first = resource["identifier"][0]
        target = Identified(
            resource["resourceType"], resource["id"], first["system"], first["value"]
        )
        return {"reference": self.world.links.shared(target), "display": display}

    def organization(self, kind: str, name: str, city: list[Any], number: int) -> Json:
        """A hospital or a payer."""
        shown = {"prov": "Healthcare Provider", "ins": "Insurance Company"}[kind]
        resource: Json = {
            "resourceType": "Organization",
            "id": self.dice.uuid(),
            "meta": self.world.meta.of("us-core-organization"),
            "identifier": [{"system": f"{OWN}organization", "value": f"ORG-{kind}-{number:04d}"}],
            "active": True,
            "type": [hl7("organization-type", kind, shown)],
            "name": name,
            "telecom": [{"system": "phone", "value": phone(city, self.dice), "use": "work"}],
            "address": [address(city, street(self.dice))],
        }
        self.world.organizations.append(resource)
        return resource

    def location(self, site: Site, ward: str, number: int, owner: Json) -> None:
        """A part of a hospital."""
        code, display, label = WARDS[ward]
        name = f"{owner['name']} {label}"
        resource: Json = {
            "resourceType": "Location",
            "id": self.dice.uuid(),
            "meta": self.world.meta.of("us-core-location"),
            "identifier": [{"system": f"{OWN}location", "value": f"LOC-{code}-{number:04d}"}],
            "status": "active",
            "name": name,
            "mode": "instance",
            "type": [hl7("v3-RoleCode", code, display)],
            "telecom": owner["telecom"],
            "address": owner["address"][0],
            "position": {"latitude": site.city[5], "longitude": site.city[6]},
            "managingOrganization": {
                "reference": self.world.links.own("Organization", owner["id"]),
                "display": owner["name"],
            },
        }
        self.world.organizations.append(resource)
        site.locations[ward] = self.shared(resource, name)

    def practitioner(self, site: Site, department: str, number: int) -> None:
        """A clinician and their role."""
        snomed, name, taxonomy, specialty, _ = _departments[department]
        dice, meta = self.dice, self.world.meta
        people = dice.weigh(PEOPLE, tuple(p["weight"] for p in PEOPLE))
        gender = dice.pick(("female", "male"))
        given, family = dice.pick(people[gender]), dice.pick(people["first"])
        family += dice.pick(people["last"])
        npi = f"99{number:08d}"
        contact = {"system": "phone", "value": phone(site.city, dice), "use": "work"}
        person: Json = {
            "resourceType": "Practitioner",
            "id": dice.uuid(),
            "meta": meta.person("us-core-practitioner"),
            "identifier": [{"system": NPI, "value": npi}],
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given], "prefix": ["Dr."]}],
            "telecom": [
                contact,
                {"system": "email", "value": f"clinician{number}@example.org", "use": "work"},
            ],
            "address": [address(site.city, street(dice))],
            "gender": gender,
        }
        display = f"Dr. {given} {family}"
        role: Json = {
            "resourceType": "PractitionerRole",
            "id": dice.uuid(),
            "meta": meta.of("us-core-practitionerrole"),
            "identifier": [{"system": f"{OWN}role", "value": f"ROLE-{npi}"}],
            "active": True,
            "practitioner": {
                "reference": self.world.links.own("Practitioner", person["id"]),
                "display": display,
            },
            "organization": site.organization,
            "code": [
                {
                    "coding": [
                        coding(SNOMED, snomed, name),
                        coding("http://nucc.org/provider-taxonomy", taxonomy, specialty),
                    ],
                    "text": plain(name),
                }
            ],
            "specialty": [
                {"coding": [coding("http://nucc.org/provider-taxonomy", taxonomy, specialty)]}
            ],
            "location": [site.locations["clinic"]],
            "telecom": [contact],
        }
        self.world.practitioners += (person, role)
        member = Clinician(
            self.shared(person, display), self.shared(role, display), role["code"][0]
        )
        site.staff.setdefault(department, []).append(member)

    def medication(self, key: str) -> None:
        """A product of the hospital formulary."""
        drug = DRUGS[key]
        resource: Json = {
            "resourceType": "Medication",
            "id": self.dice.uuid(),
            "meta": self.world.meta.of("us-core-medication"),
            "identifier": [{"system": f"{OWN}formulary", "value": f"MED-{drug.rxnorm}"}],
            "code": drug.code,
            "status": "active",
        }
        self.world.organizations.append(resource)
        self.world.formulary[key] = self.shared(resource, drug.code["text"])


def build_world(seed: int, patients: int, *, links: Links, meta: Meta) -> World:
    """One site per 250 patients, up to one per city."""
    builder = _Builder(seed, links, meta)
    world, dice = builder.world, builder.dice
    cities = dice.sample(CITIES, min(len(CITIES), 1 + patients // 250))
    for number, name in enumerate(PAYERS):
        payer = builder.organization("ins", name, CITIES[0], number)
        world.payers.append(builder.shared(payer, name))
    for key in FORMULARY:
        builder.medication(key)
    for number, city in enumerate(cities):
        site = Site(city)
        name = f"{dice.pick(_places['hospitals'])} Teaching Hospital of {city[0]}"
        owner = builder.organization("prov", name, city, number)
        site.organization = builder.shared(owner, name)
        for ward in WARDS:
            builder.location(site, ward, number, owner)
        world.sites.append(site)
    number = 0
    for site in world.sites:
        for department, row in _departments.items():
            for _ in range(row[4]):
                number += 1
                builder.practitioner(site, department, number)
    return world
