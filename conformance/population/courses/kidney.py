"""Chronic kidney disease: filtration falls year by year through the stages to dialysis.

https://kdigo.org/guidelines/ckd-evaluation-and-management/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, YEAR
from conformance.population.record.care import procedure
from conformance.population.record.chart import Chronic
from conformance.population.record.drugs import prescribe, stop
from conformance.population.record.problems import diagnose, resolve
from conformance.population.record.schedule import lasting, meet

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_RATES = ((30, 0.0012), (45, 0.004), (55, 0.008), (65, 0.016), (75, 0.025))
_STAGES = ((15, "ckd_5"), (30, "ckd_4"), (60, "ckd_3"), (90, "ckd_2"))
_ORDER = ("ckd_2", "ckd_3", "ckd_4", "ckd_5")
_SESSION = 7 * DAY
"""Dialysis is recorded once a week, as a representative of three sessions."""


class Kidney:
    """The stage on the problem list, and how fast filtration is lost, mL/min/1.73 m2 a year."""

    def __init__(self, chart: Chart, onset: int) -> None:
        dice = chart.dice
        self.chart = chart
        self.onset = onset
        self.sudden = max(0.0, chart.body.egfr(onset) - dice.between(58, 86))
        self.loss = dice.between(0.6, 2.6) + (1.4 if "diabetes" in chart.onsets else 0.0)
        self.stage = _ORDER[0]
        self.dialysis = False

    def tide(self, when: int) -> None:
        """Where filtration and albuminuria stand now."""
        if when < self.onset:
            return
        body, years = self.chart.body, (when - self.onset) / YEAR
        body.egfr_lost = self.sudden + self.loss * years
        body.albumin_ratio = max(body.albumin_ratio, min(900, 30 + years * self.loss * 14))
        body.hemoglobin = min(body.hemoglobin, 8.6 + body.egfr(when) * 0.075)
        body.urate = max(body.urate, 7.4 - body.egfr(when) * 0.02)

    def now(self, when: int) -> str:
        """The stage that filtration puts the patient in."""
        found = self.chart.body.egfr(when)
        return next((stage for limit, stage in _STAGES if found < limit), "ckd_2")

    def review(self, visit: Visit) -> None:
        """Labs; a worse stage replaces the one on the list; dialysis at the last."""
        chart, stage = self.chart, self.now(visit.start)
        visit.order("basic_metabolic", "albumin_ratio", "blood_count")
        if _ORDER.index(stage) > _ORDER.index(self.stage):
            held = chart.chronic.get(self.stage)
            resolve(visit, self.stage)
            self.stage = stage
            diagnose(visit, stage, visit.start)
            if held is not None:
                held.key = stage
                chart.chronic[stage] = held
        if not chart.drugs.keys() & {"lisinopril", "losartan"}:
            prescribe(visit, "losartan", self.stage)
        if chart.body.egfr(visit.start) < 30 and "metformin" in chart.drugs:
            stop(visit, "metformin")
        if self.stage == "ckd_5" and not self.dialysis:
            self.dialysis = True
            chart.at(chart.office(visit.start + 10 * DAY), self._session)

    def _session(self, when: int) -> None:
        meet(self.chart, when, "outpatient_procedure", self._dialyse)
        self.chart.at(when + _SESSION, self._session)

    def _dialyse(self, visit: Visit) -> None:
        visit.about("ckd_5")
        procedure(visit, "dialysis", self.chart.problems.get("ckd_5"))


def plan(chart: Chart) -> None:
    """More likely with diabetes and hypertension, and only after them."""
    factor, floor = 0.5, 0
    for key, risk in (("diabetes", 3.0), ("hypertension", 1.7)):
        if key in chart.onsets:
            factor *= risk
            floor = max(floor, chart.onsets[key])
    age = chart.dice.first(_RATES, factor)
    if age is None:
        return
    onset = max(chart.born_plus(age), floor + int(YEAR))
    course = Kidney(chart, onset)
    chart.tides.append(course.tide)
    lag = chart.dice.between(0.3, 2)
    found = max(chart.first_visit, onset + int(lag * YEAR))
    course.tide(found)
    course.stage = course.now(found)
    chart.body.egfr_lost = 0.0
    lasting(chart, Chronic(course.stage, onset, course.review, 0.45), lag)
    chart.onsets["ckd"] = onset
