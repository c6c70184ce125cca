"""Coronary disease, infarction, heart failure and atrial fibrillation.

https://doi.org/10.1161/CIR.0000000000001063
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import DAY, YEAR
from conformance.population.record.care import procedure
from conformance.population.record.chart import Chronic
from conformance.population.record.devices import implant
from conformance.population.record.drugs import prescribe
from conformance.population.record.findings import observe
from conformance.population.record.schedule import lasting, take_up
from conformance.population.record.stay import Stay, admit

if TYPE_CHECKING:
    from conformance.population.codes.tables import Json
    from conformance.population.record.chart import Chart, Visit

_CORONARY = ((40, 0.0008), (50, 0.0025), (60, 0.005), (70, 0.008))
_FAILURE = ((45, 0.00015), (60, 0.0008), (70, 0.0022), (80, 0.006))
_FIBRILLATION = ((50, 0.0012), (60, 0.004), (70, 0.009), (80, 0.016))
_INFARCTION = Stay(
    "myocardial_infarction",
    (3, 6),
    drugs=("enoxaparin",),
    labs=("basic_metabolic", "blood_count", "troponin"),
    procedures=("electrocardiogram", "coronary_intervention", "echocardiography"),
    recovery=(28, 28),
)
_STROKE = Stay(
    "stroke", (4, 9), drugs=("saline",), procedures=("electrocardiogram",), recovery=(60, 120)
)
_DECOMPENSATION = Stay(
    "heart_failure",
    (3, 8),
    drugs=("furosemide_injection",),
    labs=("basic_metabolic", "bnp"),
    procedures=("chest_x_ray", "echocardiography"),
    lasting=True,
)


def _risk(chart: Chart, rows: tuple[tuple[str, float], ...]) -> float:
    factor = 1.35 if chart.person.sex == "male" else 0.8
    if chart.person.smoking != "never":
        factor *= 1.5
    for key, risk in rows:
        if key in chart.onsets:
            factor *= risk
    return factor


def _coronary_review(visit: Visit) -> None:
    for drug in ("aspirin", "metoprolol"):
        prescribe(visit, drug, "coronary_disease")
    if not visit.chart.drugs.keys() & {"atorvastatin", "simvastatin"}:
        prescribe(visit, "atorvastatin", "coronary_disease")
    visit.order("lipids")


def _after_infarction(chart: Chart, visit: Visit) -> None:
    """Discharged with coronary disease on the list and a second platelet inhibitor."""
    if "coronary_disease" not in chart.problems:
        take_up(visit, Chronic("coronary_disease", visit.start, _coronary_review, 0.5))
    prescribe(visit, "clopidogrel", "coronary_disease")


def _infarct(chart: Chart, when: int) -> None:
    admit(chart, when, _INFARCTION, lambda visit, _: _after_infarction(chart, visit))


class Failure:
    """Ejection falls, the natriuretic peptide rises, and now and then the heart gives way."""

    def __init__(self, chart: Chart, onset: int) -> None:
        self.chart = chart
        self.onset = onset
        self.ejection = chart.dice.between(28, 47)
        self.peptide = chart.dice.between(240, 700)

    def tide(self, when: int) -> None:
        """Where the heart stands now."""
        if when < self.onset:
            return
        body, years = self.chart.body, (when - self.onset) / YEAR
        body.ejection = max(15, self.ejection - years * 0.5)
        body.bnp = self.peptide * (1 + years * 0.06)
        body.saturation = min(body.saturation, 95.5)

    def review(self, visit: Visit) -> None:
        """Four drugs, the peptide every time, an echocardiogram a year."""
        chart = visit.chart
        prescribe(visit, "carvedilol", "heart_failure")
        prescribe(visit, "furosemide", "heart_failure")
        if chart.body.egfr(visit.start) > 35:
            prescribe(visit, "spironolactone", "heart_failure")
        if not chart.drugs.keys() & {"lisinopril", "losartan"}:
            prescribe(visit, "losartan", "heart_failure")
        visit.order("bnp", "basic_metabolic")
        if visit.start - chart.given.get("echocardiography", 0) > YEAR:
            chart.given["echocardiography"] = visit.start
            procedure(visit, "echocardiography", chart.problems["heart_failure"])
            observe(visit, "ejection_fraction", chart.dice.near(chart.body.ejection, 1.5))

    def decompensate(self, when: int) -> None:
        """A stay, and the wait for the next."""
        chart = self.chart
        if "heart_failure" in chart.problems:
            chart.body.bnp *= 2.5
            admit(chart, when, _DECOMPENSATION)
        chart.at(when + int(chart.dice.wait(0.22) * YEAR) + 40 * DAY, self.decompensate)


class Fibrillation:
    """An anticoagulant for life; with warfarin the INR is kept between 2 and 3."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.warfarin = chart.dice.chance(0.35)
        self.paced = False

    def review(self, visit: Visit) -> None:
        """Anticoagulant, rate control, INR; a pacemaker for some."""
        chart, dice = self.chart, self.chart.dice
        drug = "warfarin" if self.warfarin else "apixaban"
        if drug not in chart.drugs:
            procedure(visit, "electrocardiogram", chart.problems["atrial_fibrillation"])
            prescribe(visit, drug, "atrial_fibrillation")
        if not chart.drugs.keys() & {"metoprolol", "carvedilol"}:
            prescribe(visit, "metoprolol", "atrial_fibrillation")
        if self.warfarin:
            visit.order("inr")
            chart.body.inr = dice.near(2.5, 0.3)
        if not self.paced and dice.chance(0.03):
            self.paced = True
            chart.at(visit.start + 20 * DAY, self._pace)

    def _pace(self, when: int) -> None:
        stay = Stay("atrial_fibrillation", (1, 3), elective=True, lasting=True)
        admit(self.chart, when, stay, _place_pacemaker)


def _place_pacemaker(visit: Visit, problem: Json) -> None:
    procedure(visit, "pacemaker_insertion", problem, visit.start + 180)
    implant(visit, "pacemaker", visit.start + 270)


def plan(chart: Chart) -> None:
    """After blood pressure, lipids, diabetes and kidney, which all weigh on the heart."""
    dice = chart.dice
    weights = (("diabetes", 1.8), ("hypertension", 1.6), ("hyperlipidemia", 1.5))
    coronary = dice.first(_CORONARY, _risk(chart, weights))
    if coronary is not None:
        onset = chart.born_plus(coronary)
        lasting(
            chart, Chronic("coronary_disease", onset, _coronary_review, 0.5), dice.between(0.1, 2)
        )
        if dice.chance(0.4):
            when = onset + int(dice.between(0.2, 9) * YEAR)
            chart.at(when, lambda then: _infarct(chart, then))
    failure = dice.first(_FAILURE, _risk(chart, (*weights, ("coronary_disease", 2.2))))
    if failure is not None:
        course = Failure(chart, chart.born_plus(failure))
        chart.tides.append(course.tide)
        lasting(
            chart,
            Chronic("heart_failure", course.onset, course.review, 0.3),
            dice.between(0.05, 0.6),
        )
        first = max(course.onset, chart.first_visit) + int(dice.wait(0.25) * YEAR) + 60 * DAY
        chart.at(first, course.decompensate)
    fibrillation = dice.first(
        _FIBRILLATION, _risk(chart, (("hypertension", 1.4), ("heart_failure", 2.0)))
    )
    if fibrillation is not None:
        onset = chart.born_plus(fibrillation)
        rhythm = Fibrillation(chart)
        lasting(
            chart,
            Chronic("atrial_fibrillation", onset, rhythm.review, 0.4),
            dice.between(0.02, 0.8),
        )
        if dice.chance(0.07):
            chart.at(
                onset + int(dice.between(0.5, 8) * YEAR), lambda then: admit(chart, then, _STROKE)
            )
