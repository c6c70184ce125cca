"""Code systems and value sets of the definitions package, expanded offline.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhir_server.r4.json import Json

Codes = frozenset[tuple[str, str]]

# Required bindings of Bundle and TestScript name these two, but the package lacks them.
_ABSENT: Mapping[str, Codes] = {
    "http://hl7.org/fhir/ValueSet/http-verb": frozenset(
        ("http://hl7.org/fhir/http-verb", verb)
        for verb in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
    ),
    "http://hl7.org/fhir/ValueSet/http-operations": frozenset(
        ("http://hl7.org/fhir/http-operations", operation)
        for operation in ("delete", "get", "options", "patch", "post", "put", "head")
    ),
}


@dataclass(frozen=True, slots=True)
class Concept:
    """A code's display, the codes above it, and whether it may be chosen or is deprecated."""

    display: str
    parents: tuple[str, ...] = ()
    abstract: bool = False
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """``content`` is "complete" where the package holds every code."""

    url: str
    name: str
    version: str | None
    content: str
    case_sensitive: bool
    concepts: Mapping[str, Concept]

    def below(self, code: str) -> frozenset[str]:
        """The code and all under it (is-a); empty if the code is not in the system."""
        if code not in self.concepts:
            return frozenset()
        found = {code}
        grown = True
        while grown:
            more = {
                child
                for child, concept in self.concepts.items()
                if child not in found and not found.isdisjoint(concept.parents)
            }
            found |= more
            grown = bool(more)
        return frozenset(found)


class _CodeSystems(Mapping[str, CodeSystem]):
    """Code systems by URL, parsed from their text when first asked for."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts
        self._parsed: dict[str, CodeSystem] = {}

    def __getitem__(self, url: str) -> CodeSystem:
        try:
            return self._parsed[url]
        except KeyError:
            return self._parsed.setdefault(url, _codesystem(url, self._texts[url]))

    def __contains__(self, url: object) -> bool:
        return url in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class Terminology:
    """Expands the package's value sets from the package's code systems."""

    def __init__(self, valuesets: dict[str, str], codesystems: dict[str, str]) -> None:
        self.codesystems: Mapping[str, CodeSystem] = _CodeSystems(codesystems)
        self._valuesets = valuesets
        self._expansions: dict[str, Codes | None] = dict(_ABSENT)

    def expansion(self, url: str) -> Codes | None:
        """All (system, code) of a value set; None if unknown or not wholly known offline."""
        if url not in self._expansions:
            # A value set that includes itself can never be complete.
            self._expansions[url] = None
            self._expansions[url] = self._expand(url)
        return self._expansions[url]

    def _expand(self, url: str) -> Codes | None:
        if url not in self._valuesets:
            return None
        valueset: Json = json.loads(self._valuesets[url])
        included = self._union(valueset.get("include", ()))
        excluded = self._union(valueset.get("exclude", ()))
        return None if included is None or excluded is None else included - excluded

    def _union(self, rules: list[Json]) -> Codes | None:
        codes: Codes = frozenset()
        for rule in rules:
            more = self._rule(rule)
            if more is None:
                return None
            codes |= more
        return codes

    def _rule(self, rule: Json) -> Codes | None:
        """What a rule selects: all of its conditions hold at once."""
        parts = [self.expansion(url) for url in rule.get("valueset", ())]
        if "system" in rule:
            parts.append(self._of_system(rule))
        codes: Codes | None = None
        for part in parts:
            if part is None:
                return None
            codes = part if codes is None else codes & part
        return codes

    def _of_system(self, rule: Json) -> Codes | None:
        url: str = rule["system"]
        if "concept" in rule:
            return frozenset((url, code) for code in rule["concept"])
        system = self.codesystems.get(url)
        # message-events calls itself complete and lists nothing.
        if system is None or system.content != "complete" or not system.concepts:
            return None
        codes = frozenset(system.concepts)
        for filter_ in rule.get("filter", ()):
            selected = _filtered(system, *filter_)
            if selected is None:
                return None
            codes &= selected
        return frozenset((url, code) for code in codes)


def _filtered(system: CodeSystem, property: str, op: str, value: str) -> frozenset[str] | None:
    """The codes that a filter keeps; None for what the tables cannot answer."""
    if property != "concept" or value not in system.concepts:
        return None
    if op == "is-a":
        return system.below(value)
    if op == "descendent-of":
        return system.below(value) - {value}
    if op == "is-not-a":
        return frozenset(system.concepts) - system.below(value)
    return None


def _codesystem(url: str, text: str) -> CodeSystem:
    row: dict[str, Any] = json.loads(text)
    return CodeSystem(
        url=url,
        name=row["name"],
        version=row.get("version"),
        content=row["content"],
        case_sensitive=row.get("caseSensitive", True),
        concepts={code: _concept(*fields) for code, fields in row["concepts"].items()},
    )


def _concept(display: str, parents: list[str] | None = None, flags: str = "") -> Concept:
    return Concept(display, tuple(parents or ()), abstract="a" in flags, inactive="i" in flags)
