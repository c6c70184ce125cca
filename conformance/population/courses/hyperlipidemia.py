"""Hyperlipidaemia: LDL cholesterol raised, then lowered by a statin.

https://doi.org/10.1161/CIR.0000000000000625
"""

from __future__ import annotations

from conformance.population.record.care import plan_care
from conformance.population.record.chart import Chart, Chronic, Visit
from conformance.population.record.drugs import prescribe, stop
from conformance.population.record.schedule import lasting

_RATES = ((25, 0.004), (35, 0.014), (45, 0.025), (55, 0.03), (70, 0.02))


class Hyperlipidemia:
    """Which statin is taken decides how far LDL falls."""

    def __init__(self, chart: Chart, onset: int) -> None:
        self.chart = chart
        self.onset = onset
        self.raised = chart.dice.between(150, 205)
        self.triglycerides = chart.body.triglycerides + chart.dice.between(20, 110)
        self.statin = ""

    def tide(self, when: int) -> None:
        """Where LDL cholesterol and triglycerides stand now."""
        if when < self.onset:
            return
        body, taken = self.chart.body, 0.5 + 0.5 * self.chart.person.diligence
        cut = {"": 0.0, "simvastatin": 0.28, "atorvastatin": 0.46}[self.statin]
        body.ldl = self.raised * (1 - cut * taken) * self.chart.dice.near(1, 0.04)
        body.triglycerides = self.triglycerides * (1 - cut * 0.4)

    def review(self, visit: Visit) -> None:
        """A statin, a stronger one if that is not enough."""
        chart = visit.chart
        if not self.statin:
            plan_care(visit, "hyperlipidemia", chart.problems["hyperlipidemia"])
            self.statin = "simvastatin" if chart.dice.chance(0.4) else "atorvastatin"
            prescribe(visit, self.statin, "hyperlipidemia")
        elif self.statin == "simvastatin" and chart.body.ldl > 125:
            stop(visit, "simvastatin")
            self.statin = "atorvastatin"
            prescribe(visit, "atorvastatin", "hyperlipidemia")
        visit.order("lipids")


def plan(chart: Chart) -> None:
    """More likely with weight."""
    factor = 0.8 + max(0.0, chart.body.adult_bmi - 25) * 0.04
    age = chart.dice.first(_RATES, factor)
    if age is None:
        return
    course = Hyperlipidemia(chart, chart.born_plus(age))
    chart.tides.append(course.tide)
    chronic = Chronic("hyperlipidemia", course.onset, course.review, 0.9)
    lasting(chart, chronic, chart.dice.between(0.2, 3))
