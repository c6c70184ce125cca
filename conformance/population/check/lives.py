"""What must hold across one patient's record: marks, visits, growth, vaccines, sex, allergies."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.population.check.facts import Violation, days_between, instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.population.check.facts import Facts

_FEMALE = {"72892002", "11687002", "398254007", "19169002"}
_MALE = {"266569009", "399068003"}
_PREGNANT_AGE = (10, 56)
_EARLIEST_DAYS = {
    "03": 360,
    "21": 360,
    "83": 360,
    "20": 42,
    "10": 42,
    "119": 42,
    "140": 180,
    "165": 9 * 365,
    "115": 7 * 365,
    "187": 18 * 365,
    "33": 2 * 365,
}
"""CVX code: the age before which the vaccine is not given."""

_PENICILLINS = {"308192", "562251", "1659131"}
_PENICILLIN_ALLERGY = "7984"
_HEIGHT, _WEIGHT, _BMI = "8302-2", "29463-7", "39156-5"


def check(facts: Facts) -> Iterator[Violation]:
    """Patient by patient."""
    visits: dict[str, list[tuple[str, str, str]]] = {}
    for id, (start, end, _) in facts.encounters.items():
        visits.setdefault(facts.known[id].owner, []).append((start, end, id))
    for patient, life in facts.lives.items():
        if not life.marked:
            yield Violation("marked as synthetic", life.name, "no HTEST label")
        if not life.born:
            yield Violation("has a birth date", life.name, "none")
            continue
        yield from _overlaps(visits.get(patient, []))
        yield from _sex(facts, patient)
        yield from _growth(facts, patient)
        yield from _vaccines(facts, patient)
        yield from _allergies(facts, patient)


def _overlaps(visits: list[tuple[str, str, str]]) -> Iterator[Violation]:
    rows = sorted((instant(start), end, id) for start, end, id in visits if start)
    for (_, end, first), (start, _, second) in pairwise(rows):
        if end and start < instant(end):
            yield Violation("encounters do not overlap", f"Encounter/{second}", f"with {first}")


def _sex(facts: Facts, patient: str) -> Iterator[Violation]:
    life = facts.lives[patient]
    for episode in facts.conditions.get(patient, {}).values():
        if episode.code in _FEMALE:
            age = days_between(life.born, episode.onset) / 365.25
            if life.sex != "female" or not _PREGNANT_AGE[0] <= age < _PREGNANT_AGE[1]:
                yield Violation("pregnancy fits", episode.name, f"{life.sex}, {age:.0f} years")
        elif episode.code in _MALE and life.sex != "male":
            yield Violation("condition fits the sex", episode.name, f"{life.sex}: {episode.text}")
        if episode.abated and instant(episode.abated) < instant(episode.onset):
            yield Violation("abates after onset", episode.name, f"{episode.onset} {episode.abated}")


def _growth(facts: Facts, patient: str) -> Iterator[Violation]:
    life, readings = facts.lives[patient], facts.readings.get(patient, {})
    heights = sorted(readings.get(_HEIGHT, ()), key=lambda reading: reading.when)
    for before, after in pairwise(heights):
        child = days_between(life.born, after.when) < 18 * 365
        if child and after.value < before.value - 2.5:
            yield Violation("children do not shrink", after.name, f"{before.value} {after.value}")
    tall = {reading.when: reading.value for reading in heights}
    heavy = {reading.when: reading.value for reading in readings.get(_WEIGHT, ())}
    for reading in readings.get(_BMI, ()):
        height, weight = tall.get(reading.when), heavy.get(reading.when)
        if height and weight and abs(weight / (height / 100) ** 2 - reading.value) > 0.15:
            text = f"{reading.value} of {weight} kg and {height} cm"
            yield Violation("BMI follows height and weight", reading.name, text)


def _vaccines(facts: Facts, patient: str) -> Iterator[Violation]:
    life = facts.lives[patient]
    given: dict[str, str] = {}
    for name, cvx, when in sorted(facts.vaccines.get(patient, ()), key=lambda row: row[2]):
        age = days_between(life.born, when)
        if age < _EARLIEST_DAYS.get(cvx, 0):
            yield Violation("vaccine at its age", name, f"CVX {cvx} at {age} days")
        last = given.get(cvx)
        if last and days_between(last, when) < 21:
            yield Violation("doses are spaced", name, f"CVX {cvx} on {last[:10]} and {when[:10]}")
        given[cvx] = when


def _allergies(facts: Facts, patient: str) -> Iterator[Violation]:
    onsets = [
        onset for code, onset in facts.allergies.get(patient, ()) if code == _PENICILLIN_ALLERGY
    ]
    if not onsets:
        return
    for order in facts.drugs.get(patient, ()):
        if order.drug in _PENICILLINS and instant(order.when) > instant(min(onsets)):
            yield Violation("no drug the patient is allergic to", order.name, order.drug)
