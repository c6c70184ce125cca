"""Medians and nearest-rank percentiles."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank of values in ascending order; 0 when there are none."""
    if not ordered:
        return 0.0
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(rank, 1) - 1]


def median(values: Iterable[float | None]) -> float | None:
    """Median of the values that were measured, or None when none was."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
