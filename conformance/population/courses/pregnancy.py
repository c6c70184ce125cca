"""Pregnancies: prenatal visits, birth or loss, and what may go wrong on the way.

https://www.acog.org/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, HOUR, WEEK
from conformance.population.record.care import plan_care, procedure
from conformance.population.record.findings import coded, observe, signs
from conformance.population.record.paper import episode, join
from conformance.population.record.problems import diagnose
from conformance.population.record.schedule import book
from conformance.population.record.stay import Stay, admit

if TYPE_CHECKING:
    from conformance.population.codes.tables import Json
    from conformance.population.record.chart import Chart, Visit

_RATES = ((16, 0.025), (20, 0.07), (25, 0.1), (30, 0.1), (35, 0.05), (40, 0.012), (45, 0.0))
_WEEKS = (9, 13, 17, 21, 25, 28, 31, 34, 36, 38)


class Pregnancy:
    """Conception, the due date, and how it will end."""

    def __init__(self, chart: Chart, conceived: int) -> None:
        dice = chart.dice
        self.chart = chart
        self.conceived = conceived
        self.lost = dice.chance(0.11)
        self.diabetes = dice.chance(0.03 + max(0.0, chart.body.adult_bmi - 25) * 0.006)
        self.preeclampsia = dice.chance(0.04)
        self.cesarean = dice.chance(0.31)
        length = dice.between(7, 11) if self.lost else dice.near(39.4, 1.2)
        self.ends = conceived + int((length - 2) * WEEK)
        self.problem: Json = {}
        self.episode: Json = {}

    def begin(self) -> None:
        """First visit in week seven; weeks count from the last period, two before conception."""
        book(self.chart, self.conceived + 5 * WEEK, "prenatal_first", self._first)

    def _first(self, visit: Visit) -> None:
        chart = self.chart
        self.problem = diagnose(visit, "pregnancy", self.conceived, self.ends)
        self.episode = episode(visit, self.problem, self.ends)
        coded(visit, "pregnant", "pregnant")
        signs(visit, visit.start + 5)
        visit.order("blood_count", "tsh")
        if self.lost:
            book(chart, self.ends, "problem", self._lose)
            return
        plan_care(visit, "pregnancy", self.problem, self.ends)
        for week in _WEEKS:
            when = self.conceived + (week - 2) * WEEK
            if when < self.ends - 4 * DAY:
                book(chart, when, "prenatal", lambda later, at=week: self._visit(later, at))
        if self.cesarean:
            stay = Stay("pregnancy", (3, 4), procedures=("cesarean",), elective=True)
        else:
            stay = Stay("pregnancy", (1, 3), procedures=("normal_delivery",), elective=True)
        chart.at(self.ends - 5 * HOUR, lambda when: self._deliver(when, stay))

    def _visit(self, visit: Visit, week: int) -> None:
        visit.reasons.append(self.problem)
        join(visit, self.episode)
        signs(visit, visit.start + 5)
        procedure(visit, "fetal_heart", self.problem)
        if week >= 20:
            procedure(visit, "fundal_height", self.problem, visit.start + 12)
        observe(visit, "weight", self.chart.body.weight(visit.start) + max(0, week - 10) * 0.42)
        if week == 25:
            visit.order("glucose", "blood_count")
            if self.diabetes and "diabetes" not in self.chart.problems:
                diagnose(visit, "gestational_diabetes", visit.start, self.ends + 6 * WEEK)
        if week == 34 and self.preeclampsia:
            diagnose(visit, "preeclampsia", visit.start, self.ends + 3 * WEEK)
            visit.order("comprehensive_metabolic")

    def _lose(self, visit: Visit) -> None:
        diagnose(visit, "miscarriage", self.ends, self.ends + 14 * DAY)
        join(visit, self.episode)
        coded(visit, "pregnant", "not pregnant")

    def _deliver(self, when: int, stay: Stay) -> None:
        admit(self.chart, when, stay, lambda visit, _: join(visit, self.episode), self.problem)


def plan(chart: Chart) -> None:
    """One after another through the fertile years that lie within the record."""
    if chart.person.sex != "female":
        return
    after = chart.age(chart.begin)
    while after < 45:
        age = _next(chart, after)
        if age is None:
            return
        conceived = chart.born_plus(age)
        if chart.first_visit < conceived < chart.now:
            course = Pregnancy(chart, conceived)
            chart.at(conceived, lambda _, begun=course: begun.begin())
        after = age + chart.dice.between(1.2, 2.5)


def _next(chart: Chart, after: float) -> float | None:
    rows = [(max(start, after), rate) for start, rate in _RATES]
    ends = [*[start for start, _ in _RATES[1:]], 120]
    kept = [row for row, end in zip(rows, ends, strict=True) if end > after]
    return chart.dice.first(kept)
