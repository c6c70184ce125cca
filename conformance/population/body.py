"""The body behind the record: growth, and the state that courses move and measurements read."""

from __future__ import annotations

from bisect import bisect_right
from math import exp
from typing import TYPE_CHECKING

from conformance.population.clock import YEAR

if TYPE_CHECKING:
    from conformance.population.dice import Dice

# Medians of the WHO and CDC growth charts, rounded: age in years, length cm, BMI, head cm.
_AGES = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 11.0, 13.0, 15.0, 18.0)
_LENGTH = {
    "female": (49.1, 59.8, 65.7, 74.0, 80.7, 86.4, 95.1, 109.4, 127.0, 144.0, 157.0, 161.5, 163.0),
    "male": (49.9, 61.4, 67.6, 75.7, 82.3, 87.8, 96.1, 110.0, 128.0, 143.5, 156.0, 170.0, 176.0),
}
_BMI = (13.4, 16.6, 17.2, 16.9, 16.3, 15.9, 15.6, 15.3, 15.9, 17.3, 18.5, 19.9, 21.7)
_HEAD = (34.2, 40.0, 42.7, 45.6, 46.8, 47.8, 49.0, 50.5, 52.0, 53.0, 54.0, 55.0, 55.5)


def _curve(values: tuple[float, ...], age: float) -> float:
    at = bisect_right(_AGES, age)
    if at >= len(_AGES):
        return values[-1]
    left, right = _AGES[at - 1], _AGES[at]
    share = (age - left) / (right - left)
    return values[at - 1] + share * (values[at] - values[at - 1])


class Body:
    """Hidden truth; an Observation is this plus the scatter of one measurement."""

    def __init__(self, dice: Dice, sex: str, born: int) -> None:
        self.dice = dice
        self.sex = sex
        self.born = born
        self.stature = dice.near(1.0, 0.038)
        self.build = dice.near(1.0, 0.09)
        self.adult_bmi = max(18.0, dice.near(26.8, 4.6) + (dice.between(0, 9) ** 2) / 14)
        self.gain = dice.between(0.0, 0.09)
        self.weight_change = 0.0
        self.systolic = dice.near(112, 7)
        self.diastolic = dice.near(71, 5)
        self.pulse = dice.near(72, 7)
        self.a1c = dice.near(5.2, 0.18)
        self.ldl = dice.near(104, 16)
        self.hdl = dice.near(55 if sex == "female" else 47, 8)
        self.triglycerides = dice.near(105, 25)
        self.egfr_lost = 0.0
        self.egfr_base = dice.near(112, 7)
        self.albumin_ratio = dice.near(9, 3)
        self.hemoglobin = dice.near(13.4 if sex == "female" else 15.0, 0.6)
        self.mcv = dice.near(90, 3)
        self.ferritin = dice.near(85, 25)
        self.tsh = dice.near(1.9, 0.5)
        self.bnp = dice.near(25, 9)
        self.ejection = dice.near(61, 3)
        self.inr = 1.0
        self.urate = dice.near(5.2, 0.7)
        self.fev1_ratio = dice.near(80, 3)
        self.saturation = dice.near(98, 0.6)
        self.psa = dice.near(0.8, 0.25)
        self.cea = dice.near(1.6, 0.5)
        self.phq9 = dice.near(2.4, 1.2)
        self.gad7 = dice.near(2.2, 1.1)
        self.infection = 0.0
        """Severity of a running infection, 0 to 1: fever, white cells, CRP, pulse follow it."""

    def age(self, when: int) -> float:
        """Years, 0 at birth."""
        return max(0.0, (when - self.born) / YEAR)

    def height(self, when: int) -> float:
        """cm; elderly people shrink a little."""
        age = self.age(when)
        loss = max(0.0, age - 60) * 0.09
        return _curve(_LENGTH[self.sex], age) * self.stature - loss

    def bmi(self, when: int) -> float:
        """kg/m2: a growth curve for children, a slow gain for adults."""
        age = self.age(when)
        child = _curve(_BMI, age) * (1 + (self.build - 1) * min(1.0, 0.4 + age / 20))
        if age <= 18:
            return child
        adult = max(17.5, self.adult_bmi + self.gain * (age - 40) + self.weight_change)
        share = min(1.0, (age - 18) / 10)
        return child * (1 - share) + adult * share

    def weight(self, when: int) -> float:
        """Kilograms."""
        meters = self.height(when) / 100
        return self.bmi(when) * meters * meters

    def head(self, when: int) -> float:
        """Circumference of the head, cm."""
        return _curve(_HEAD, self.age(when)) * (1 + (self.stature - 1) * 0.5)

    def percentile(self, when: int) -> float:
        """Of BMI for age, from how far the build is from the median."""
        spread = (self.bmi(when) / _curve(_BMI, self.age(when)) - 1) / 0.085
        return 100 / (1 + exp(-1.702 * spread))

    def pressure(self, when: int) -> tuple[float, float]:
        """Systolic and diastolic, mmHg, without the scatter of a reading."""
        age = self.age(when)
        if age < 18:
            return 84 + 1.6 * age + (self.systolic - 112) * 0.5, 52 + age + (
                self.diastolic - 71
            ) / 2
        return self.systolic + max(0.0, age - 40) * 0.18, self.diastolic

    def heart_rate(self, when: int) -> float:
        """Beats a minute, faster in children and in infection."""
        age = self.age(when)
        child = 135 * exp(-age / 4.2) if age < 16 else 0
        return self.pulse + child * 0.5 + self.infection * 22

    def breaths(self, when: int) -> float:
        """Breaths a minute."""
        age = self.age(when)
        child = 24 * exp(-age / 3.5) if age < 16 else 0
        return 15 + child + self.infection * 8

    def egfr(self, when: int) -> float:
        """mL/min/1.73 m2: slow loss with age, faster once a course takes its share."""
        age = self.age(when)
        return max(6.0, self.egfr_base - max(0.0, age - 30) * 0.62 - self.egfr_lost)

    def creatinine(self, when: int) -> float:
        """mg/dL, by CKD-EPI 2021 turned round; below 18 by the bedside Schwartz equation.

        https://doi.org/10.1056/NEJMoa2102953
        """
        age = self.age(when)
        if age < 18:
            return 0.413 * self.height(when) / max(15.0, self.egfr(when))
        kappa, alpha, factor = (0.7, -0.241, 1.012) if self.sex == "female" else (0.9, -0.302, 1.0)
        share = self.egfr(when) / (142 * 0.9938**age * factor)
        return kappa * (share ** (1 / alpha) if share >= 1 else share ** (-1 / 1.2))
