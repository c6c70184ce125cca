"""When a life ends, of what, and what the record shows of it.

https://doi.org/10.1098/rstl.1825.0026
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from conformance.population.clock import DAY, HOUR, YEAR
from conformance.population.codes.tables import CONDITIONS
from conformance.population.record.findings import died_of
from conformance.population.record.stay import Stay, admit

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart

_HAZARDS = {
    "heart_failure": 2.6,
    "colon_cancer": 3.5,
    "breast_cancer": 1.8,
    "dementia": 2.2,
    "copd": 1.7,
    "ckd": 1.4,
    "diabetes": 1.4,
    "atrial_fibrillation": 1.3,
    "coronary_disease": 1.3,
    "hypertension": 1.1,
}
"""How much a condition multiplies the risk of dying in a year."""

_CAUSES = (
    ("colon_cancer", 0.8),
    ("breast_cancer", 0.6),
    ("heart_failure", 0.6),
    ("copd", 0.4),
    ("dementia", 0.4),
    ("coronary_disease", 0.4),
)
"""Asked in this order: is it there, and is it the cause?"""

_SUDDEN = ("sepsis", "pneumonia", "myocardial_infarction", "stroke")


def fate(chart: Chart) -> None:
    """Gompertz: the yearly risk of dying doubles every eight years of age."""
    year = chart.begin
    while year < chart.now:
        age = chart.age(year + int(YEAR / 2))
        base = 0.00006 * exp(0.085 * age) + (0.004 if age < 1 else 0.0)
        risk, draw = min(0.6, base * _factor(chart, year)), chart.dice.random()
        if draw < risk:
            when = year + int(draw / risk * YEAR)
            if chart.first_visit + 30 * DAY < when < chart.now - DAY:
                _die(chart, when)
            return
        year += int(YEAR)


def _factor(chart: Chart, year: int) -> float:
    factor = 1.0 if chart.person.sex == "male" else 0.7
    if chart.person.smoking == "current":
        factor *= 1.7
    for key, hazard in _HAZARDS.items():
        if chart.onsets.get(key, chart.now) < year:
            factor *= hazard
    return factor


def _cause(chart: Chart, when: int) -> str:
    for key, share in _CAUSES:
        if chart.onsets.get(key, when) < when - YEAR / 2 and chart.dice.chance(share):
            return key
    return chart.dice.pick(_SUDDEN)


def _die(chart: Chart, when: int) -> None:
    """Half die in hospital, admitted up to a week before."""
    chart.death = chart.end = when
    cause = _cause(chart, when)
    if chart.dice.chance(0.5):
        lasting = CONDITIONS[cause].key in dict(_CAUSES)
        stay = Stay(cause, (9, 12), severity=0.6, drugs=("saline",), lasting=lasting)
        admitted = when - chart.dice.whole(12, 160) * HOUR
        chart.at(admitted, lambda then: admit(chart, then, stay))
    chart.at(when - 1, lambda _: died_of(chart, cause))
