"""The Patient, marked as synthetic, and their next of kin.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.population.codes.tables import Json, coding, hl7
from conformance.population.meta import US_CORE
from conformance.population.world import address, phone, street

if TYPE_CHECKING:
    from conformance.population.dice import Dice
    from conformance.population.person import Person
    from conformance.population.record.chart import Chart

_CDC = "urn:oid:2.16.840.1.113883.6.238"
_MEDICAL_RECORD = hl7("v2-0203", "MR", "Medical Record Number")
_SOCIAL_SECURITY = hl7("v2-0203", "SS", "Social Security number")
_MARITAL = {
    "S": hl7("v3-MaritalStatus", "S", "Never Married"),
    "M": hl7("v3-MaritalStatus", "M", "Married"),
    "D": hl7("v3-MaritalStatus", "D", "Divorced"),
    "W": hl7("v3-MaritalStatus", "W", "Widowed"),
}
_SPOUSE = hl7("v3-RoleCode", "SPS", "spouse")
_MOTHER = hl7("v3-RoleCode", "MTH", "mother")
_FATHER = hl7("v3-RoleCode", "FTH", "father")


def _group(name: str, code: str, display: str) -> Json:
    """The race or ethnicity extension of US Core."""
    return {
        "url": f"{US_CORE}us-core-{name}",
        "extension": [
            {"url": "ombCategory", "valueCoding": coding(_CDC, code, display)},
            {"url": "text", "valueString": display},
        ],
    }


def _race(code: str, display: str) -> Json:
    if code != "2131-1":
        return _group("race", code, display)
    # Other Race is no OMB category: US Core has it under `detailed`, with the text required.
    found = _group("race", code, display)
    found["extension"] = found["extension"][1:]
    return found


def _extensions(person: Person) -> list[Json]:
    return [
        _race(*person.group["race"]),
        _group("ethnicity", *person.group["ethnicity"]),
        {"url": f"{US_CORE}us-core-birthsex", "valueCode": person.sex[0].upper()},
    ]


def _names(person: Person) -> list[Json]:
    used = {"use": "official", "family": person.family, "given": person.given}
    if not person.maiden:
        return [used]
    return [used, {"use": "maiden", "family": person.maiden, "given": person.given}]


def _contact(chart: Chart, name: Json, relation: list[Json]) -> Json:
    number = phone(chart.person.site.city, chart.dice)
    return {
        "relationship": relation,
        "name": name,
        "telecom": [{"system": "phone", "value": number, "use": "mobile"}],
    }


def _kin(chart: Chart, when: int) -> tuple[Json, Json, str] | None:
    """Relationship, name and gender of a spouse, or of a child's parent."""
    person, dice = chart.person, chart.dice
    if person.age(when) < 18:
        parent = dice.pick(("female", "male"))
        relation = _MOTHER if parent == "female" else _FATHER
    elif person.marital == "M":
        parent = "male" if person.sex == "female" else "female"
        relation = _SPOUSE
    else:
        return None
    given = dice.pick(person.group[parent])
    return relation, {"use": "official", "family": person.family, "given": [given]}, parent


def register(chart: Chart) -> None:
    """The Patient comes first in the chart; RelatedPerson follows."""
    person, dice = chart.person, chart.dice
    patient = chart.patient
    city = person.site.city
    home = address(city, street(dice))
    home |= {"use": "home", "period": {"start": chart.day(chart.begin)}}
    record = f"SYN-{dice.getrandbits(40):010x}"
    language, spoken = person.group["language"]
    patient |= {
        "extension": _extensions(person),
        "identifier": _identifiers(record, dice, chart.age(chart.begin)),
        "active": chart.death is None,
        "name": _names(person),
        "telecom": _telecom(city, dice, record),
        "gender": person.sex,
        "birthDate": chart.day(person.born),
        "address": [home],
        "maritalStatus": _MARITAL[person.marital],
        "communication": [
            {"language": {"coding": [coding("urn:ietf:bcp:47", language, spoken)], "text": spoken}}
        ],
        "generalPractitioner": [chart.clinician(chart.home).practitioner],
        "managingOrganization": person.site.organization,
    }
    if chart.death is not None:
        patient["deceasedDateTime"] = chart.stamp(chart.death)
    kin = _kin(chart, chart.end)
    if kin is not None:
        relation, name, gender = kin
        patient["contact"] = [_contact(chart, name, [relation])]
        _related(chart, relation, name, gender)


def _identifiers(record: str, dice: Dice, age: float) -> list[Json]:
    system = "http://example.org/fhir/population/mrn"
    found = [{"use": "usual", "type": _MEDICAL_RECORD, "system": system, "value": record}]
    if age > 1:
        # Numbers starting with 9 are never issued.
        number = f"9{dice.whole(0, 99):02d}-{dice.whole(10, 99)}-{dice.whole(1000, 9999)}"
        system = "http://hl7.org/fhir/sid/us-ssn"
        found.append({"type": _SOCIAL_SECURITY, "system": system, "value": number})
    return found


def _telecom(city: list[Any], dice: Dice, record: str) -> list[Json]:
    return [
        {"system": "phone", "value": phone(city, dice), "use": "home"},
        {"system": "email", "value": f"{record.lower()}@example.org", "use": "home"},
    ]


def _related(chart: Chart, relation: Json, name: Json, gender: str) -> None:
    chart.new(
        "RelatedPerson",
        "us-core-relatedperson",
        active=True,
        patient=chart.subject,
        relationship=[relation],
        name=[name],
        gender=gender,
        address=chart.patient["address"],
    )
