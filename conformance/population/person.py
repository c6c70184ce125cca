"""Who someone is: birth, sex, people, name, home, habits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.population.clock import DAY, YEAR, minute
from conformance.population.world import PEOPLE, Site

if TYPE_CHECKING:
    from datetime import date

    from conformance.population.dice import Dice

# Lower edges of age bands and their shares in the United States, rounded; the older bands are
# raised by what the years of record will take from them.
_BANDS = (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90)
_YOUNG = (5.6, 6.0, 6.4, 6.5, 6.4, 6.6, 6.9, 6.6, 6.3, 5.9, 6.3, 6.6, 6.8)
_OLD = (6.2, 5.7, 4.9, 4.0, 3.4, 3.2)
_SHARES = _YOUNG + _OLD
_SEXES = ("female", "male")
_SMOKING = ("never", "former", "current")
_WEIGHTS = tuple(float(group["weight"]) for group in PEOPLE)


@dataclass(slots=True)
class Person:
    """Fixed facts of a life; instants are minutes, see clock.py."""

    born: int
    sex: str
    group: dict[str, Any]
    given: list[str]
    family: str
    maiden: str
    site: Site
    smoking: str
    marital: str
    diligence: float
    """How reliably this person comes to checkups and takes medicines, 0.4 to 1."""

    @property
    def zone(self) -> int:
        """Standard UTC offset at home, hours."""
        return int(self.site.city[3])

    def age(self, when: int) -> float:
        """Years."""
        return (when - self.born) / YEAR


def _surname(dice: Dice, group: dict[str, Any]) -> str:
    return dice.pick(group["first"]) + dice.pick(group["last"])


def _smoking(dice: Dice, age: float) -> str:
    if age < 16:
        return "never"
    return dice.weigh(_SMOKING, (62, 8 + min(30, age / 2.4), 14))


def _marital(dice: Dice, age: float) -> str:
    if age < 20:
        return "S"
    return dice.weigh(("S", "M", "D", "W"), (max(12, 90 - age), 50, 11, max(1, age - 58)))


def make_person(dice: Dice, sites: list[Site], now: date) -> Person:
    """Drawn from the census as it stands on the day the records end."""
    band = dice.weigh(range(len(_BANDS)), _SHARES)
    width = 5 if band < len(_BANDS) - 1 else 9
    age = _BANDS[band] + dice.random() * width
    born = minute(now) - int(age * YEAR)
    born = born // DAY * DAY + dice.whole(0, DAY - 1)
    born = min(born, minute(now) - DAY)
    # Women live longer: the share of men falls from 51 % at birth to 35 % at 90.
    sex = dice.weigh(
        _SEXES, (0.49 + max(0.0, age - 55) * 0.0035, 0.51 - max(0.0, age - 55) * 0.0035)
    )
    group = dice.weigh(PEOPLE, _WEIGHTS)
    given = dice.sample(group[sex], 2)
    family = _surname(dice, group)
    marital = _marital(dice, age)
    maiden = _surname(dice, group) if sex == "female" and marital in "MW" else ""
    return Person(
        born=born,
        sex=sex,
        group=group,
        given=given[: dice.whole(1, 2)],
        family=family,
        maiden=maiden,
        site=dice.pick(sites),
        smoking=_smoking(dice, age),
        marital=marital,
        diligence=dice.between(0.4, 1.0),
    )
