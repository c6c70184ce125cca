"""Visits: booking, opening, closing, and what takes up a lasting condition.

https://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from conformance.population.clock import DAY, YEAR
from conformance.population.codes.tables import TERMINOLOGY, Json, coding, hl7
from conformance.population.record.billing import claim
from conformance.population.record.chart import Act, Chart, Chronic, Visit
from conformance.population.record.labs import perform
from conformance.population.record.problems import diagnose

_CLASSES = {
    "AMB": coding(f"{TERMINOLOGY}v3-ActCode", "AMB", "ambulatory"),
    "EMER": coding(f"{TERMINOLOGY}v3-ActCode", "EMER", "emergency"),
    "IMP": coding(f"{TERMINOLOGY}v3-ActCode", "IMP", "inpatient encounter"),
}
_WARDS = {"AMB": "clinic", "EMER": "emergency", "IMP": "hospital"}
_PERFORMER = [hl7("v3-ParticipationType", "PPRF", "primary performer")]
_HOME = hl7("discharge-disposition", "home", "Home")
_EXPIRED = hl7("discharge-disposition", "exp", "Expired")
_URGENT = hl7("v3-ActPriority", "EM", "emergency")
_ROUTINE = hl7("v3-ActPriority", "R", "routine")


def book(chart: Chart, when: int, kind: str, act: Act) -> None:
    """An office visit on a weekday."""
    chart.at(chart.office(when), lambda then: meet(chart, then, kind, act))


def meet(chart: Chart, when: int, kind: str, act: Act, *, hours: float = 0) -> None:
    """A visit now, unless the patient is in hospital: then a few days after discharge."""
    if when < chart.busy:
        later = chart.office(chart.busy + DAY * chart.dice.whole(2, 5))
        chart.at(later, lambda then: meet(chart, then, kind, act, hours=hours))
        return
    visit = Visit(chart, kind, when, hours=hours)
    if visit.end > chart.end and not hours:
        return
    for tide in chart.tides:
        tide(when)
    _open(visit)
    act(visit)
    _close(visit)
    chart.busy = visit.end


def lasting(chart: Chart, chronic: Chronic, lag: float) -> None:
    """Diagnosed `lag` years after onset, or at the first visit if that was long ago."""
    found = chronic.onset + int(lag * YEAR)
    chart.onsets[chronic.key] = chronic.onset
    if found <= chart.first_visit:
        chart.history.append(chronic)
        return
    chart.pending[chronic.key] = chronic
    chart.at(chart.office(found), lambda when: _find(chart, when, chronic))


def _find(chart: Chart, when: int, chronic: Chronic) -> None:
    """By symptoms, unless a checkup has found it before."""
    if chronic.key in chart.pending:
        meet(chart, when, "problem", lambda visit: take_up(visit, chronic))


def take_up(visit: Visit, chronic: Chronic) -> None:
    """The diagnosis and the first review."""
    if visit.chart.pending.pop(chronic.key, None) is None and chronic.key in visit.chart.chronic:
        return
    diagnose(visit, chronic.key, chronic.onset)
    visit.chart.chronic[chronic.key] = chronic
    chronic.review(visit)


def _open(visit: Visit) -> None:
    chart, when = visit.chart, visit.chart.stamp(visit.start)
    ongoing = visit.end > chart.now
    visit.end = min(visit.end, chart.end)
    period = {"start": when} if ongoing else {"start": when, "end": chart.stamp(visit.end)}
    doctor = {
        "type": _PERFORMER,
        "period": period,
        "individual": visit.clinician.practitioner,
    }
    code = visit.kind.code
    elements: Json = {
        "status": "in-progress" if ongoing else "finished",
        "class": _CLASSES[code],
        "type": [visit.kind.type],
        "priority": _ROUTINE if code == "AMB" else _URGENT,
        "subject": chart.subject,
        "participant": [doctor],
        "period": period,
        "location": [{"location": chart.person.site.locations[_WARDS[code]]}],
        "serviceProvider": chart.person.site.organization,
    }
    visit.encounter = chart.new("Encounter", "us-core-encounter", **elements)
    visit.encounter["identifier"] = [
        {
            "use": "official",
            "system": "http://example.org/fhir/population/encounter",
            "value": visit.encounter["id"],
        }
    ]
    visit.reference = chart.own(visit.encounter)
    visit.charge(visit.kind.type, visit.kind.price)


def _close(visit: Visit) -> None:
    encounter, chart = visit.encounter, visit.chart
    if visit.wanted:
        perform(visit)
    if visit.reasons:
        encounter["reasonCode"] = [visit.reasons[0]["code"]]
        encounter["diagnosis"] = [
            {"condition": chart.own(problem), "rank": rank}
            for rank, problem in enumerate(visit.reasons[:4], 1)
        ]
    if encounter["status"] == "in-progress":
        return
    if visit.kind.code == "IMP":
        died = chart.death is not None and visit.end >= chart.end
        encounter["hospitalization"] = {"dischargeDisposition": _EXPIRED if died else _HOME}
    claim(visit)
