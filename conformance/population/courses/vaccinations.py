"""Vaccinations: the childhood schedule, yearly influenza, and those of later life.

https://www.cdc.gov/vaccines/hcp/imz-schedules/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, MONTH, YEAR, date_of
from conformance.population.record.care import immunize

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

# vaccine: ages in months at which each dose falls due.
_SCHEDULE: dict[str, tuple[float, ...]] = {
    "hepatitis_b": (0, 1, 6),
    "rotavirus": (2, 4),
    "dtap": (2, 4, 6, 15, 48),
    "hib": (2, 4, 12),
    "pneumococcal_conjugate": (2, 4, 6, 12),
    "polio": (2, 4, 6, 48),
    "mmr": (12, 48),
    "varicella": (12, 48),
    "hepatitis_a": (12, 18),
    "tdap": (132,),
    "hpv": (132, 138),
    "meningococcal": (132, 192),
}
_LATEST = {"rotavirus": 8, "hib": 60, "pneumococcal_conjugate": 60}
"""Months of age after which a dose is no longer given."""


def plan(chart: Chart) -> None:
    """What was due before the record begins counts as given; 3 % refuse."""
    if chart.dice.chance(0.03):
        return
    age = chart.age(chart.begin) * 12
    for vaccine, dues in _SCHEDULE.items():
        chart.given[vaccine] = sum(due < age for due in dues)
    chart.offers.append(_offer)


def _offer(visit: Visit) -> None:
    chart = visit.chart
    months = chart.age(visit.start) * 12
    if months < 216:
        for vaccine, dues in _SCHEDULE.items():
            _catch_up(visit, vaccine, dues, months)
    _influenza(visit, months)
    if months >= 228:
        _adult(visit, months / 12)


def _catch_up(visit: Visit, vaccine: str, dues: tuple[float, ...], months: float) -> None:
    """One dose a visit, four weeks apart at least."""
    chart = visit.chart
    done = chart.given.get(vaccine, 0)
    last = chart.given.get(f"{vaccine} last", 0)
    if done >= len(dues) or months < dues[done] or months > _LATEST.get(vaccine, 216):
        return
    if visit.start - last >= 28 * DAY:
        chart.given[f"{vaccine} last"] = visit.start
        immunize(visit, vaccine)


def _influenza(visit: Visit, months: float) -> None:
    """Offered from September to February, once a season."""
    chart, month = visit.chart, date_of(visit.start).month
    if 3 <= month <= 8 or months < 6:
        return
    last = chart.given.get("influenza last", 0)
    if visit.start - last > 8 * MONTH and chart.dice.chance(0.35 + 0.45 * chart.person.diligence):
        chart.given["influenza last"] = visit.start
        immunize(visit, "influenza")


def _adult(visit: Visit, age: float) -> None:
    chart = visit.chart
    last = chart.given.get("tetanus last", 0)
    if visit.start - last > 10 * YEAR and chart.dice.chance(0.4):
        chart.given["tetanus last"] = visit.start
        immunize(visit, "tetanus")
    elif age >= 50 and chart.given.get("zoster", 0) < 2 and chart.dice.chance(0.3):
        immunize(visit, "zoster")
    elif age >= 65 and not chart.given.get("pneumococcal_polysaccharide"):
        immunize(visit, "pneumococcal_polysaccharide")
