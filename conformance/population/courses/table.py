"""The courses in the order in which they are planned: causes before consequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.courses import (
    checkups,
    diabetes,
    hyperlipidemia,
    hypertension,
    infections,
    vaccinations,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.population.record.chart import Chart

COURSES: tuple[Callable[[Chart], None], ...] = (
    hypertension.plan,
    hyperlipidemia.plan,
    diabetes.plan,
    infections.plan,
    vaccinations.plan,
    checkups.plan,
)
