"""What a load client reports about one run."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers of one run; latencies in milliseconds.

    `status` counts answers of 400 and above (own client: all but 2xx), `broken` connections that
    failed or timed out, `wrong` answers that lack what they must hold; `created` and `deleted`
    are counted only where a script deletes what it created.
    """

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    status: int
    broken: int
    wrong: int
    created: int
    deleted: int

    @property
    def good(self) -> int:
        """Answers that count."""
        return self.requests - self.status - self.wrong

    @property
    def failures(self) -> int:
        """Everything that must be nought for a run to stand."""
        return self.status + self.broken + self.wrong


MARK = "RESULT "


class ClientError(Exception):
    """The load client ended without a result."""


def parse_outcome(output: str) -> Outcome:
    """The result line in a client's standard output."""
    for line in output.splitlines():
        if line.startswith(MARK):
            return Outcome(**json.loads(line[len(MARK) :]))
    raise ClientError(f"the load client printed no result: {output[-500:]!r}")
