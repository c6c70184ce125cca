"""Acute infections: rates by age, a test where one exists, a short treatment, recovery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.population.clock import DAY, YEAR, date_of
from conformance.population.courses.allergies import allergic
from conformance.population.record.drugs import prescribe
from conformance.population.record.findings import signs
from conformance.population.record.problems import diagnose
from conformance.population.record.rapid import rapid_test
from conformance.population.record.schedule import meet

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit


@dataclass(frozen=True, slots=True)
class Infection:
    """`rates` are visits a year for children, adults and people over 65."""

    key: str
    rates: tuple[float, float, float]
    days: tuple[int, int]
    severity: float
    drug: str
    course: int
    test: str = ""
    sex: str = ""
    winter: bool = False


INFECTIONS = (
    Infection("bronchitis", (0.10, 0.07, 0.08), (8, 20), 0.3, "acetaminophen", 10, winter=True),
    Infection("sinusitis", (0.06, 0.07, 0.05), (7, 18), 0.2, "ibuprofen", 7, winter=True),
    Infection(
        "viral_pharyngitis", (0.16, 0.05, 0.02), (5, 12), 0.25, "acetaminophen", 5, winter=True
    ),
    Infection("strep_throat", (0.09, 0.02, 0.005), (6, 12), 0.45, "amoxicillin", 10, "strep"),
    Infection("otitis_media", (0.14, 0.01, 0.004), (7, 14), 0.35, "amoxicillin", 10),
    Infection(
        "urinary_infection",
        (0.02, 0.07, 0.11),
        (4, 9),
        0.2,
        "trimethoprim_sulfamethoxazole",
        3,
        "urine_culture",
        "female",
    ),
    Infection("gastroenteritis", (0.06, 0.03, 0.02), (2, 6), 0.25, "acetaminophen", 3),
    Infection("cellulitis", (0.01, 0.015, 0.03), (8, 16), 0.4, "cephalexin", 7),
    Infection(
        "influenza", (0.05, 0.03, 0.03), (6, 14), 0.6, "acetaminophen", 5, "flu_a", winter=True
    ),
    Infection("covid", (0.03, 0.04, 0.05), (8, 21), 0.5, "acetaminophen", 7, "sars_cov_2"),
)
_FIRST_COVID = 737_500 * DAY
"""March 2020: nobody has it before."""


def plan(chart: Chart) -> None:
    """Each infection strikes again and again, at its own rate."""
    for infection in INFECTIONS:
        if not infection.sex or infection.sex == chart.person.sex:
            _next(chart, infection, chart.begin)


def _rate(chart: Chart, infection: Infection, when: int) -> float:
    age = chart.age(when)
    return infection.rates[0 if age < 15 else 1 if age < 65 else 2]


def _next(chart: Chart, infection: Infection, after: int) -> None:
    wait = chart.dice.wait(_rate(chart, infection, after))
    when = after + int(wait * YEAR) + DAY
    if infection.winter and 4 <= date_of(when).month <= 9:
        when += 180 * DAY
    if infection.key == "covid" and when < _FIRST_COVID:
        when = _FIRST_COVID + int(wait * YEAR)
    if when < chart.end:
        chart.at(chart.office(when), lambda then: _fall_ill(chart, infection, then))


def _fall_ill(chart: Chart, infection: Infection, when: int) -> None:
    kind = "urgent_care" if chart.dice.chance(0.35) else "symptom"
    meet(chart, when, kind, lambda visit: _treat(visit, infection))
    _next(chart, infection, when + 30 * DAY)


def _treat(visit: Visit, infection: Infection) -> None:
    chart, dice = visit.chart, visit.chart.dice
    onset = max(chart.person.born, visit.start - dice.whole(1, 4) * DAY)
    ends = visit.start + dice.whole(*infection.days) * DAY
    problem = diagnose(visit, infection.key, onset, ends)
    chart.body.infection = infection.severity * dice.between(0.7, 1.2)
    signs(visit, visit.start + 5)
    if infection.test:
        rapid_test(visit, infection.test)
    reacts = infection.drug == "amoxicillin" and allergic(chart, "penicillin", visit.start)
    drug = "azithromycin" if reacts else infection.drug
    prescribe(visit, drug, problem, days=infection.course)
    chart.body.infection = 0.0
