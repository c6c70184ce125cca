"""What surrounds care: episodes, accounts, appointments.

https://hl7.org/fhir/R4/administration-module.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, YEAR
from conformance.population.codes.tables import VISITS, Json, hl7

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_INPATIENT_ACCOUNT = hl7("v3-ActCode", "PBILLACCT", "patient billing account")
_MAIN = hl7("diagnosis-role", "CC", "Chief complaint")
_CHECKUP = hl7("v2-0276", "CHECKUP", "A routine check-up, such as an annual physical")
_FOLLOW_UP = hl7("v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment")


def episode(visit: Visit, problem: Json, ends: int | None = None) -> Json:
    """Care for one problem over many encounters; the visit is its first."""
    chart = visit.chart
    over = ends is not None and ends < chart.end
    period = {"start": chart.stamp(visit.start)}
    if over and ends is not None:
        period["end"] = chart.stamp(ends)
    found = chart.new(
        "EpisodeOfCare",
        "",
        status="finished" if over else "active",
        diagnosis=[{"condition": chart.own(problem), "role": _MAIN, "rank": 1}],
        patient=chart.subject,
        managingOrganization=chart.person.site.organization,
        period=period,
        careManager=visit.clinician.practitioner,
    )
    join(visit, found)
    return found


def join(visit: Visit, found: Json) -> None:
    """Make the visit part of an episode."""
    visit.encounter.setdefault("episodeOfCare", []).append(visit.chart.own(found))


def account(visit: Visit) -> None:
    """The account of a stay."""
    chart = visit.chart
    found = chart.new(
        "Account",
        "",
        status="inactive" if visit.encounter["status"] == "finished" else "active",
        type=_INPATIENT_ACCOUNT,
        name=f"Stay of {chart.day(visit.start)}",
        subject=[chart.subject],
        servicePeriod=visit.encounter["period"],
        owner=chart.person.site.organization,
    )
    if chart.coverage is not None:
        found["coverage"] = [{"coverage": chart.coverage, "priority": 1}]
    visit.encounter["account"] = [chart.own(found)]


def appointment(chart: Chart, when: int, kind: str, *, visit: Visit | None = None) -> None:
    """Kept, when it led to a visit; else booked, of which only the living have any."""
    named = VISITS[kind]
    start = chart.office(when) if visit is None else visit.start
    end = start + named.minutes
    created = min(start, chart.now) - 14 * DAY
    if visit is None and not chart.now <= start <= chart.now + int(YEAR):
        return
    doctor = chart.clinician(named.department).practitioner
    members: list[Json] = [
        {"actor": chart.subject, "required": "required", "status": "accepted"},
        {"actor": doctor, "required": "required", "status": "accepted"},
        {"actor": chart.person.site.locations["clinic"], "status": "accepted"},
    ]
    found = chart.new(
        "Appointment",
        "",
        status="booked" if visit is None else "fulfilled",
        serviceType=[named.type],
        appointmentType=_FOLLOW_UP if kind == "follow_up" else _CHECKUP,
        start=chart.stamp(start),
        end=chart.stamp(end),
        minutesDuration=named.minutes,
        created=chart.stamp(max(created, chart.person.born)),
        participant=members,
    )
    if visit is not None:
        visit.encounter["appointment"] = [chart.own(found)]
