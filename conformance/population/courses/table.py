"""The courses in the order in which they are planned: causes before consequences."""

from __future__ import annotations

from collections.abc import Callable

from conformance.population.courses import (
    checkups,
    diabetes,
    hyperlipidemia,
    hypertension,
    infections,
    vaccinations,
)
from conformance.population.record.chart import Chart

COURSES: tuple[Callable[[Chart], None], ...] = (
    hypertension.plan,
    hyperlipidemia.plan,
    diabetes.plan,
    infections.plan,
    vaccinations.plan,
    checkups.plan,
)
