"""Structured logs with request ids; nothing that is logged names a patient."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, cast

import structlog

from fhir_server.rest.errors import described

if TYPE_CHECKING:
    from fhir_server.settings import LogFormat, LogLevel


def configure(level: LogLevel, form: LogFormat) -> None:
    """One stream, standard error, for our own lines and those of libraries."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, _without_values, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _without_values],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.getLevelNamesMapping()[level.upper()], logging.WARNING))


def _without_values(
    logger: object,  # noqa: ARG001 - the signature of a processor
    name: str,  # noqa: ARG001
    line: structlog.typing.EventDict,
) -> structlog.typing.EventDict:
    """Says what was raised and where; messages and variables may hold data of patients."""
    raised: object = line.pop("exc_info", None)
    error: object = sys.exc_info() if raised is True else raised
    if isinstance(error, tuple):
        error = cast("tuple[object, ...]", error)[1]
    if isinstance(error, BaseException):
        line["fault"] = described(error)
    return line
