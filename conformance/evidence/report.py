"""What a suite has found, printed as it goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console

MOST_SHOWN = 10

console = Console()


@dataclass(slots=True)
class Report:
    """Checks passed and failed; ``finish`` says whether all passed."""

    name: str
    passed: int = 0
    failures: list[str] = field(default_factory=list[str])

    def check(self, holds: object, failure: str) -> None:
        """Count one check; ``failure`` says what was expected and what was found."""
        if holds:
            self.passed += 1
            return
        self.failures.append(failure)
        if len(self.failures) <= MOST_SHOWN:
            console.print(f"  FAILED {failure}", style="red", markup=False, highlight=False)

    def say(self, text: str) -> None:
        """Show progress."""
        console.print(f"  {text}", markup=False, highlight=False)

    def finish(self) -> bool:
        """Print the totals."""
        hidden = len(self.failures) - MOST_SHOWN
        if hidden > 0:
            console.print(f"  … and {hidden} more failures", style="red")
        console.print(f"{self.name}: {self.passed} passed, {len(self.failures)} failed")
        return not self.failures
