from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from benchmarks import dataset
from benchmarks.api import Api
from benchmarks.driver import find_driver
from benchmarks.measure import Runner, Timing
from benchmarks.served import fhir_server
from benchmarks.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

CLIENTS = ["own", *(["wrk"] if shutil.which("wrk") else [])]
STANDIN = (sys.executable, "-m", "tests.benchmarks.standin")


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Callable[[str, str], Runner]]:
    """Starts a stand-in with a fault and returns a runner for it, seeded with two patients."""
    with ExitStack() as stack:

        def run(client: str, fault: str = "") -> Runner:
            monkeypatch.setenv("STANDIN_FAULT", fault)
            served = stack.enter_context(fhir_server(tmp_path, 1, STANDIN))
            target = Target("http", "127.0.0.1", served.port, "/fhir")
            api = Api(target)
            stack.callback(api.close)
            timing = Timing(seconds=1, repeat=1, warm=1)
            stored = dataset.seed(api, 1)
            return Runner(target, find_driver(client), timing, tmp_path, api, stored, served)

        yield run
