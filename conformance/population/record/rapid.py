"""Single coded tests at the point of care or in microbiology: swabs and cultures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.codes.tables import MEASURES
from conformance.population.record.findings import coded
from conformance.population.record.labs import order, specimen

if TYPE_CHECKING:
    from conformance.population.record.chart import Visit

_MATERIAL = {
    "flu_a": ("nose", "positive", 38.0),
    "flu_b": ("nose", "positive", 38.0),
    "sars_cov_2": ("nose", "detected", 75.0),
    "strep": ("throat", "positive", 26.0),
    "urine_culture": ("urine", "positive", 44.0),
    "blood_culture": ("blood", "positive", 60.0),
}


def rapid_test(visit: Visit, key: str) -> None:
    """A test that confirms what the visit is about."""
    chart = visit.chart
    material, answer, price = _MATERIAL[key]
    when = min(visit.start + 12, chart.end)
    code = MEASURES[key].code
    request = order(visit, code, when)
    sample = specimen(visit, material, request, when)
    found = coded(visit, key, answer, when)
    found["basedOn"] = [chart.own(request)]
    found["specimen"] = chart.own(sample)
    visit.charge(code, price)
