"""Acute illness that needs a hospital: pneumonia, sepsis, appendix, gallstones, kidney injury."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, YEAR
from conformance.population.record.stay import Stay, admit

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart

_STAYS: tuple[tuple[Stay, tuple[tuple[float, float], ...]], ...] = (
    (
        Stay(
            "pneumonia",
            (3, 8),
            severity=0.75,
            drugs=("piperacillin_tazobactam", "saline"),
            procedures=("chest_x_ray", "oxygen"),
            tests=("blood_culture",),
            recovery=(14, 35),
        ),
        ((0.5, 0.003), (5, 0.0008), (50, 0.003), (65, 0.009), (80, 0.025)),
    ),
    (
        Stay(
            "sepsis",
            (5, 13),
            severity=1.0,
            drugs=("piperacillin_tazobactam", "vancomycin", "norepinephrine", "saline"),
            labs=("comprehensive_metabolic", "blood_count", "lactate", "procalcitonin"),
            procedures=("chest_x_ray",),
            tests=("blood_culture",),
            recovery=(20, 50),
        ),
        ((30, 0.0006), (60, 0.002), (70, 0.005), (80, 0.01)),
    ),
    (
        Stay(
            "appendicitis",
            (1, 4),
            severity=0.4,
            drugs=("piperacillin_tazobactam",),
            procedures=("appendectomy",),
        ),
        ((5, 0.0009), (12, 0.0016), (30, 0.0007), (60, 0.0)),
    ),
    (
        Stay(
            "gallstones",
            (1, 3),
            severity=0.15,
            drugs=("saline",),
            labs=("comprehensive_metabolic", "blood_count"),
            procedures=("cholecystectomy",),
        ),
        ((25, 0.001), (45, 0.0025), (75, 0.002)),
    ),
    (
        Stay(
            "acute_kidney_injury",
            (2, 6),
            drugs=("saline",),
            labs=("basic_metabolic",),
            recovery=(10, 30),
        ),
        ((45, 0.0006), (65, 0.003), (80, 0.008)),
    ),
)


def plan(chart: Chart) -> None:
    """Pneumonia and sepsis may strike again, the appendix does not."""
    for stay, rates in _STAYS:
        after = chart.age(chart.begin)
        kept = [(max(start, after), rate) for start, rate in rates]
        last = [start for start, _ in rates if start <= after]
        rows = kept[max(0, len(last) - 1) :]
        age = chart.dice.first(rows)
        if age is not None:
            _strike(chart, chart.born_plus(age), stay)


def _strike(chart: Chart, when: int, stay: Stay) -> None:
    if when < chart.begin + 2 * DAY:
        return
    chart.at(when, lambda then: admit(chart, then, stay))
    again = when + int(chart.dice.between(0.5, 6) * YEAR)
    if stay.severity > 0.5 and chart.dice.chance(0.3) and again < chart.end:
        _strike(chart, again, stay)
