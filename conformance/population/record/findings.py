"""Observations: vital signs, surveys, social history.

https://hl7.org/fhir/R4/observation.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.clock import MONTH
from conformance.population.codes.tables import (
    CONDITIONS,
    MEASURES,
    SNOMED,
    Json,
    Measure,
    coding,
    concept,
    hl7,
    quantity,
)
from conformance.population.dice import number

if TYPE_CHECKING:
    from conformance.population.record.chart import Chart, Visit

_NORMAL = [hl7("v3-ObservationInterpretation", "N", "Normal")]
_HIGH = [hl7("v3-ObservationInterpretation", "H", "High")]
_LOW = [hl7("v3-ObservationInterpretation", "L", "Low")]
PROFILES = {
    "height": ("us-core-body-height",),
    "weight": ("us-core-body-weight",),
    "bmi": ("us-core-bmi",),
    "bmi_percentile": ("pediatric-bmi-for-age",),
    "weight_for_length": ("pediatric-weight-for-height",),
    "head": ("us-core-head-circumference",),
    "blood_pressure": ("us-core-blood-pressure",),
    "pulse": ("us-core-heart-rate",),
    "breathing": ("us-core-respiratory-rate",),
    "temperature": ("us-core-body-temperature",),
    "smoking": ("us-core-smokingstatus",),
}
_CODED = {
    "current": ("449868002", "Smokes tobacco daily (finding)"),
    "former": ("8517006", "Ex-smoker (finding)"),
    "never": ("266919005", "Never smoked tobacco (finding)"),
    "positive": ("10828004", "Positive (qualifier value)"),
    "negative": ("260385009", "Negative (qualifier value)"),
    "detected": ("260373001", "Detected (qualifier value)"),
    "not detected": ("260415000", "Not detected (qualifier value)"),
    "pregnant": ("77386006", "Pregnant (finding)"),
    "not pregnant": ("60001007", "Not pregnant (finding)"),
}
CODED = {
    key: {"coding": [coding(SNOMED, code, name)], "text": name.rsplit(" (", 1)[0]}
    for key, (code, name) in _CODED.items()
}
_STAGES = {
    "I": concept(SNOMED, "258215001", "Stage 1 (qualifier value)", "Stage I"),
    "II": concept(SNOMED, "258219007", "Stage 2 (qualifier value)", "Stage II"),
    "III": concept(SNOMED, "258224005", "Stage 3 (qualifier value)", "Stage III"),
}
_PROFILE_OF_CATEGORY = {
    "laboratory": "us-core-observation-lab",
    "vital-signs": "us-core-vital-signs",
    "survey": "us-core-observation-screening-assessment",
}


def _profile(measure: Measure) -> str:
    named = PROFILES.get(measure.key)
    if named is not None:
        return named[0]
    return _PROFILE_OF_CATEGORY.get(measure.category[0]["coding"][0]["code"], "")


_profiles = {key: _profile(measure) for key, measure in MEASURES.items()}


def _blank(visit: Visit, key: str, when: int) -> Json:
    chart, measure = visit.chart, MEASURES[key]
    text = chart.stamp(when)
    return chart.new(
        "Observation",
        _profiles[key],
        status="final",
        category=measure.category,
        code=measure.code,
        subject=chart.subject,
        encounter=visit.reference,
        effectiveDateTime=text,
        issued=text,
        performer=[visit.clinician.practitioner],
    )


def observe(visit: Visit, key: str, value: float, when: int | None = None) -> Json:
    """A measured quantity, with its interpretation where a range is stated."""
    found = _blank(visit, key, when or visit.start + 5)
    measure = MEASURES[key]
    shown = number(value, measure.digits)
    found["valueQuantity"] = quantity(shown, measure.unit)
    if measure.low is not None and measure.high is not None:
        low, high = shown < measure.low, shown > measure.high
        found["interpretation"] = _LOW if low else _HIGH if high else _NORMAL
        found["referenceRange"] = measure.range
    return found


def coded(visit: Visit, key: str, answer: str, when: int | None = None) -> Json:
    """A coded result; `answer` is a key of CODED."""
    found = _blank(visit, key, when or visit.start + 5)
    found["valueCodeableConcept"] = CODED[answer]
    return found


def died_of(chart: Chart, cause: str) -> None:
    """The cause on the death certificate."""
    measure, text = MEASURES["cause_of_death"], chart.stamp(chart.end)
    chart.new(
        "Observation",
        "",
        status="final",
        category=measure.category,
        code=measure.code,
        subject=chart.subject,
        effectiveDateTime=text,
        issued=text,
        performer=[chart.clinician("hospital").practitioner],
        valueCodeableConcept=CONDITIONS[cause].code,
    )


def staged(visit: Visit, stage: str) -> Json:
    """The stage of a cancer: I, II or III."""
    found = _blank(visit, "cancer_stage", visit.start + 15)
    found["valueCodeableConcept"] = _STAGES[stage]
    return found


def _component(key: str, value: float) -> Json:
    measure = MEASURES[key]
    shown = number(value, measure.digits)
    return {"code": measure.code, "valueQuantity": quantity(shown, measure.unit)}


def blood_pressure(visit: Visit, when: int) -> None:
    """One Observation with systolic and diastolic components."""
    chart = visit.chart
    systolic, diastolic = chart.body.pressure(when)
    systolic, diastolic = chart.dice.near(systolic, 5), chart.dice.near(diastolic, 4)
    found = _blank(visit, "blood_pressure", when)
    found["component"] = [
        _component("systolic", systolic),
        _component("diastolic", min(diastolic, systolic - 18)),
    ]


def signs(visit: Visit, when: int) -> None:
    """What is watched on a ward: pressure, pulse, breathing, temperature, saturation."""
    chart, body = visit.chart, visit.chart.body
    if when >= min(visit.end, chart.end):
        return
    near = chart.dice.near
    if chart.age(when) >= 3:
        blood_pressure(visit, when)
    observe(visit, "pulse", near(body.heart_rate(when), 4), when)
    observe(visit, "breathing", near(body.breaths(when), 1.2), when)
    observe(visit, "temperature", near(36.8 + body.infection * 1.7, 0.2), when)
    saturation = near(body.saturation - body.infection * 3, 0.7)
    observe(visit, "saturation", min(100, saturation), when)


def vitals(visit: Visit) -> None:
    """The signs and the growth or weight of a checkup."""
    chart, body, when = visit.chart, visit.chart.body, visit.start + 5
    age, near = chart.age(when), chart.dice.near
    height = near(body.height(when), 0.4)
    weight = near(body.weight(when), 0.3 if age > 2 else 0.05)
    observe(visit, "height", height, when)
    observe(visit, "weight", weight, when)
    if age >= 2:
        observe(visit, "bmi", weight / (height / 100) ** 2, when)
    if age < 3:
        observe(visit, "head", body.head(when), when)
    if age < 2:
        observe(visit, "weight_for_length", body.percentile(when), when)
    elif age < 20:
        observe(visit, "bmi_percentile", body.percentile(when), when)
    signs(visit, when)


def smoking(visit: Visit) -> None:
    """Asked once a year from 13."""
    chart = visit.chart
    last = chart.given.get("smoking question", -1)
    if chart.age(visit.start) < 13 or (last > 0 and visit.start - last < 11 * MONTH):
        return
    chart.given["smoking question"] = visit.start
    coded(visit, "smoking", chart.person.smoking, visit.start + 3)


def survey(visit: Visit, key: str, score: float, top: int) -> None:
    """A questionnaire score, kept within its scale."""
    observe(visit, key, max(0, min(top, round(score))), visit.start + 8)
