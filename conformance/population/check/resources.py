"""The second pass: references that resolve, times within a life and its visits, indications."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from conformance.population.check.facts import (
    RXNORM,
    Facts,
    Violation,
    code_of,
    instant,
    owner_of,
    target,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.population.check.source import Found, Json

_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?")
_FORECASTS = {
    ("Immunization", "expirationDate"),
    ("Device", "expirationDate"),
    ("Device", "manufactureDate"),
    ("Goal", "dueDate"),
    ("RelatedPerson", "birthDate"),
}
"""Dates that are no events of the patient's life."""

_NO_TIMES = {"id", "value", "display", "data", "reference"}

_OF_VISIT = ("effectiveDateTime", "authoredOn", "occurrenceDateTime", "recordedDate", "authored")


def check(facts: Facts, found: Found) -> Iterator[Violation]:
    """All rules that one resource can break by itself, given what the first pass knows."""
    texts = strings(found.resource)
    yield from _references(facts, found, texts)
    owner = owner_of(found.resource)
    if found.resource["resourceType"] == "Provenance":
        owner = next((_owner(facts, target(t)) for t in found.resource.get("target", ())), "")
    if owner in facts.lives:
        yield from _times(facts, found, owner, texts)
        yield from _within_visit(facts, found)
    rule = _RULES.get(found.resource["resourceType"])
    if rule is not None:
        yield from rule(facts, found, owner)


# References


def strings(resource: Json) -> list[tuple[str, str]]:
    """Every string of a resource, with the name of its element, in no particular order."""
    found: list[tuple[str, str]] = []
    rest: list[tuple[str, Any]] = list(resource.items())
    while rest:
        key, value = rest.pop()
        if isinstance(value, str):
            found.append((key, value))
        elif isinstance(value, dict):
            rest += cast("Json", value).items()
        elif isinstance(value, list):
            rest += [(key, child) for child in cast("list[Any]", value)]
    return found


def _references(facts: Facts, found: Found, texts: list[tuple[str, str]]) -> Iterator[Violation]:
    for key, text in texts:
        if key == "reference" and not _resolves(facts, found.scope, text):
            yield Violation("reference resolves", found.name, text)


def _resolves(facts: Facts, scope: str, text: str) -> bool:
    if "?" in text:
        type, _, query = text.partition("?")
        if not query.startswith("identifier="):
            return False
        return facts.identifiers[f"{type}|{unquote(query.removeprefix('identifier='))}"] == 1
    if text.startswith("urn:uuid:"):
        id = text.removeprefix("urn:uuid:")
        return id in facts.known and facts.known[id].scope == scope
    type, _, id = text.partition("/")
    return id in facts.known and facts.known[id].type == type


def _owner(facts: Facts, id: str) -> str:
    return facts.known[id].owner if id in facts.known else ""


# Times


def _times(
    facts: Facts, found: Found, owner: str, texts: list[tuple[str, str]]
) -> Iterator[Violation]:
    life, type = facts.lives[owner], found.resource["resourceType"]
    last = instant(life.died) if life.died else None
    for key, text in texts:
        if text[4:5] != "-" or key in _NO_TIMES or not _TIME.fullmatch(text):
            continue
        if (type, key) in _FORECASTS:
            continue
        if text[:10] < life.born:
            yield Violation("nothing before birth", found.name, f"{key} {text}, born {life.born}")
        if last is not None and _after(text, life.died):
            yield Violation("nothing after death", found.name, f"{key} {text}, died {life.died}")


def _after(text: str, end: str) -> bool:
    """A bare date is compared by days."""
    if "T" not in text:
        return text > end[:10]
    return text[:10] >= end[:10] and instant(text) > instant(end)


def _within_visit(facts: Facts, found: Found) -> Iterator[Violation]:
    visit = target(found.resource.get("encounter", {}))
    if visit not in facts.encounters:
        return
    start, end, _ = facts.encounters[visit]
    for key in _OF_VISIT:
        text = found.resource.get(key, "")
        if not text:
            continue
        early = instant(text) < instant(start)
        late = bool(end) and instant(text) > instant(end)
        if early or late:
            yield Violation("within its encounter", found.name, f"{key} {text}: {start} to {end}")


# Medicines


def _indicated(facts: Facts, found: Found, owner: str) -> Iterator[Violation]:
    """Each order names a condition of this patient that is there when the order is written."""
    order = facts.orders[found.resource["id"]]
    if not order.reasons:
        yield Violation("medication has an indication", found.name, "no reasonReference")
    for reason in order.reasons:
        condition = facts.conditions.get(owner, {}).get(reason)
        if condition is None:
            yield Violation(
                "medication has an indication", found.name, f"{reason} is no condition of theirs"
            )
            continue
        begun = instant(condition.onset) <= instant(order.when)
        over = condition.abated and instant(condition.abated) < instant(order.when)
        if not begun or over:
            lasted = f"{condition.onset} to {condition.abated or 'now'}"
            text = f"{condition.text} {lasted}, ordered {order.when}"
            yield Violation("indication at the time", found.name, text)


def _ordered(facts: Facts, found: Found, owner: str) -> Iterator[Violation]:
    """A dose or a dispense follows an order of the same patient."""
    resource = found.resource
    links = [resource.get("request"), *resource.get("authorizingPrescription", ())]
    orders = [facts.orders.get(target(link)) for link in links if link]
    if not orders or None in orders:
        yield Violation("medication was ordered", found.name, "names no MedicationRequest")
        return
    given = resource.get("effectiveDateTime") or resource.get("whenHandedOver", "")
    for link, order in zip([link for link in links if link], orders, strict=True):
        if _owner(facts, target(link)) != owner:
            yield Violation("medication was ordered", found.name, "for another patient")
        elif order is not None and given and instant(given) < instant(order.when):
            yield Violation("medication was ordered", found.name, f"{given} before {order.when}")


# Money


def _claim(facts: Facts, found: Found, owner: str) -> Iterator[Violation]:
    del facts, owner
    resource = found.resource
    lines = sum(Decimal(str(item["net"]["value"])) for item in resource.get("item", ()))
    total = Decimal(str(resource.get("total", {}).get("value", 0)))
    if abs(lines - total) > Decimal("0.005"):
        yield Violation("claim adds up", found.name, f"items {lines}, total {total}")


def _stay(facts: Facts, found: Found, owner: str) -> Iterator[Violation]:
    del facts, owner
    resource: Json = found.resource
    period = resource.get("period", {})
    if resource.get("status") == "finished" and "end" not in period:
        yield Violation("finished encounter has an end", found.name, str(period))
    if "end" in period and instant(period["end"]) < instant(period["start"]):
        yield Violation("encounter ends after it starts", found.name, str(period))


def _coded(facts: Facts, found: Found, owner: str) -> Iterator[Violation]:
    del facts, owner
    concept = found.resource.get("medicationCodeableConcept")
    if concept is not None and not code_of(concept, RXNORM):
        yield Violation("medication is coded", found.name, str(concept))


def _request(facts: Facts, found: Found, owner: str) -> Iterator[Violation]:
    yield from _indicated(facts, found, owner)
    yield from _coded(facts, found, owner)


_RULES = {
    "MedicationRequest": _request,
    "MedicationDispense": _ordered,
    "MedicationAdministration": _ordered,
    "Claim": _claim,
    "Encounter": _stay,
}
