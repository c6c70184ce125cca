"""Whether measurements follow the course of the conditions, by rules that stand in a table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median
from typing import TYPE_CHECKING

from conformance.population.check.facts import Violation, days_between

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.population.check.facts import Episode, Facts, Reading


@dataclass(frozen=True, slots=True)
class During:
    """While the condition lasts, readings lie between `low` and `high`."""

    name: str
    loinc: str
    snomed: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Undiagnosed:
    """Readings of at least `limit`, 90 days apart, mean that the condition is known."""

    name: str
    loinc: str
    snomed: str
    limit: float


@dataclass(frozen=True, slots=True)
class Raised:
    """Readings under the condition have a mean at least `by` above (below 0: under) the others."""

    name: str
    loinc: str
    snomed: str
    by: float


@dataclass(frozen=True, slots=True)
class Onset:
    """The first reading within 60 days of the record of the condition lies in a range."""

    name: str
    loinc: str
    snomed: str
    low: float
    high: float


DIABETES = "44054006"
STAGES = ("431856006", "433144002", "431857002", "46177005")

DURING = (
    During("HbA1c under diabetes", "4548-4", DIABETES, 5.7, 14.5),
    During("HbA1c under prediabetes", "4548-4", "15777000", 5.4, 6.6),
    During("eGFR at CKD stage 2", "98979-8", STAGES[0], 50, 105),
    During("eGFR at CKD stage 3", "98979-8", STAGES[1], 24, 66),
    During("eGFR at CKD stage 4", "98979-8", STAGES[2], 11, 33),
    During("eGFR at CKD stage 5", "98979-8", STAGES[3], 2, 18),
    During("BNP under heart failure", "30934-4", "84114007", 100, 6000),
    During("ejection fraction under heart failure", "10230-1", "84114007", 8, 52),
    During("FEV1/FVC under COPD", "19926-5", "13645005", 20, 70),
)
UNDIAGNOSED = (
    Undiagnosed("HbA1c of 6.5 twice is diabetes", "4548-4", DIABETES, 6.5),
    Undiagnosed("BNP of 200 twice is heart failure", "30934-4", "84114007", 200),
)
RAISED = (
    Raised("HbA1c is higher with diabetes", "4548-4", DIABETES, 0.9),
    Raised("glucose is higher with diabetes", "2345-7", DIABETES, 20),
    Raised("systolic pressure is higher with hypertension", "8480-6", "59621000", 5),
    Raised("saturation is lower with COPD", "59408-5", "13645005", -1.5),
)
ONSET = (
    Onset("TSH is raised when hypothyroidism is found", "3016-3", "40930008", 4.5, 100),
    Onset("hemoglobin is low when iron deficiency is found", "718-7", "87522002", 5, 12),
    Onset("LDL is raised when hyperlipidemia is found", "13457-7", "55822004", 125, 400),
    Onset("PHQ-9 is high when depression is found", "44261-6", "370143000", 8, 27),
    Onset("urate is high when gout is found", "3084-1", "90560007", 6.5, 15),
)


def _holds(episode: Episode, when: str) -> bool:
    """By calendar days; on the day of a change of stage both hold, so neither does."""
    day = when[:10]
    return episode.onset[:10] <= day and (not episode.abated or day < episode.abated[:10])


def _episodes(facts: Facts, patient: str, snomed: str) -> list[Episode]:
    return [e for e in facts.conditions.get(patient, {}).values() if e.code == snomed]


def _recorded(episode: Episode, reading: Reading) -> bool:
    """From the record of the condition on: before it, only its beginnings may show."""
    return _holds(episode, reading.when) and reading.when[:10] >= episode.recorded[:10]


def check(facts: Facts) -> Iterator[Violation]:
    """Per patient first, then over the whole population."""
    for patient in facts.lives:
        readings = facts.readings.get(patient, {})
        for rule in DURING:
            for reading in readings.get(rule.loinc, ()):
                held = any(_recorded(e, reading) for e in _episodes(facts, patient, rule.snomed))
                if held and not rule.low <= reading.value <= rule.high:
                    expected = f"expected {rule.low} to {rule.high}"
                    text = f"{reading.value} on {reading.when[:10]}, {expected}"
                    yield Violation(rule.name, reading.name, text)
        for undiagnosed in UNDIAGNOSED:
            yield from _undiagnosed(facts, patient, undiagnosed)
        for onset in ONSET:
            yield from _onset(facts, patient, onset)
    for raised in RAISED:
        yield from _raised(facts, raised)
    yield from _stages(facts)


def _undiagnosed(facts: Facts, patient: str, rule: Undiagnosed) -> Iterator[Violation]:
    found = sorted(
        (r for r in facts.readings.get(patient, {}).get(rule.loinc, ()) if r.value >= rule.limit),
        key=lambda reading: reading.when,
    )
    if len(found) < 2 or days_between(found[0].when, found[-1].when) < 90:
        return
    if not _episodes(facts, patient, rule.snomed):
        yield Violation(rule.name, found[-1].name, f"{found[-1].value}, no such condition recorded")


def _onset(facts: Facts, patient: str, rule: Onset) -> Iterator[Violation]:
    for episode in _episodes(facts, patient, rule.snomed):
        # A condition older than the record was treated before it.
        if not episode.recorded or days_between(episode.onset, episode.recorded) > 3 * 365:
            continue
        near = [
            r
            for r in facts.readings.get(patient, {}).get(rule.loinc, ())
            if 0 <= days_between(episode.recorded, r.when) <= 1
        ]
        for reading in near[:1]:
            if not rule.low <= reading.value <= rule.high:
                text = f"{reading.value}, expected {rule.low} to {rule.high}"
                yield Violation(rule.name, reading.name, text)


def _split(facts: Facts, loinc: str, snomed: str) -> tuple[list[float], list[float]]:
    """Adults' readings under the condition, and those of people who never have it."""
    under: list[float] = []
    never: list[float] = []
    for patient, life in facts.lives.items():
        episodes = _episodes(facts, patient, snomed)
        for reading in facts.readings.get(patient, {}).get(loinc, ()):
            if days_between(life.born, reading.when) < 18 * 365:
                continue
            if not episodes:
                never.append(reading.value)
            elif any(_recorded(episode, reading) for episode in episodes):
                under.append(reading.value)
    return under, never


_ENOUGH = 20
"""Readings on each side before means are compared."""


def _raised(facts: Facts, rule: Raised) -> Iterator[Violation]:
    under, never = _split(facts, rule.loinc, rule.snomed)
    if len(under) < _ENOUGH or len(never) < _ENOUGH:
        return
    gap = mean(under) - mean(never)
    if (gap < rule.by) if rule.by > 0 else (gap > rule.by):
        text = f"mean {mean(under):.2f} with, {mean(never):.2f} without, expected {rule.by} apart"
        yield Violation(rule.name, "population", text)


def _stages(facts: Facts) -> Iterator[Violation]:
    """Creatinine rises from stage to stage."""
    values = [_split(facts, "2160-0", stage)[0] for stage in STAGES]
    known = [(n, median(v)) for n, v in enumerate(values, 2) if len(v) >= _ENOUGH]
    for (stage, lower), (worse, higher) in pairwise(known):
        if higher <= lower:
            text = f"stage {stage} {lower:.2f} mg/dL, stage {worse} {higher:.2f} mg/dL"
            yield Violation("creatinine rises with CKD stage", "population", text)
