"""The torture suites, seconds long: races on few ids, and kill -9 under write load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
def test_races_and_kills_leave_what_was_acknowledged_and_nothing_else():
    command = [sys.executable, "-m", "conformance.torture", "--short", "--seed", "1"]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "0 failed" in done.stdout
