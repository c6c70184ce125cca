"""Depression and anxiety, followed by PHQ-9 and GAD-7.

https://doi.org/10.1046/j.1525-1497.2001.016009606.x
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import YEAR
from conformance.population.record.chart import Chronic
from conformance.population.record.drugs import prescribe
from conformance.population.record.findings import survey
from conformance.population.record.problems import resolve
from conformance.population.record.questionnaires import phq9
from conformance.population.record.schedule import lasting

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_DEPRESSION = ((14, 0.006), (25, 0.005), (50, 0.004), (70, 0.003))
_ANXIETY = ((12, 0.004), (25, 0.005), (50, 0.003))
_DRUGS = ("sertraline", "escitalopram", "fluoxetine")


class Depression:
    """Scores start high and fall under treatment; two in three recover."""

    def __init__(self, chart: Chart, onset: int) -> None:
        self.chart = chart
        self.onset = onset
        self.start = chart.dice.between(13, 21)
        self.treated: int | None = None
        self.drug = chart.dice.pick(_DRUGS)
        self.recovers = chart.dice.chance(0.65)
        self.base = chart.body.phq9
        self.well = False

    def tide(self, when: int) -> None:
        """Where the score stands now."""
        if when < self.onset or self.well:
            return
        score = self.start
        if self.treated is not None:
            months = (when - self.treated) / YEAR * 12
            floor = 3.0 if self.recovers else 8.5
            score = max(floor, self.start - months * 1.6)
        self.chart.body.phq9 = score

    def review(self, visit: Visit) -> None:
        """A questionnaire each time; recovery closes the problem after a year."""
        if self.treated is None:
            self.treated = visit.start
            prescribe(visit, self.drug, "depression")
        phq9(visit, self.chart.dice.near(self.chart.body.phq9, 1.0))
        over = visit.start - self.treated > YEAR
        if over and self.chart.body.phq9 < 5:
            self._recover(visit)

    def _recover(self, visit: Visit) -> None:
        from_list = self.chart.drugs.pop(self.drug, None)
        if from_list is not None:
            from_list["status"] = "completed"
        self.well = True
        self.chart.body.phq9 = self.base
        resolve(visit, "depression")


class Anxiety:
    """GAD-7 falls slowly once treated."""

    def __init__(self, chart: Chart, onset: int) -> None:
        self.chart = chart
        self.onset = onset
        self.start = chart.dice.between(10, 17)
        self.seen: int | None = None

    def review(self, visit: Visit) -> None:
        """A score each time; the drug only where depression has not brought one."""
        chart = self.chart
        if self.seen is None:
            self.seen = visit.start
            if not chart.drugs.keys() & set(_DRUGS):
                prescribe(visit, "escitalopram", "anxiety")
        months = (visit.start - self.seen) / YEAR * 12
        survey(visit, "gad7", chart.dice.near(max(4.5, self.start - months * 0.8), 1.2), 21)


def plan(chart: Chart) -> None:
    """More frequent in women."""
    dice = chart.dice
    factor = 1.3 if chart.person.sex == "female" else 0.75
    age = dice.first(_DEPRESSION, factor)
    if age is not None:
        low = Depression(chart, chart.born_plus(age))
        if chart.first_visit - low.onset > 4 * YEAR and low.recovers:
            return
        chart.tides.append(low.tide)
        lasting(chart, Chronic("depression", low.onset, low.review, 0.25), dice.between(0.05, 0.5))
    age = dice.first(_ANXIETY, factor)
    if age is not None:
        tense = Anxiety(chart, chart.born_plus(age))
        lasting(chart, Chronic("anxiety", tense.onset, tense.review, 0.5), dice.between(0.1, 1))
