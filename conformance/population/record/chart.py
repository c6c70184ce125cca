"""The chart: one patient's resources, and the agenda that fills them in order of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from conformance.population.body import Body
from conformance.population.clock import DAY, HOUR, YEAR, day_text, stamp
from conformance.population.codes.tables import VISITS, Json, VisitKind

if TYPE_CHECKING:
    from conformance.population.dice import Dice
    from conformance.population.person import Person
    from conformance.population.world import Clinician, World

Act = Callable[["Visit"], None]


@dataclass(slots=True)
class Chronic:
    """A lasting condition: `review` runs at its diagnosis and at every checkup after it."""

    key: str
    onset: int
    review: Act
    every: float
    """Years between visits that it calls for."""


class Chart:
    """Everything that happens to one patient between `begin` and `end`."""

    def __init__(self, world: World, dice: Dice, ids: Dice, person: Person) -> None:
        self.world = world
        self.dice = dice
        self.person = person
        self.uuid = ids.uuid
        self.body = Body(dice, person.sex, person.born)
        self.resources: list[Json] = []
        self.patient: Json = {}
        self.begin = 0
        self.now = 0
        self.end = 0
        self.death: int | None = None
        self.first_visit = 0
        self.busy = 0
        self.subject: Json = {}
        self.coverage: Json | None = None
        self.payer: Json | None = None
        self.onsets: dict[str, int] = {}
        self.history: list[Chronic] = []
        self.pending: dict[str, Chronic] = {}
        self.chronic: dict[str, Chronic] = {}
        self.tides: list[Callable[[int], None]] = []
        self.offers: list[Act] = []
        self.problems: dict[str, Json] = {}
        self.drugs: dict[str, Json] = {}
        self.given: dict[str, int] = {}
        self._agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self._serial = 0

    # Text and references

    def stamp(self, when: int) -> str:
        """A dateTime with the offset of the patient's home."""
        return stamp(when, self.person.zone)

    def day(self, when: int) -> str:
        """A date."""
        return day_text(when)

    def own(self, resource: Json) -> Json:
        """A reference to a resource of this chart."""
        return {"reference": self.world.links.own(resource["resourceType"], resource["id"])}

    def new(self, type: str, profile: str, /, **elements: object) -> Json:
        """A resource of this patient, already in the chart."""
        resource: Json = {
            "resourceType": type,
            "id": self.uuid(),
            "meta": self.world.meta.of(profile) if profile else self.world.meta.plain,
            **elements,
        }
        self.resources.append(resource)
        return resource

    def clinician(self, department: str) -> Clinician:
        """The same patient sees the same people."""
        staff = self.person.site.staff[department]
        return staff[self.person.born % len(staff)]

    # The agenda

    @property
    def home(self) -> str:
        """The department that looks after the patient: children's doctors up to 18."""
        return "pediatrics" if self.age(self.now) < 18 else "primary"

    def age(self, when: int) -> float:
        """Years."""
        return self.person.age(when)

    def born_plus(self, years: float) -> int:
        """The instant at an age in years."""
        return self.person.born + int(years * YEAR)

    def at(self, when: int, action: Callable[[int], None]) -> None:
        """Nothing happens before the record begins, or once it has ended."""
        if self.begin <= when < self.end:
            self._serial += 1
            heappush(self._agenda, (when, self._serial, action))

    def office(self, when: int) -> int:
        """The next weekday at a bookable quarter of an hour."""
        day = when // DAY
        weekday = (day + 6) % 7
        if weekday >= 5:
            day += 7 - weekday
        return day * DAY + 8 * HOUR + 15 * self.dice.whole(0, 34)

    def run(self) -> None:
        """In order of time until the record ends."""
        agenda = self._agenda
        while agenda:
            when, _, action = heappop(agenda)
            if when < self.end:
                action(when)


class Visit:
    """One encounter; `start` and `end` are minutes, `hours` is set for stays."""

    def __init__(self, chart: Chart, kind: str, start: int, *, hours: float = 0) -> None:
        self.chart = chart
        self.kind: VisitKind = VISITS[kind]
        self.start = start
        self.end = start + (int(hours * HOUR) if hours else self.kind.minutes)
        self.clinician = chart.clinician(self.kind.department)
        self.charges: list[tuple[Json, float]] = []
        self.orders: dict[str, Json] = {}
        self.wanted: dict[str, None] = {}
        self.reasons: list[Json] = []
        self.encounter: Json = {}
        self.reference: Json = {}

    def about(self, key: str) -> None:
        """The visit is because of an existing problem."""
        problem = self.chart.problems.get(key)
        if problem is not None and problem not in self.reasons:
            self.reasons.append(problem)

    def order(self, *keys: str) -> None:
        """Panels or single tests, drawn once when the visit closes."""
        for key in keys:
            self.wanted[key] = None

    def charge(self, code: Json, price: float) -> None:
        """Something to claim for; `price` in USD."""
        self.charges.append((code, price))
