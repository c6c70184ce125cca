"""Lasting conditions of one drug each: rows of a table rather than files of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.population.record.care import procedure
from conformance.population.record.chart import Chronic
from conformance.population.record.drugs import prescribe
from conformance.population.record.schedule import lasting

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.population.body import Body
    from conformance.population.record.chart import Chart, Visit


@dataclass(frozen=True, slots=True)
class Other:
    """`untreated` moves the body from onset on, `treated` once the drug is taken."""

    key: str
    rates: tuple[tuple[float, float], ...]
    drug: str
    every: float
    women: float = 1.0
    labs: tuple[str, ...] = ()
    untreated: Callable[[Body], None] | None = None
    treated: Callable[[Body], None] | None = None
    start: str = ""
    """Procedure at the diagnosis."""


def _low_thyroid(body: Body) -> None:
    body.tsh = 8.4


def _thyroid_replaced(body: Body) -> None:
    body.tsh = 2.6


def _iron_lost(body: Body) -> None:
    body.hemoglobin, body.mcv, body.ferritin = 10.2, 74.0, 7.0


def _iron_given(body: Body) -> None:
    body.hemoglobin, body.mcv, body.ferritin = 12.6, 84.0, 42.0


def _urate_high(body: Body) -> None:
    body.urate = 8.6


def _urate_lowered(body: Body) -> None:
    body.urate = 5.6


def _prostate(body: Body) -> None:
    body.psa = 2.7


OTHERS = (
    Other("obesity", (), "", 1.0),
    Other(
        "hypothyroidism",
        ((18, 0.0015), (40, 0.003), (60, 0.004)),
        "levothyroxine",
        0.7,
        1.7,
        ("tsh",),
        _low_thyroid,
        _thyroid_replaced,
    ),
    Other(
        "anemia",
        ((15, 0.002), (50, 0.001), (70, 0.003)),
        "ferrous_sulfate",
        0.5,
        1.7,
        ("blood_count", "ferritin"),
        _iron_lost,
        _iron_given,
    ),
    Other(
        "gout",
        ((35, 0.001), (55, 0.003)),
        "allopurinol",
        0.8,
        0.4,
        ("urate",),
        _urate_high,
        _urate_lowered,
    ),
    Other(
        "prostate_hyperplasia",
        ((50, 0.008), (65, 0.016)),
        "tamsulosin",
        0.9,
        0.0,
        ("psa",),
        _prostate,
    ),
    Other("reflux", ((18, 0.003), (40, 0.006)), "omeprazole", 1.0),
    Other("knee_osteoarthritis", ((45, 0.004), (60, 0.009)), "naproxen", 1.0, 1.2),
    Other("hip_osteoarthritis", ((50, 0.002), (65, 0.004)), "naproxen", 1.0, 1.1),
    Other("osteoporosis", ((55, 0.004), (70, 0.01)), "alendronate", 1.0, 1.6),
    Other("back_pain", ((25, 0.004), (45, 0.005)), "naproxen", 1.0),
    Other("migraine", ((12, 0.003), (40, 0.001), (60, 0.0)), "naproxen", 1.0, 1.5),
    Other("dementia", ((65, 0.002), (75, 0.008), (85, 0.025)), "donepezil", 0.6, 1.15),
    Other(
        "rheumatoid_arthritis",
        ((30, 0.0003), (50, 0.0007)),
        "methotrexate",
        0.35,
        1.5,
        ("blood_count", "crp"),
    ),
    Other("sleep_apnea", ((30, 0.002), (50, 0.004)), "", 1.0, 0.6),
    Other("allergic_rhinitis", ((4, 0.006), (15, 0.004), (40, 0.001)), "loratadine", 1.0),
    Other("atopic_dermatitis", ((0.4, 0.03), (3, 0.006), (10, 0.001)), "", 1.0),
)


class Course:
    """Whether treatment has begun decides where the body stands."""

    def __init__(self, chart: Chart, other: Other, onset: int) -> None:
        self.chart = chart
        self.other = other
        self.onset = onset
        self.treated: int | None = None

    def tide(self, when: int) -> None:
        """Treatment shows from the first visit after the one that began it."""
        if when < self.onset:
            return
        begun = self.treated is not None and when > self.treated
        move = self.other.treated if begun else self.other.untreated
        if move is not None:
            move(self.chart.body)

    def review(self, visit: Visit) -> None:
        """The drug, once, and the labs that follow it."""
        key, drug = self.other.key, self.other.drug
        if self.treated is None:
            self.treated = visit.start
            if self.other.start:
                procedure(visit, self.other.start, self.chart.problems[key])
        if drug:
            prescribe(visit, drug, key)
        if self.other.labs:
            visit.order(*self.other.labs)


def plan(chart: Chart) -> None:
    """Each by its rates; obesity by weight."""
    woman = chart.person.sex == "female"
    for other in OTHERS:
        factor = other.women if woman else max(0.0, 2 - other.women)
        age = (
            _obese(chart)
            if other.key == "obesity"
            else chart.dice.first(other.rates, factor)
            if factor
            else None
        )
        if age is not None:
            course = Course(chart, other, chart.born_plus(age))
            if other.untreated is not None:
                chart.tides.append(course.tide)
            lasting(
                chart,
                Chronic(other.key, course.onset, course.review, other.every),
                chart.dice.between(0.1, 2),
            )


def _obese(chart: Chart) -> float | None:
    """The first year of age from 20 on in which the body mass index passes 30.5."""
    age = 20
    last = int(chart.age(chart.now))
    while age <= last:
        if chart.body.bmi(chart.born_plus(age)) > 30.5:
            return age + chart.dice.random()
        age += 2
    return None
