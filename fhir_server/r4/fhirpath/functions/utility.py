"""Utility functions. https://hl7.org/fhirpath/N1/#utility-functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.functions.signature import Function
from fhir_server.r4.fhirpath.node import Node, Nodes
from fhir_server.r4.fhirpath.scope import Scope
from fhir_server.r4.fhirpath.values import text

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.r4.fhirpath.scope import Evaluate


def _trace(focus: Nodes, scope: Scope, name: Nodes, projection: Evaluate | None = None) -> Nodes:
    label = text(name) or ""
    shown = focus if projection is None else projection(Scope(scope.run, focus))
    scope.run.traces.append((label, shown))
    return focus


def _clock(scope: Scope) -> datetime:
    if scope.run.now is None:
        raise FhirPathError("this evaluation has no clock")
    return scope.run.now


def _now(_: Nodes, scope: Scope) -> Nodes:
    moment = _clock(scope).isoformat(timespec="milliseconds")
    return (Node(moment.replace("+00:00", "Z"), "System.DateTime", "System.DateTime"),)


def _today(_: Nodes, scope: Scope) -> Nodes:
    return (Node(_clock(scope).date().isoformat(), "System.Date", "System.Date"),)


def _time_of_day(_: Nodes, scope: Scope) -> Nodes:
    time = _clock(scope).time().isoformat(timespec="milliseconds")
    return (Node(time, "System.Time", "System.Time"),)


FUNCTIONS = {
    "trace": Function(_trace, ("value", "criterion"), optional=1),
    "now": Function(_now),
    "today": Function(_today),
    "timeOfDay": Function(_time_of_day),
}
