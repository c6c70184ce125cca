"""The courses in the order in which they are planned: causes before consequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.population.courses import (
    admissions,
    allergies,
    cancer,
    checkups,
    diabetes,
    heart,
    hyperlipidemia,
    hypertension,
    infections,
    injuries,
    kidney,
    lungs,
    mood,
    others,
    pregnancy,
    vaccinations,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.population.record.chart import Chart

COURSES: tuple[Callable[[Chart], None], ...] = (
    hypertension.plan,
    hyperlipidemia.plan,
    diabetes.plan,
    kidney.plan,
    heart.plan,
    lungs.plan,
    mood.plan,
    others.plan,
    cancer.plan,
    allergies.plan,
    pregnancy.plan,
    infections.plan,
    injuries.plan,
    admissions.plan,
    vaccinations.plan,
    checkups.plan,
)
