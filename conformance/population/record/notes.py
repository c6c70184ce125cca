"""Clinical notes as DocumentReference with their Provenance.

https://hl7.org/fhir/R4/documentreference.html
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING

from conformance.population.codes.tables import LOINC, TERMINOLOGY, Json, coding, concept, hl7

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_TYPES = {
    "progress": concept(LOINC, "11506-3", "Progress note"),
    "history": concept(LOINC, "34117-2", "History and physical note"),
    "discharge": concept(LOINC, "18842-5", "Discharge summary"),
}
_CLINICAL_NOTE = [
    {
        "coding": [
            coding(
                "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                "clinical-note",
                "Clinical Note",
            )
        ]
    }
]
_AUTHOR = hl7("provenance-participant-type", "author", "Author")
_CREATE = {
    "coding": [coding(f"{TERMINOLOGY}v3-DataOperation", "CREATE", "create")],
}


def note(visit: Visit, kind: str) -> Json:
    """What the visit was about, in words taken from the record itself."""
    chart = visit.chart
    data = _words(visit).encode()
    when = chart.stamp(visit.end)
    attachment = {
        "contentType": "text/plain; charset=utf-8",
        "data": b64encode(data).decode(),
        "size": len(data),
        # Attachment.hash is SHA-1 by the specification.
        "hash": b64encode(sha1(data, usedforsecurity=False).digest()).decode(),
        "title": _TYPES[kind]["text"],
        "creation": when,
    }
    return chart.new(
        "DocumentReference",
        "us-core-documentreference",
        status="current",
        docStatus="final",
        type=_TYPES[kind],
        category=_CLINICAL_NOTE,
        subject=chart.subject,
        date=when,
        author=[visit.clinician.practitioner],
        custodian=chart.person.site.organization,
        content=[{"attachment": attachment}],
        context={"encounter": [visit.reference], "period": visit.encounter["period"]},
    )


def _words(visit: Visit) -> str:
    chart = visit.chart
    person = chart.person
    problems = ", ".join(problem["code"]["text"] for problem in chart.problems.values())
    today = ", ".join(reason["code"]["text"] for reason in visit.reasons)
    taken = (order["medicationCodeableConcept"]["text"] for order in chart.drugs.values())
    return (
        "SYNTHETIC RECORD: this patient does not exist.\n"
        f"{chart.day(visit.start)} {visit.kind.type['text']}\n"
        f"{person.given[0]} {person.family}, {person.sex}, {int(chart.age(visit.start))} years.\n"
        f"Seen for: {today or 'routine care'}.\n"
        f"Known problems: {problems or 'none'}.\n"
        f"Medicines: {', '.join(taken) or 'none'}.\n"
        f"Tobacco: {person.smoking}.\n"
    )


def provenance(chart: Chart, targets: list[Json], when: int, agent: Json) -> None:
    """Who wrote these resources, on whose behalf."""
    chart.new(
        "Provenance",
        "us-core-provenance",
        target=[chart.own(target) for target in targets],
        recorded=chart.stamp(when),
        activity=_CREATE,
        agent=[
            {"type": _AUTHOR, "who": agent, "onBehalfOf": chart.person.site.organization},
        ],
    )
