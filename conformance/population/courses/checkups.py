"""Checkups: children by schedule, adults every one to three years or as their illness asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, MONTH, YEAR
from conformance.population.record.care import procedure
from conformance.population.record.findings import smoking, survey, vitals
from conformance.population.record.notes import note, provenance
from conformance.population.record.paper import appointment
from conformance.population.record.schedule import book, take_up

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_CHILD_MONTHS = (0.1, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30, 36)


def plan(chart: Chart) -> None:
    """From the first visit on, each checkup books the next."""
    age = chart.age(chart.begin)
    if age < 3:
        for month in _CHILD_MONTHS:
            when = int(chart.person.born + month * MONTH + DAY * chart.dice.between(1, 6))
            if when >= chart.begin:
                book(chart, when, "well_child", _checkup)
        return
    book(chart, chart.first_visit, _kind(chart, chart.first_visit), _checkup)


def _kind(chart: Chart, when: int) -> str:
    if chart.chronic or chart.history:
        return "follow_up"
    return "well_child" if chart.age(when) < 18 else "checkup"


def _checkup(visit: Visit) -> None:
    chart = visit.chart
    vitals(visit)
    smoking(visit)
    known = list(chart.chronic.items())
    while chart.history:
        take_up(visit, chart.history.pop(0))
    for chronic in [held for held in chart.pending.values() if held.onset < visit.start]:
        take_up(visit, chronic)
    for key, chronic in known:
        visit.about(key)
        chronic.review(visit)
    yearly = visit.start - chart.given.get("yearly", 0) > 11 * MONTH
    if yearly:
        chart.given["yearly"] = visit.start
        _once_a_year(visit)
    for offer in chart.offers:
        offer(visit)
    if visit.kind.key == "follow_up" and visit.start > chart.now - 2 * YEAR:
        appointment(chart, visit.start, "follow_up", visit=visit)
    note(visit, "progress")
    if "registered" not in chart.given:
        chart.given["registered"] = visit.start
        provenance(chart, [chart.patient], visit.start, visit.clinician.practitioner)
    if chart.age(visit.start) >= 2.9:
        _next(visit)


def _once_a_year(visit: Visit) -> None:
    chart, age = visit.chart, visit.chart.age(visit.start)
    if chart.drugs:
        procedure(visit, "medication_reconciliation")
    if age >= 18:
        visit.order("comprehensive_metabolic", "blood_count")
        if age >= 35 or "hyperlipidemia" in chart.problems:
            visit.order("lipids")
        if age >= 40 and chart.body.bmi(visit.start) > 27:
            visit.order("a1c")
    elif 1 <= age < 2:
        visit.order("blood_count")
    if age >= 12 and chart.dice.chance(0.5):
        procedure(visit, "depression_screening")
        survey(visit, "phq9", chart.dice.near(chart.body.phq9, 1.2), 27)


def _next(visit: Visit) -> None:
    chart, dice = visit.chart, visit.chart.dice
    age, diligence = chart.age(visit.start), chart.person.diligence
    if chart.chronic:
        gap = min(chronic.every for chronic in chart.chronic.values()) / (0.4 + 0.6 * diligence)
    elif age < 18 or age > 60:
        gap = 1.0 / (0.35 + 0.65 * diligence)
    else:
        gap = 1.4 / diligence
    when = visit.start + int(gap * YEAR * dice.between(0.9, 1.15))
    kind = _kind(chart, when)
    if when >= chart.now and chart.death is None:
        appointment(chart, when, kind)
    else:
        book(chart, when, kind, _checkup)
