"""Chance with a seed: one stream per patient, so that a patient never depends on the others."""

from __future__ import annotations

import hashlib
import random
from decimal import Decimal
from functools import lru_cache
from math import log
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Dice(random.Random):
    """A seeded stream of chance; text seeds are hashed here, so no process state enters."""

    def __init__(self, *seed: object) -> None:
        text = "\x1f".join(map(str, seed)).encode()
        super().__init__(int.from_bytes(hashlib.sha256(text).digest(), "big"))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def between(self, low: float, high: float) -> float:
        """Uniform."""
        return low + (high - low) * self.random()

    def whole(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + int(self.random() * (high - low + 1))

    def near(self, mean: float, spread: float) -> float:
        """Normal, cut at 2.5 spreads so that no measurement is absurd."""
        return mean + spread * max(-2.5, min(2.5, self.gauss(0.0, 1.0)))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[int(self.random() * len(options))]

    def weigh(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of the options by weight."""
        draw = self.random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            draw -= weight
            if draw < 0:
                return option
        return options[-1]

    def first(self, bands: Sequence[tuple[float, float]], factor: float = 1.0) -> float | None:
        """Age at a first event, or None: rows are (from age, events a year), ages rising."""
        for at, (start, rate) in enumerate(bands):
            stop = bands[at + 1][0] if at + 1 < len(bands) else 120.0
            if rate > 0:
                age = start + self.wait(rate * factor)
                if age < stop:
                    return age
        return None

    def wait(self, rate: float) -> float:
        """Years until an event that happens `rate` times a year."""
        return -log(1.0 - self.random()) / rate

    def uuid(self) -> str:
        """A random UUID."""
        text = f"{self.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


@lru_cache(maxsize=200_000)
def _fixed(scaled: int, digits: int) -> Decimal:
    return Decimal(scaled).scaleb(-digits)


def number(value: float, digits: int) -> int | Decimal:
    """A measured value with as many decimals as its instrument shows: 7.10 stays 7.10."""
    if digits == 0:
        return round(value)
    return _fixed(round(value * 10**digits), digits)
