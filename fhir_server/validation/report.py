"""Collects the issues found in one resource, each with the FHIRPath of its element."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fhir_server.r4.outcome import FhirError, Issue

if TYPE_CHECKING:
    from fhir_server.r4.outcome import Severity

MOST_ISSUES = 100

Where = tuple["Where | None", str | int]
"""An element as (parent, step): only joined to an expression when something is wrong.

A step is a property as FHIRPath writes it, or an index.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What the resource alone cannot answer: whether ``reference`` (Type/id) exists."""

    where: Where
    reference: str

    @property
    def expression(self) -> str:
        """The FHIRPath of the reference."""
        return expression(self.where)


@dataclass(frozen=True, slots=True)
class Validation:
    """The outcome of validating one resource."""

    issues: tuple[Issue, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether any issue is an error."""
        return any(issue.severity in {"error", "fatal"} for issue in self.issues)

    def error(self) -> FhirError:
        """400: the resource breaks basic rules of FHIR; https://hl7.org/fhir/R4/http.html#create."""
        return FhirError(400, self.issues)


def expression(where: Where | None) -> str:
    """The FHIRPath of an element, such as ``Patient.name[0].given[1]``."""
    steps: list[str] = []
    while where is not None:
        where, step = where
        steps.append(step if isinstance(step, str) else f"[{step}]")
    return "".join(reversed(steps))


@dataclass(slots=True)
class Report:
    """What has been found so far; beyond a hundred issues the rest is only counted."""

    issues: list[Issue] = field(default_factory=list[Issue])
    questions: list[Question] = field(default_factory=list[Question])
    unlisted: int = 0

    def add(
        self, where: Where | None, text: str, *, code: str, severity: Severity = "error"
    ) -> None:
        """``code`` is an issue type; ``text`` goes behind the expression."""
        if len(self.issues) >= MOST_ISSUES:
            self.unlisted += 1
            return
        path = expression(where)
        self.issues.append(Issue(code, f"{path}: {text}", path, severity))

    def result(self) -> Validation:
        """All of it, as a value."""
        if self.unlisted:
            text = f"{self.unlisted} more issues are not listed"
            self.issues.append(Issue("informational", text, severity="information"))
        return Validation(tuple(self.issues), tuple(self.questions))
