"""A search by looking at every resource: own values by hand-written paths, own comparisons.

It shares nothing with the product but the rules of https://hl7.org/fhir/R4/search.html and the
decisions of docs/search.md.
"""

from __future__ import annotations

import calendar
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Resource = dict[str, Any]
FAR_PAST = datetime.min.replace(tzinfo=UTC)
FAR_FUTURE = datetime.max.replace(tzinfo=UTC)


def get(value: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path, lists flattened."""
    if isinstance(value, list):
        for item in value:
            yield from get(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        name, _, rest = path.partition(".")
        yield from get(value.get(name), rest)


def codings(path: str) -> Callable[[Resource], list[tuple[str | None, str | None]]]:
    return lambda r: [(c.get("system"), c.get("code")) for c in get(r, path + ".coding")]


def date_range(text: str) -> tuple[datetime, datetime]:
    if len(text) == 4:
        return datetime(int(text), 1, 1, tzinfo=UTC), datetime(int(text) + 1, 1, 1, tzinfo=UTC)
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        first = datetime(year, month, 1, tzinfo=UTC)
        return first, first + timedelta(days=calendar.monthrange(year, month)[1])
    if len(text) == 10:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return day, day + timedelta(days=1)
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment, moment + timedelta(seconds=1)


def dates(*paths: str) -> Callable[[Resource], list[tuple[datetime, datetime]]]:
    def found(resource: Resource) -> list[tuple[datetime, datetime]]:
        ranges: list[tuple[datetime, datetime]] = []
        for path in paths:
            for value in get(resource, path):
                if isinstance(value, str):
                    ranges.append(date_range(value))
                else:
                    low = date_range(value["start"])[0] if "start" in value else FAR_PAST
                    high = date_range(value["end"])[1] if "end" in value else FAR_FUTURE
                    if high <= low:
                        high = date_range(value["start"])[1]
                    ranges.append((low, high))
        return ranges

    return found


def date_matches(prefix: str, text: str, stored: tuple[datetime, datetime]) -> bool:
    low, high = date_range(text)
    within = low <= stored[0] and stored[1] <= high
    return {
        "": within,
        "eq": within,
        "ne": not within,
        "gt": stored[1] > high,
        "lt": stored[0] < low,
        "ge": stored[1] > low,
        "le": stored[0] < high,
        "sa": stored[0] >= high,
        "eb": stored[1] <= low,
    }[prefix]


def number_matches(prefix: str, text: str, stored: Decimal) -> bool:
    asked = Decimal(text)
    half = Decimal(5).scaleb(int(asked.as_tuple().exponent) - 1)
    if prefix in {"", "eq"}:
        return asked - half <= stored < asked + half
    if prefix == "ne":
        return not asked - half <= stored < asked + half
    if prefix == "ap":
        return abs(stored - asked) <= abs(asked) / 10
    return {
        "gt": stored > asked,
        "sa": stored > asked,
        "lt": stored < asked,
        "eb": stored < asked,
        "ge": stored >= asked,
        "le": stored <= asked,
    }[prefix]


def quantity_matches(prefix: str, text: str, quantity: Resource) -> bool:
    number, *unit = text.split("|")
    if "value" not in quantity or not number_matches(prefix, number, Decimal(quantity["value"])):
        return False
    if not unit:
        return True
    system, code = unit
    if system:
        return (quantity.get("system"), quantity.get("code")) == (system, code)
    return code in {quantity.get("code"), quantity.get("unit")}


def token_matches(text: str, coding: tuple[str | None, str | None]) -> bool:
    # No system of the cases has an escape, codes may.
    unescaped = text.replace("\\|", "\0")
    system, bar, code = unescaped.rpartition("|")
    code = code.replace("\0", "|")
    own_system, own_code = coding
    if bar and not code:
        return own_system == system
    if own_code is None or own_code.casefold() != code.casefold():
        return False
    return not bar or (own_system or "") == system


def plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


def names(resource: Resource) -> list[str]:
    parts = ("text", "family", "given", "prefix", "suffix")
    return [text for part in parts for text in get(resource, f"name.{part}")]


def references(path: str) -> Callable[[Resource], list[str]]:
    return lambda r: [ref for ref in get(r, f"{path}.reference") if isinstance(ref, str)]


def code_and_quantity(element: Resource) -> list[tuple[tuple[str | None, str | None], Resource]]:
    return [
        (coding, quantity)
        for coding in codings("code")(element)
        for quantity in get(element, "valueQuantity")
    ]


# (type, parameter) to (kind, values of a resource).
VALUES: dict[tuple[str, str], tuple[str, Callable[[Resource], list[Any]]]] = {
    ("Observation", "code"): ("token", codings("code")),
    ("Observation", "category"): ("token", codings("category")),
    ("Observation", "combo-code"): (
        "token",
        lambda r: codings("code")(r) + codings("component.code")(r),
    ),
    ("Observation", "status"): (
        "token",
        lambda r: [("http://hl7.org/fhir/observation-status", r["status"])],
    ),
    ("Observation", "date"): ("date", dates("effectiveDateTime", "effectivePeriod")),
    ("Observation", "value-date"): ("date", dates("valueDateTime", "valuePeriod")),
    ("Observation", "subject"): ("reference", references("subject")),
    ("Observation", "patient"): (
        "reference",
        lambda r: [x for x in references("subject")(r) if x.startswith("Patient/")],
    ),
    ("Observation", "performer"): ("reference", references("performer")),
    ("Observation", "encounter"): ("reference", references("encounter")),
    ("Observation", "value-quantity"): ("quantity", lambda r: list(get(r, "valueQuantity"))),
    ("Observation", "component-value-quantity"): (
        "quantity",
        lambda r: list(get(r, "component.valueQuantity")),
    ),
    ("Observation", "combo-value-quantity"): (
        "quantity",
        lambda r: [*get(r, "valueQuantity"), *get(r, "component.valueQuantity")],
    ),
    ("Observation", "code-value-quantity"): ("composite", code_and_quantity),
    ("Observation", "component-code-value-quantity"): (
        "composite",
        lambda r: [pair for c in get(r, "component") for pair in code_and_quantity(c)],
    ),
    ("Patient", "name"): ("string", names),
    ("Patient", "family"): ("string", lambda r: list(get(r, "name.family"))),
    ("Patient", "birthdate"): ("date", dates("birthDate")),
    ("Patient", "gender"): (
        "token",
        lambda r: [("http://hl7.org/fhir/administrative-gender", g) for g in get(r, "gender")],
    ),
    ("Patient", "identifier"): (
        "token",
        lambda r: [(i.get("system"), i.get("value")) for i in get(r, "identifier")],
    ),
}


def value_matches(kind: str, modifier: str, text: str, value: Any) -> bool:
    """Whether one stored value matches one value asked for."""
    if kind == "token":
        return token_matches(text, value)
    if kind == "string":
        if modifier == "exact":
            return value == text
        return (
            plain(text) in plain(value)
            if modifier == "contains"
            else plain(value).startswith(plain(text))
        )
    if kind == "reference":
        return value == text or ("/" not in text and value.rpartition("/")[2] == text)
    if kind == "composite":
        code, quantity = text.split("$")
        return token_matches(code, value[0]) and prefixed(quantity_matches, quantity, value[1])
    return prefixed(date_matches if kind == "date" else quantity_matches, text, value)


def prefixed(matches: Callable[[str, str, Any], bool], text: str, value: Any) -> bool:
    prefix = text[:2] if text[:2].isalpha() else ""
    return matches(prefix, text[len(prefix) :], value)


def holds(resource: Resource, name: str, text: str) -> bool:
    """Whether a resource matches one parameter."""
    code, _, modifier = name.partition(":")
    kind, values = VALUES[resource["resourceType"], code]
    own = values(resource)
    if modifier == "missing":
        return (not own) == (text == "true")
    found = any(
        value_matches(kind, modifier, one, value) for one in text.split(",") for value in own
    )
    return not found if modifier == "not" else found


def search(resources: list[Resource], type_: str, query: list[tuple[str, str]]) -> set[str]:
    """The ids of all that match."""
    return {
        r["id"]
        for r in resources
        if r["resourceType"] == type_ and all(holds(r, name, text) for name, text in query)
    }
