"""Runs all checks over a directory and prints what was found and how the population is spread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

from rich.table import Table

from conformance.population.check import courses, lives, resources
from conformance.population.check.facts import Facts, Violation, days_between, note
from conformance.population.check.source import files, read

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_SHOWN = 50
"""Violations printed; all are counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run found."""

    facts: Facts
    violations: list[Violation]


def inspect(folder: Path) -> Outcome:
    """Two passes over the files, then the rules over what they hold."""
    facts = Facts()
    paths = files(folder)
    for found in read(paths):
        note(facts, found)
    broken = list(facts.violations)
    for found in read(paths):
        broken += resources.check(facts, found)
    broken += lives.check(facts)
    broken += courses.check(facts)
    return Outcome(facts, broken)


def show(outcome: Outcome, console: Console) -> None:
    """Distributions, then violations."""
    facts = outcome.facts
    console.print(_types(facts))
    console.print(_ages(facts))
    console.print(_prevalence(facts))
    console.print(_years(facts))
    if not outcome.violations:
        console.print("[green]Coherent: no violation found.[/green]")
        return
    table = Table("Rule", "Where", "Found", title="Violations")
    for violation in outcome.violations[:_SHOWN]:
        table.add_row(violation.rule, violation.where, violation.text)
    console.print(table)
    for rule, count in Counter(v.rule for v in outcome.violations).most_common():
        console.print(f"[red]{count:,}[/red] {rule}")


def _numbers(*columns: str, title: str) -> Table:
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _types(facts: Facts) -> Table:
    table = _numbers("Resource", "Count", "Per patient", title="Resources")
    people = max(1, len(facts.lives))
    for type, count in sorted(facts.counts.items()):
        table.add_row(type, f"{count:,}", f"{count / people:.1f}")
    total = facts.counts.total()
    table.add_section()
    table.add_row("All", f"{total:,}", f"{total / people:.1f}")
    return table


def _last_day(facts: Facts) -> str:
    """The last day of any encounter: today, as far as the record knows."""
    return max((start for start, _, _ in facts.encounters.values()), default="2000-01-01")[:10]


def _ages(facts: Facts) -> Table:
    today = _last_day(facts)
    table = _numbers("Age", "Female", "Male", "Died", title="People by age, now or at death")
    groups: Counter[tuple[int, str]] = Counter()
    for life in facts.lives.values():
        band = int(days_between(life.born, life.died or today) / 365.25) // 10 * 10
        groups[band, "died" if life.died else life.sex] += 1
    for band in sorted({band for band, _ in groups}):
        row = (str(groups[band, kind]) for kind in ("female", "male", "died"))
        table.add_row(f"{band}-{band + 9}", *row)
    return table


def _prevalence(facts: Facts) -> Table:
    table = _numbers("Condition", "People", "%", "Adults %", title="Ever diagnosed")
    today, people = _last_day(facts), max(1, len(facts.lives))
    adults = {
        p for p, life in facts.lives.items() if days_between(life.born, life.died or today) >= 6575
    }
    having: dict[str, set[str]] = {}
    for patient, conditions in facts.conditions.items():
        for episode in conditions.values():
            having.setdefault(episode.text or episode.code, set()).add(patient)
    for text, those in sorted(having.items(), key=lambda row: -len(row[1])):
        grown = len(those & adults) / max(1, len(adults))
        table.add_row(text, str(len(those)), f"{len(those) / people:.1%}", f"{grown:.1%}")
    return table


def _years(facts: Facts) -> Table:
    table = _numbers(
        "Year", "Encounters", "Ambulatory", "Emergency", "Inpatient", "Days", title="Encounters"
    )
    years: dict[str, list[tuple[str, str, str]]] = {}
    for row in facts.encounters.values():
        years.setdefault(row[0][:4], []).append(row)
    for year, rows in sorted(years.items()):
        kinds = Counter(kind for _, _, kind in rows)
        stays = [days_between(start, end) for start, end, kind in rows if end and kind == "IMP"]
        counts = (f"{kinds[kind]:,}" for kind in ("AMB", "EMER", "IMP"))
        table.add_row(year, f"{len(rows):,}", *counts, f"{mean(stays):.1f}" if stays else "")
    return table
