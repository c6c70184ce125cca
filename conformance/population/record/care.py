"""Procedures, immunizations, implants, care plans with goals and teams.

https://hl7.org/fhir/R4/careprovision-module.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from conformance.population.clock import DAY
from conformance.population.codes.tables import (
    MEASURES,
    PLANS,
    PROCEDURES,
    SNOMED,
    VACCINES,
    Json,
    Plan,
    coding,
    concept,
    hl7,
    quantity,
)

if TYPE_CHECKING:
    from conformance.population.record.chart import Visit

_LEFT_ARM = hl7("v3-ActSite", "LA", "left arm")
_INTO_MUSCLE = hl7("v3-RouteOfAdministration", "IM", "Injection, intramuscular")
_ACHIEVING = hl7("goal-achievement", "improving", "Improving")
_ASSESS = {
    "coding": [
        coding(
            "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
            "assess-plan",
            "Assessment and Plan of Treatment",
        )
    ]
}
_AS_PATIENT = [concept(SNOMED, "116154003", "Patient (person)", "Patient")]


def procedure(visit: Visit, key: str, problem: Json | None = None, when: int | None = None) -> Json:
    """Done within the visit; `when` defaults to shortly after its start."""
    chart, named = visit.chart, PROCEDURES[key]
    start = when or visit.start + 10
    end = min(start + named.minutes, chart.end)
    found = chart.new(
        "Procedure",
        "us-core-procedure",
        status="completed",
        code=named.code,
        subject=chart.subject,
        encounter=visit.reference,
        performedPeriod={"start": chart.stamp(start), "end": chart.stamp(end)},
        performer=[{"actor": visit.clinician.practitioner}],
        location=visit.encounter["location"][0]["location"],
    )
    if problem is not None:
        found["reasonReference"] = [chart.own(problem)]
    visit.charge(named.code, named.price)
    return found


def immunize(visit: Visit, key: str) -> None:
    """One dose, counted in `given`."""
    chart, named = visit.chart, VACCINES[key]
    chart.given[key] = chart.given.get(key, 0) + 1
    ordinal = visit.start // DAY
    expires = visit.start + DAY * (180 + ordinal % 200)
    chart.new(
        "Immunization",
        "us-core-immunization",
        status="completed",
        vaccineCode=named.code,
        patient=chart.subject,
        encounter=visit.reference,
        occurrenceDateTime=chart.stamp(visit.start + 15),
        recorded=chart.stamp(visit.start + 15),
        primarySource=True,
        location=visit.encounter["location"][0]["location"],
        lotNumber=f"SYN{ordinal % 9973:04d}",
        expirationDate=chart.day(expires),
        site=_LEFT_ARM,
        route=_INTO_MUSCLE,
        doseQuantity=_HALF_MILLILITRE,
        performer=[{"actor": visit.clinician.practitioner}],
        protocolApplied=[{"doseNumberPositiveInt": chart.given[key]}],
    )
    visit.charge(named.code, named.price)


_HALF_MILLILITRE = quantity(Decimal("0.5"), "mL")


def _goal(visit: Visit, plan: Plan, problem: Json) -> Json:
    chart = visit.chart
    goal = chart.new(
        "Goal",
        "us-core-goal",
        lifecycleStatus="active",
        achievementStatus=_ACHIEVING,
        description={"text": plan.goal},
        subject=chart.subject,
        startDate=chart.day(visit.start),
        addresses=[chart.own(problem)],
        expressedBy=visit.clinician.practitioner,
    )
    if plan.measure:
        measure = MEASURES[plan.measure]
        aim = quantity(Decimal(str(plan.target)), measure.unit)
        due = visit.start + 365 * DAY
        end = "low" if plan.measure == "saturation" else "high"
        goal["target"] = [
            {"measure": measure.code, "detailRange": {end: aim}, "dueDate": chart.day(due)}
        ]
    return goal


def _team(visit: Visit, problem: Json) -> Json:
    chart = visit.chart
    members = [
        {"role": _AS_PATIENT, "member": chart.subject},
        {
            "role": [visit.clinician.function],
            "member": visit.clinician.practitioner,
            "onBehalfOf": chart.person.site.organization,
        },
    ]
    return chart.new(
        "CareTeam",
        "us-core-careteam",
        status="active",
        name=f"Care team for {problem['code']['text']}",
        subject=chart.subject,
        encounter=visit.reference,
        period={"start": chart.stamp(visit.start)},
        participant=members,
        reasonReference=[chart.own(problem)],
        managingOrganization=[chart.person.site.organization],
    )


def plan_care(visit: Visit, key: str, problem: Json, ends: int | None = None) -> None:
    """A care plan with its goal and team, open unless it ends within the record."""
    chart, plan = visit.chart, PLANS[key]
    over = ends is not None and ends < chart.end
    period = {"start": chart.stamp(visit.start)}
    if over and ends is not None:
        period["end"] = chart.stamp(ends)
    goal, team = _goal(visit, plan, problem), _team(visit, problem)
    if over:
        goal["lifecycleStatus"], team["status"], team["period"] = "completed", "inactive", period
    chart.new(
        "CarePlan",
        "us-core-careplan",
        text=_text(plan),
        status="completed" if over else "active",
        intent="order",
        category=[_ASSESS, plan.code],
        subject=chart.subject,
        encounter=visit.reference,
        period=period,
        author=visit.clinician.practitioner,
        careTeam=[chart.own(team)],
        addresses=[chart.own(problem)],
        goal=[chart.own(goal)],
        activity=[
            {"detail": {"code": code, "status": "completed" if over else "in-progress"}}
            for code in plan.activities
        ],
    )


def _text(plan: Plan) -> Json:
    steps = "; ".join(code["text"] for code in plan.activities)
    words = f"{plan.code['text']}: {steps}. Goal: {plan.goal}."
    safe = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{safe}</div>',
    }
