"""A stream of patients: the same seed, size and day give the same bytes.

https://hl7.org/fhir/R4/resourcelist.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.population.clock import YEAR, minute
from conformance.population.courses.death import fate
from conformance.population.courses.table import COURSES
from conformance.population.dice import Dice
from conformance.population.links import Links, RelativeLinks
from conformance.population.meta import Meta
from conformance.population.person import make_person
from conformance.population.record.billing import cover
from conformance.population.record.chart import Chart
from conformance.population.record.identity import register
from conformance.population.world import World, build_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

Json = dict[str, Any]

HISTORY = 10
"""Years of record unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Resources that belong together: shared ones, or one patient with everything of theirs.

    Resources share parts such as codes and references: read them, do not change them.
    """

    name: str
    shared: bool
    resources: list[Json]


@dataclass(frozen=True, slots=True)
class Settings:
    """What, beside its size, decides a population."""

    seed: int
    patients: int
    now: date
    links: Links
    profiles: bool = False
    history: int = HISTORY


def generate(
    seed: int, patients: int, *, now: date, links: Links | None = None, profiles: bool = False
) -> Iterator[Batch]:
    """Shared resources first (two batches), then a batch per patient; one in memory at a time."""
    settings = Settings(seed, patients, now, links or RelativeLinks(), profiles)
    world = world_of(settings)
    yield from shared_batches(world)
    for index in range(patients):
        yield patient_batch(settings, world, index)


def world_of(settings: Settings) -> World:
    """The shared resources of a population."""
    meta = Meta(profiles=settings.profiles)
    return build_world(settings.seed, settings.patients, links=settings.links, meta=meta)


def shared_batches(world: World) -> Iterator[Batch]:
    """Organizations, places and products; then the clinicians who refer to them."""
    yield Batch("0-organizations", shared=True, resources=world.organizations)
    yield Batch("0-practitioners", shared=True, resources=world.practitioners)


def patient_batch(settings: Settings, world: World, index: int) -> Batch:
    """Depends on the seed, the index and the world only, so any process may make it."""
    chart = _live(settings, world, index)
    return Batch(f"patient-{index:07d}", shared=False, resources=chart.resources)


def _live(settings: Settings, world: World, index: int) -> Chart:
    dice = Dice(settings.seed, "patient", index)
    person = make_person(dice, world.sites, settings.now)
    chart = Chart(world, dice, Dice(settings.seed, "ids", index), person)
    chart.now = chart.end = minute(settings.now)
    chart.begin = max(person.born, chart.now - int(settings.history * YEAR))
    chart.first_visit = chart.office(chart.begin + int(dice.between(0.01, 0.9) * YEAR))
    if chart.age(chart.begin) < 3:
        # Small children are seen by schedule from the first day of the record.
        chart.first_visit = chart.begin
    chart.patient = chart.new("Patient", "")
    chart.patient["meta"] = world.meta.person("us-core-patient")
    chart.subject = chart.own(chart.patient)
    for plan in COURSES:
        plan(chart)
    fate(chart)
    register(chart)
    cover(chart)
    chart.run()
    return chart
