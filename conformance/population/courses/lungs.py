"""Asthma from childhood on and COPD of smokers, both with exacerbations.

https://ginasthma.org/reports/ https://goldcopd.org/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, YEAR
from conformance.population.record.care import plan_care, procedure
from conformance.population.record.chart import Chronic
from conformance.population.record.drugs import prescribe
from conformance.population.record.findings import observe, signs
from conformance.population.record.problems import diagnose
from conformance.population.record.schedule import lasting, meet
from conformance.population.record.stay import Stay, admit

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_ASTHMA = ((1, 0.007), (6, 0.004), (14, 0.0015), (40, 0.0008))
_COPD = ((40, 0.004), (50, 0.011), (60, 0.02), (70, 0.024))
_SEVERE = Stay(
    "copd_exacerbation",
    (3, 7),
    severity=0.35,
    labs=("blood_count", "basic_metabolic"),
    procedures=("chest_x_ray", "oxygen"),
    recovery=(7, 20),
)


class Asthma:
    """A reliever for all, a controller for the persistent, an attack now and then."""

    def __init__(self, chart: Chart, onset: int) -> None:
        self.chart = chart
        self.onset = onset
        self.persistent = chart.dice.chance(0.45)

    def tide(self, when: int) -> None:
        """Airways are a little narrow between attacks."""
        if when >= self.onset:
            body = self.chart.body
            body.fev1_ratio = min(body.fev1_ratio, 74 if self.persistent else 78)

    def review(self, visit: Visit) -> None:
        """Inhalers, spirometry every second year."""
        prescribe(visit, "albuterol", "asthma")
        if self.persistent:
            prescribe(visit, "fluticasone", "asthma")
        _spirometry(visit, "asthma")

    def attack(self, when: int) -> None:
        """An urgent visit, and the wait for the next."""
        chart = self.chart
        if "asthma" in chart.problems:
            meet(chart, when, "urgent_care", _attacked)
        chart.at(when + int(chart.dice.wait(0.25) * YEAR) + 20 * DAY, self.attack)


def _attacked(visit: Visit) -> None:
    chart = visit.chart
    ends = visit.start + chart.dice.whole(4, 12) * DAY
    problem = diagnose(visit, "asthma_attack", visit.start - 120, ends)
    resting = chart.body.saturation
    chart.body.saturation = chart.dice.between(90, 94)
    signs(visit, visit.start + 5)
    chart.body.saturation = resting
    prescribe(visit, "prednisone", problem, days=5)


def _spirometry(visit: Visit, key: str) -> None:
    chart = visit.chart
    if chart.age(visit.start) >= 6 and visit.start - chart.given.get("spirometry", 0) > 2 * YEAR:
        chart.given["spirometry"] = visit.start
        procedure(visit, "spirometry", chart.problems[key])
        observe(visit, "fev1_ratio", chart.dice.near(chart.body.fev1_ratio, 1.5))


class Copd:
    """The ratio of FEV1 to FVC lies below 70 % and falls."""

    def __init__(self, chart: Chart, onset: int) -> None:
        self.chart = chart
        self.onset = onset
        self.ratio = chart.dice.between(52, 66)

    def tide(self, when: int) -> None:
        """Where lung function and oxygen stand now."""
        if when < self.onset:
            return
        body, years = self.chart.body, (when - self.onset) / YEAR
        body.fev1_ratio = max(30, self.ratio - years * 0.8)
        body.saturation = min(body.saturation, max(88.5, 95 - years * 0.25))

    def review(self, visit: Visit) -> None:
        """Inhalers, a care plan at the start, spirometry."""
        chart = visit.chart
        if "fluticasone_salmeterol" not in chart.drugs:
            plan_care(visit, "copd", chart.problems["copd"])
        prescribe(visit, "fluticasone_salmeterol", "copd")
        prescribe(visit, "albuterol", "copd")
        _spirometry(visit, "copd")

    def flare(self, when: int) -> None:
        """Steroids at home, or a stay."""
        chart = self.chart
        if "copd" in chart.problems:
            if chart.dice.chance(0.3):
                admit(chart, when, _SEVERE)
            else:
                meet(chart, when, "symptom", _flared)
        chart.at(when + int(chart.dice.wait(0.5) * YEAR) + 30 * DAY, self.flare)


def _flared(visit: Visit) -> None:
    ends = visit.start + visit.chart.dice.whole(6, 16) * DAY
    problem = diagnose(visit, "copd_exacerbation", visit.start - 2 * DAY, ends)
    signs(visit, visit.start + 5)
    prescribe(visit, "prednisone", problem, days=5)
    prescribe(visit, "azithromycin", problem, days=5)


def plan(chart: Chart) -> None:
    """COPD strikes those who smoke or smoked."""
    dice = chart.dice
    begins = dice.first(_ASTHMA)
    if begins is not None:
        asthma = Asthma(chart, chart.born_plus(begins))
        chart.tides.append(asthma.tide)
        lasting(chart, Chronic("asthma", asthma.onset, asthma.review, 0.6), dice.between(0.02, 0.8))
        first = max(asthma.onset, chart.first_visit) + int(dice.wait(0.3) * YEAR) + 90 * DAY
        chart.at(first, asthma.attack)
    factor = {"never": 0.06, "former": 0.8, "current": 1.3}[chart.person.smoking]
    begins = dice.first(_COPD, factor)
    if begins is not None:
        copd = Copd(chart, chart.born_plus(begins))
        chart.tides.append(copd.tide)
        lasting(chart, Chronic("copd", copd.onset, copd.review, 0.5), dice.between(0.3, 3))
        first = max(copd.onset, chart.first_visit) + int(dice.wait(0.5) * YEAR) + 120 * DAY
        chart.at(first, copd.flare)
