"""Type 2 diabetes: HbA1c drifts up from prediabetes and is brought down step by step.

https://doi.org/10.2337/dc26-SINT
"""

from __future__ import annotations

from conformance.population.clock import YEAR
from conformance.population.record.care import plan_care
from conformance.population.record.chart import Chart, Chronic, Visit
from conformance.population.record.drugs import prescribe, stop
from conformance.population.record.problems import resolve
from conformance.population.record.schedule import book, lasting, take_up

_RATES = ((20, 0.0008), (30, 0.002), (40, 0.005), (50, 0.009), (60, 0.012), (75, 0.009))
_STEPS = ("metformin", "canagliflozin", "liraglutide", "insulin_glargine")
_EFFECTS = {"metformin": 1.1, "canagliflozin": 0.7, "liraglutide": 0.9, "insulin_glargine": 1.7}
_COMPLICATIONS = (
    ("diabetic_neuropathy", 0.022),
    ("diabetic_retinopathy", 0.018),
    ("diabetic_kidney", 0.02),
)


class Diabetes:
    """HbA1c is a function of time since onset and of the treatment taken so far."""

    def __init__(self, chart: Chart, onset: int) -> None:
        dice = chart.dice
        self.chart = chart
        self.onset = onset
        self.prediabetes = onset - int(dice.between(2, 6) * YEAR)
        self.base = chart.body.a1c
        self.start = dice.between(6.9, 8.4)
        self.drift = dice.between(0.08, 0.22)
        self.steps: list[str] = []
        self.complicated: set[str] = set()

    def tide(self, when: int) -> None:
        """Where HbA1c and triglycerides stand now."""
        body = self.chart.body
        if when < self.prediabetes:
            return
        if when < self.onset:
            body.a1c = max(5.75, self.base + 0.55)
            return
        untreated = self.start + self.drift * (when - self.onset) / YEAR
        taken = 0.4 + 0.6 * self.chart.person.diligence
        eased = sum(_EFFECTS[step] for step in self.steps) * taken
        body.a1c = max(6.0, min(12.5, untreated - eased))
        body.triglycerides = max(body.triglycerides, 150 + (body.a1c - 6) * 18)

    def early(self, visit: Visit) -> None:
        """Review of prediabetes."""
        visit.order("a1c")

    def review(self, visit: Visit) -> None:
        """Labs, the next step of treatment, complications."""
        chart = visit.chart
        if "prediabetes" in chart.problems:
            resolve(visit, "prediabetes")
        if not self.steps:
            plan_care(visit, "diabetes", chart.problems["diabetes"])
        visit.order("a1c", "basic_metabolic", "albumin_ratio")
        if not self.steps or chart.body.a1c > 7.4:
            self._step(visit)
        self._complicate(visit)

    def _step(self, visit: Visit) -> None:
        chart = self.chart
        if "metformin" in chart.drugs and chart.body.egfr(visit.start) < 30:
            stop(visit, "metformin")
        for key in _STEPS:
            unsafe = key in {"metformin", "canagliflozin"} and chart.body.egfr(visit.start) < 32
            if key not in self.steps and not unsafe:
                self.steps.append(key)
                prescribe(visit, key, "diabetes")
                return

    def _complicate(self, visit: Visit) -> None:
        chart = self.chart
        years = (visit.start - self.onset) / YEAR
        for key, rate in _COMPLICATIONS:
            gap = 0.25 if years > 4 else 0.0
            risk = rate * gap * max(0.4, chart.body.a1c - 6)
            if key not in self.complicated and chart.dice.chance(risk):
                self.complicated.add(key)
                follow = _neuropathy if key == "diabetic_neuropathy" else _nothing
                if key == "diabetic_kidney":
                    chart.body.albumin_ratio = chart.dice.between(60, 320)
                take_up(visit, Chronic(key, visit.start, follow, 0.5))


def _nothing(visit: Visit) -> None:
    del visit


def _neuropathy(visit: Visit) -> None:
    prescribe(visit, "gabapentin", "diabetic_neuropathy")


def plan(chart: Chart) -> None:
    """More likely with weight and by descent."""
    factor = 0.45 + max(0.0, chart.body.adult_bmi - 24) * 0.12
    if chart.person.group["ethnicity"][0] == "2135-2" or chart.person.group["race"][0] != "2106-3":
        factor *= 1.35
    age = chart.dice.first(_RATES, factor)
    if age is None:
        return
    course = Diabetes(chart, chart.born_plus(age))
    chart.tides.append(course.tide)
    found = course.prediabetes + int(0.7 * YEAR)
    if course.onset > chart.first_visit and chart.dice.chance(0.6):
        early = Chronic("prediabetes", course.prediabetes, course.early, 1.0)
        if found <= chart.first_visit:
            chart.history.append(early)
        else:
            book(chart, found, "problem", lambda visit: take_up(visit, early))
    chronic = Chronic("diabetes", course.onset, course.review, 0.3)
    lasting(chart, chronic, chart.dice.between(0.1, 1.2))
