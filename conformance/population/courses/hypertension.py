"""Essential hypertension: pressure climbs until treated, in up to three steps.

https://doi.org/10.1161/HYP.0000000000000065
"""

from __future__ import annotations

from conformance.population.clock import YEAR
from conformance.population.record.care import plan_care
from conformance.population.record.chart import Chart, Chronic, Visit
from conformance.population.record.drugs import prescribe, stop
from conformance.population.record.schedule import lasting

_RATES = ((18, 0.003), (30, 0.012), (40, 0.024), (50, 0.036), (60, 0.05), (75, 0.05))
_STEPS = ("lisinopril", "hydrochlorothiazide", "amlodipine")
_EFFECT = 9.5
"""mmHg of systolic pressure for each drug taken reliably."""


class Hypertension:
    """Steps of treatment taken so far, and the rise that they work against."""

    def __init__(self, chart: Chart, onset: int) -> None:
        self.chart = chart
        self.onset = onset
        self.rise = chart.dice.near(27, 6)
        self.base = chart.body.systolic, chart.body.diastolic
        self.steps: list[str] = []

    def tide(self, when: int) -> None:
        """Where the pressure stands now."""
        body, person = self.chart.body, self.chart.person
        if when < self.onset:
            return
        risen = self.rise * min(1.0, 0.55 + (when - self.onset) / YEAR / 6)
        eased = len(self.steps) * _EFFECT * (0.5 + person.diligence / 2)
        shift = max(4.0, risen - eased)
        body.systolic = self.base[0] + shift
        body.diastolic = self.base[1] + shift * 0.55

    def review(self, visit: Visit) -> None:
        """The next step of treatment while the pressure is above its goal."""
        chart = visit.chart
        if not self.steps:
            plan_care(visit, "hypertension", chart.problems["hypertension"])
        goal = 138 if "diabetes" in chart.problems else 142
        if not self.steps or chart.body.pressure(visit.start)[0] > goal:
            self._step(visit)
        visit.order("basic_metabolic")

    def _step(self, visit: Visit) -> None:
        if len(self.steps) == len(_STEPS):
            return
        key = _STEPS[len(self.steps)]
        if key == "lisinopril" and self.chart.dice.chance(0.12):
            key = "losartan"
        self.steps.append(key)
        prescribe(visit, key, "hypertension")
        # The dry cough of ACE inhibitors: changed for a sartan at the next step.
        if (
            key == "hydrochlorothiazide"
            and "lisinopril" in self.steps
            and self.chart.dice.chance(0.08)
        ):
            stop(visit, "lisinopril")
            self.steps[self.steps.index("lisinopril")] = "losartan"
            prescribe(visit, "losartan", "hypertension")


def plan(chart: Chart) -> None:
    """More likely with weight and by descent."""
    body = chart.body
    factor = 0.7 + max(0.0, body.adult_bmi - 25) * 0.06
    if chart.person.group["race"][0] == "2054-5":
        factor *= 1.35
    age = chart.dice.first(_RATES, factor)
    if age is None:
        return
    course = Hypertension(chart, chart.born_plus(age))
    chart.tides.append(course.tide)
    chronic = Chronic("hypertension", course.onset, course.review, 0.5)
    lasting(chart, chronic, chart.dice.between(0.2, 2.5))
