"""Injuries: sprains, fractures, cuts and concussions, by age; hips break in old age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.population.clock import DAY, HOUR, YEAR
from conformance.population.record.care import plan_care, procedure
from conformance.population.record.drugs import prescribe
from conformance.population.record.findings import observe, signs
from conformance.population.record.imaging import imaging
from conformance.population.record.problems import diagnose
from conformance.population.record.schedule import book, meet
from conformance.population.record.stay import Stay, admit

if TYPE_CHECKING:
    from conformance.population.codes.tables import Json
    from conformance.population.record.chart import Chart, Visit


@dataclass(frozen=True, slots=True)
class Injury:
    """`rates` are events a year for children, adults and people over 65."""

    key: str
    rates: tuple[float, float, float]
    weeks: tuple[int, int]
    image: str
    treatment: str
    drug: str
    fracture: bool = False


INJURIES = (
    Injury("ankle_sprain", (0.02, 0.02, 0.006), (2, 5), "ankle_x_ray", "", "ibuprofen"),
    Injury(
        "forearm_fracture",
        (0.018, 0.004, 0.008),
        (6, 10),
        "wrist_x_ray",
        "immobilization",
        "acetaminophen",
        fracture=True,
    ),
    Injury(
        "clavicle_fracture",
        (0.006, 0.002, 0.002),
        (6, 10),
        "clavicle_x_ray",
        "immobilization",
        "acetaminophen",
        fracture=True,
    ),
    Injury(
        "rib_fracture",
        (0.001, 0.003, 0.008),
        (5, 9),
        "chest_x_ray",
        "",
        "acetaminophen",
        fracture=True,
    ),
    Injury("concussion", (0.012, 0.004, 0.005), (2, 6), "", "", "acetaminophen"),
    Injury("hand_laceration", (0.012, 0.014, 0.006), (2, 4), "", "suture", "acetaminophen"),
    Injury("foot_laceration", (0.01, 0.005, 0.003), (2, 4), "", "suture", "acetaminophen"),
)
_HIP = Stay(
    "hip_fracture",
    (4, 8),
    drugs=("enoxaparin", "saline"),
    procedures=("pelvis_x_ray", "hip_replacement"),
    recovery=(60, 120),
)


def plan(chart: Chart) -> None:
    """Each strikes at its own rate."""
    for injury in INJURIES:
        _next(chart, injury, chart.begin)
    age = chart.dice.first(
        ((65, 0.003), (75, 0.008), (85, 0.02)), 1.6 if chart.person.sex == "female" else 0.8
    )
    if age is not None:
        chart.at(chart.born_plus(age), lambda when: admit(chart, when, _HIP, _mend))


def _mend(visit: Visit, problem: Json) -> None:
    plan_care(visit, "fracture", problem, visit.end + 80 * DAY)


def _next(chart: Chart, injury: Injury, after: int) -> None:
    age = chart.age(after)
    rate = injury.rates[0 if age < 16 else 1 if age < 65 else 2]
    when = after + int(chart.dice.wait(rate) * YEAR)
    if chart.age(when) > 1.5:
        chart.at(when, lambda then: _strike(chart, injury, then))
    elif when < chart.end:
        _next(chart, injury, when + DAY)


def _strike(chart: Chart, injury: Injury, when: int) -> None:
    clock = 9 * HOUR + chart.dice.whole(0, 12 * HOUR)
    kind = "emergency" if injury.fracture or chart.dice.chance(0.4) else "urgent_care"
    start = max(when, when // DAY * DAY + clock)
    if start < chart.end:
        meet(chart, start, kind, lambda visit: _treat(visit, injury))
    _next(chart, injury, when + 60 * DAY)


def _treat(visit: Visit, injury: Injury) -> None:
    chart, dice = visit.chart, visit.chart.dice
    ends = visit.start + dice.whole(*injury.weeks) * 7 * DAY
    problem = diagnose(visit, injury.key, visit.start - dice.whole(15, 150), ends)
    signs(visit, visit.start + 5)
    observe(visit, "pain", dice.whole(2, 9), visit.start + 5)
    if injury.image:
        imaging(visit, injury.image, problem)
    if injury.treatment:
        procedure(
            visit, injury.treatment, problem, visit.start + 60 if visit.kind.minutes > 60 else None
        )
    prescribe(visit, injury.drug, problem, days=7)
    if injury.fracture:
        plan_care(visit, "fracture", problem, ends)
        book(chart, ends - 7 * DAY, "follow_up", lambda later: _check(later, problem))


def _check(visit: Visit, problem: Json) -> None:
    visit.reasons.append(problem)
    observe(visit, "pain", visit.chart.dice.whole(0, 2))
