"""A hospital stay: signs every six hours, daily labs, doses, procedures, discharge.

https://hl7.org/fhir/R4/encounter.html#hospitalization
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

from conformance.population.clock import DAY, HOUR
from conformance.population.codes.tables import DRUGS
from conformance.population.record.care import procedure
from conformance.population.record.drugs import administer
from conformance.population.record.findings import observe, signs
from conformance.population.record.labs import draw
from conformance.population.record.notes import note, provenance
from conformance.population.record.paper import account
from conformance.population.record.problems import diagnose
from conformance.population.record.rapid import rapid_test
from conformance.population.record.schedule import meet

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.population.codes.tables import Json
    from conformance.population.record.chart import Chart, Visit

    After = Callable[[Visit, Json], None]


@dataclass(frozen=True, slots=True)
class Stay:
    """What a reason for admission brings with it; `days` is the range of its length."""

    key: str
    days: tuple[int, int]
    severity: float = 0.0
    drugs: tuple[str, ...] = ()
    labs: tuple[str, ...] = ("basic_metabolic", "blood_count")
    procedures: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    recovery: tuple[int, int] = (7, 30)
    elective: bool = False
    lasting: bool = False
    """The diagnosis stays on the problem list."""


def admit(
    chart: Chart, when: int, stay: Stay, after: After | None = None, problem: Json | None = None
) -> None:
    """Through the emergency department unless elective; `after` adds what a course knows."""
    if not stay.elective:
        meet(chart, when, "emergency", lambda visit: _emergency(visit, stay, after))
        return
    hours = _hours(chart, stay)
    meet(chart, when, "elective", lambda visit: _stay(visit, stay, after, problem), hours=hours)


def _hours(chart: Chart, stay: Stay) -> float:
    return chart.dice.between(*stay.days) * 24


def _emergency(visit: Visit, stay: Stay, after: After | None) -> None:
    chart = visit.chart
    chart.body.infection = stay.severity
    problem = chart.problems.get(stay.key)
    if problem is None:
        ends = None if stay.lasting else visit.end + chart.dice.whole(*stay.recovery) * DAY
        onset = max(chart.person.born, visit.start - chart.dice.whole(3, 40) * HOUR)
        problem = diagnose(visit, stay.key, onset, ends)
    else:
        visit.about(stay.key)
    signs(visit, visit.start + 10)
    observe(visit, "pain", chart.dice.whole(2, 8), visit.start + 10)
    for test in stay.tests:
        rapid_test(visit, test)
    visit.order("basic_metabolic", "blood_count", *(("crp", "lactate") if stay.severity else ()))
    chart.body.infection = 0.0
    known = problem
    hours = _hours(chart, stay)
    chart.at(
        visit.end + 30,
        lambda then: meet(
            chart, then, "admission", lambda ward: _stay(ward, stay, after, known), hours=hours
        ),
    )


def _stay(visit: Visit, stay: Stay, after: After | None, problem: Json | None = None) -> None:
    chart = visit.chart
    known = problem
    if known is None:
        known = chart.problems.get(stay.key)
    if known is None:
        ends = None if stay.lasting else visit.end + chart.dice.whole(*stay.recovery) * DAY
        known = diagnose(visit, stay.key, visit.start, ends)
    elif known not in visit.reasons:
        visit.reasons.append(known)
    _series(visit, stay, known)
    for at, key in enumerate(stay.procedures):
        start = visit.start + 5 * HOUR + at * 4 * HOUR
        if start + 4 * HOUR < visit.end:
            procedure(visit, key, known, start)
    if after is not None:
        after(visit, known)
    account(visit)
    if visit.encounter["status"] == "finished":
        provenance(
            chart,
            [visit.encounter, note(visit, "discharge")],
            visit.end,
            visit.clinician.practitioner,
        )


def _series(visit: Visit, stay: Stay, problem: Json) -> None:
    chart = visit.chart
    for when in range(visit.start + 30, visit.end - 30, 6 * HOUR):
        hours = (when - visit.start) / HOUR
        chart.body.infection = stay.severity * exp(-hours / 40)
        signs(visit, when)
        if (when - visit.start) % DAY == 30:
            draw(visit, [*stay.labs, *(("crp",) if stay.severity else ())], when + 60)
    for drug in stay.drugs:
        if (
            drug == "piperacillin_tazobactam"
            and chart.onsets.get("penicillin", visit.end) < visit.end
        ):
            continue
        gap = int(DAY / max(1, DRUGS[drug].daily))
        for when in range(visit.start + 2 * HOUR, visit.end - HOUR, gap):
            administer(visit, drug, problem, when)
    chart.body.infection = 0.0
