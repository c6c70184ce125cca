"""Screening, and cancers of breast and colon from finding to remission or recurrence.

https://www.uspreventiveservicestaskforce.org/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.population.clock import DAY, WEEK, YEAR
from conformance.population.record.care import procedure
from conformance.population.record.chart import Chronic
from conformance.population.record.drugs import administer, prescribe
from conformance.population.record.findings import staged
from conformance.population.record.imaging import imaging
from conformance.population.record.paper import episode, join
from conformance.population.record.schedule import book, lasting
from conformance.population.record.stay import Stay, admit

if TYPE_CHECKING:
    from conformance.population.codes.tables import Json
    from conformance.population.record.chart import Chart, Visit


@dataclass(frozen=True, slots=True)
class Tumor:
    """What one cancer is treated with."""

    key: str
    rates: tuple[tuple[float, float], ...]
    surgery: Stay
    drugs: tuple[str, ...]
    lasting_drug: str
    radiation: float
    labs: tuple[str, ...]


_BREAST = Tumor(
    "breast_cancer",
    ((35, 0.0008), (45, 0.002), (55, 0.003), (65, 0.0042)),
    Stay("breast_cancer", (1, 3), procedures=("lumpectomy",), elective=True, lasting=True),
    ("doxorubicin", "cyclophosphamide"),
    "anastrozole",
    0.7,
    ("blood_count",),
)
_COLON = Tumor(
    "colon_cancer",
    ((40, 0.0002), (50, 0.0007), (60, 0.0013), (70, 0.0022)),
    Stay(
        "colon_cancer",
        (4, 8),
        procedures=("colectomy",),
        drugs=("enoxaparin", "saline"),
        elective=True,
        lasting=True,
    ),
    ("leucovorin", "oxaliplatin"),
    "",
    0.0,
    ("blood_count", "cea"),
)


class Cancer:
    """Stage decides what is given after surgery."""

    def __init__(self, chart: Chart, tumor: Tumor, onset: int) -> None:
        self.chart = chart
        self.tumor = tumor
        self.onset = onset
        self.stage = chart.dice.weigh(("I", "II", "III"), (45, 35, 20))
        self.cycles = {"I": 0, "II": 4, "III": 6}[self.stage]
        self.episode: Json = {}
        self.operated: int | None = None

    def tide(self, when: int) -> None:
        """The marker is raised until the tumour is out."""
        if self.tumor.key == "colon_cancer" and when >= self.onset:
            self.chart.body.cea = 2.1 if self.operated else 11.0

    def review(self, visit: Visit) -> None:
        """Staging at the first visit, surveillance afterwards."""
        problem = self.chart.problems[self.tumor.key]
        if not self.episode:
            self._first(visit, problem)
        else:
            join(visit, self.episode)
        visit.order(*self.tumor.labs)

    def _first(self, visit: Visit, problem: Json) -> None:
        chart = self.chart
        self.episode = episode(visit, problem)
        if self.tumor.key == "breast_cancer":
            procedure(visit, "breast_biopsy", problem)
        else:
            procedure(visit, "colonoscopy", problem)
        found = staged(visit, self.stage)
        problem["stage"] = [
            {"summary": found["valueCodeableConcept"], "assessment": [chart.own(found)]}
        ]
        chart.at(chart.office(visit.start + 3 * WEEK), self._operate)

    def _operate(self, when: int) -> None:
        admit(self.chart, when, self.tumor.surgery, self._after_surgery)

    def _after_surgery(self, visit: Visit, problem: Json) -> None:
        del problem
        chart = self.chart
        self.operated = visit.start
        join(visit, self.episode)
        for cycle in range(self.cycles):
            when = visit.end + (4 + 3 * cycle) * WEEK
            book(chart, when, "outpatient_procedure", self._cycle)
        after = visit.end + (5 + 3 * self.cycles) * WEEK
        if chart.dice.chance(self.tumor.radiation):
            for day in range(0, 25, 5):
                book(chart, after + day * DAY, "outpatient_procedure", self._radiate)
        if self.tumor.lasting_drug:
            book(chart, after + 6 * WEEK, "follow_up", self._hormones)

    def _cycle(self, visit: Visit) -> None:
        problem = self.chart.problems[self.tumor.key]
        visit.about(self.tumor.key)
        join(visit, self.episode)
        procedure(visit, "chemotherapy", problem)
        visit.order("blood_count")
        for drug in self.tumor.drugs:
            administer(visit, drug, problem, visit.start + 30)

    def _radiate(self, visit: Visit) -> None:
        visit.about(self.tumor.key)
        join(visit, self.episode)
        procedure(visit, "radiotherapy", self.chart.problems[self.tumor.key])

    def _hormones(self, visit: Visit) -> None:
        visit.about(self.tumor.key)
        prescribe(visit, self.tumor.lasting_drug, self.tumor.key)


def plan(chart: Chart) -> None:
    """Screening for all of the age, a tumour for few."""
    chart.offers.append(_screen)
    tumors = (_BREAST, _COLON) if chart.person.sex == "female" else (_COLON,)
    for tumor in tumors:
        age = chart.dice.first(tumor.rates)
        if age is not None:
            course = Cancer(chart, tumor, chart.born_plus(age))
            if course.onset < chart.first_visit - 4 * YEAR:
                continue
            chart.tides.append(course.tide)
            chronic = Chronic(tumor.key, course.onset, course.review, 0.5)
            lasting(chart, chronic, chart.dice.between(0.1, 1.0))


def _screen(visit: Visit) -> None:
    chart, age = visit.chart, visit.chart.age(visit.start)
    due = visit.start - chart.given.get("mammography", 0) > 2 * YEAR
    if chart.person.sex == "female" and 40 <= age < 75 and due and chart.dice.chance(0.6):
        chart.given["mammography"] = visit.start
        book(
            chart,
            visit.start + 14 * DAY,
            "outpatient_procedure",
            lambda later: imaging(later, "mammography", None),
        )
    if (
        45 <= age < 76
        and chart.given.get("colonoscopy", 0) < visit.start - 10 * YEAR
        and chart.dice.chance(0.3)
    ):
        chart.given["colonoscopy"] = visit.start
        book(chart, visit.start + 21 * DAY, "outpatient_procedure", _colonoscopy)


def _colonoscopy(visit: Visit) -> None:
    procedure(visit, "colonoscopy")
    if visit.chart.dice.chance(0.25):
        procedure(visit, "polypectomy", None, visit.start + 30)
