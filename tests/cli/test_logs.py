"""What the log says of failures, our own and those of libraries."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from fhir_server.cli.logs import configure

if TYPE_CHECKING:
    from collections.abc import Generator

    from fhir_server.settings import LogFormat


@pytest.fixture(autouse=True)
def restored() -> Generator[None]:
    """Puts back what configuring the log changes for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_logged_exception_tells_where_and_nothing_of_the_data(
    capfd: pytest.CaptureFixture[str], form: LogFormat
) -> None:
    configure("info", form)
    family = "Chalmers"
    try:
        raise ValueError(f"no such name: {family}")  # noqa: TRY301 - as a library would
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
        structlog.get_logger().error("failed", exc_info=sys.exc_info())
    logged = capfd.readouterr().err
    assert logged.count("ValueError in test_a_logged_exception") == 2
    assert "Chalmers" not in logged
