"""Every invariant of R4: https://hl7.org/fhir/R4/conformance-rules.html#constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.r4.definitions import definitions
from fhir_server.r4.fhirpath.expression import Setting
from fhir_server.r4.fhirpath.expression import compile as compile_
from fhir_server.r4.fhirpath.node import children, root
from tests.r4.synthetic import resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.fhirpath.node import Node


def by_path() -> dict[str, list[str]]:
    return {
        e.path.removesuffix("[x]"): list(e.constraints)
        for t in definitions().types.values()
        for e in t.elements
        if e.constraints
    }


def violated(value: dict[str, Any]) -> set[str]:
    focus = root(value, "Resource")
    paths = by_path()
    return {key for node, at in walk(focus, focus.type) for key in failing(node, focus, at, paths)}


def walk(node: Node, at: str) -> Iterator[tuple[Node, str]]:
    yield node, at
    for child in children(node):
        yield from walk(child, f"{node.path}.{child.name}")


def failing(node: Node, of: Node, at: str, paths: dict[str, list[str]]) -> Iterator[str]:
    setting = Setting(resource=of, root=of)
    for key in {*paths.get(node.path, ()), *paths.get(at, ())}:
        constraint = definitions().constraints[key]
        expression = compile_(constraint.expression, context_type=node.path)
        if constraint.severity == "error" and not expression.holds(node, setting):
            yield constraint.key


@pytest.mark.parametrize("type_", definitions().resource_types)
def test_all_invariants_can_be_evaluated(type_: str):
    # The synthetic values break some rules; what matters is that each has a verdict.
    for variant in (0, 1):
        assert "ele-1" not in violated(resource(type_, variant))


def test_invariants_of_elements_without_examples_compile():
    for constraint in definitions().constraints.values():
        compile_(constraint.expression, context_type="Element")


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation", "status": "final", "code": {"coding": [{"code": "c"}]},
}  # fmt: skip
BREAKING: dict[str, dict[str, Any]] = {
    "obs-6": {"valueString": "x", "dataAbsentReason": {"text": "y"}},
    "obs-7": {"valueString": "x", "component": [{"code": {"coding": [{"code": "c"}]}}]},
    "obs-3": {"referenceRange": [{"type": {"text": "x"}}]},
    "per-1": {"effectivePeriod": {"start": "2020-02", "end": "2020-01"}},
    "qty-3": {"valueQuantity": {"code": "mg"}},
    "rng-2": {"valueRange": {"low": {"value": 2}, "high": {"value": 1}}},
    "ref-1": {"subject": {"reference": "#nowhere"}},
    "dom-3": {"contained": [{"resourceType": "Patient", "id": "p"}]},
    "dom-4": {"contained": [{"resourceType": "Patient", "id": "p", "meta": {"versionId": "1"}}],
              "subject": {"reference": "#p"}},
    "ext-1": {"extension": [{"url": "u"}]},
    "ele-1": {"method": {}},
    "txt-1": {"text": {"status": "generated",
                       "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script/>x</div>'}},
}  # fmt: skip


@pytest.mark.parametrize("key", BREAKING)
def test_a_broken_invariant_is_found(key: str):
    assert key in violated(OBSERVATION | BREAKING[key])


def test_a_good_resource_breaks_none():
    good = OBSERVATION | {
        "contained": [{"resourceType": "Patient", "id": "p"}],
        "subject": {"reference": "#p"},
        "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "mg"},
        "effectivePeriod": {"start": "2020", "end": "2021"},
    }
    assert violated(good) == set()


def test_errata_correct_what_the_specification_spells_wrong():
    enabled = {"question": "q", "operator": "exists", "answerBoolean": True}
    item: dict[str, Any] = {"linkId": "1", "type": "string", "enableWhen": [enabled, enabled]}
    questionnaire: dict[str, Any] = {
        "resourceType": "Questionnaire", "status": "draft", "item": [item],
    }  # fmt: skip
    assert violated(questionnaire) == {"que-12"}
    item["enableBehavior"] = "all"
    assert violated(questionnaire) == set()
    item["enableWhen"] = [{"question": "q", "operator": "exists", "answerString": "x"}]
    assert violated(questionnaire) == {"que-7"}
