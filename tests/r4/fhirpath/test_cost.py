"""Hostile expressions and patterns end soon."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.expression import compile as compile_
from fhir_server.r4.fhirpath.functions import strings

PATIENT: dict[str, Any] = {"resourceType": "Patient", "name": [{"family": "a" * 50_000 + "!"}]}


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a|a)*b", "(.*)*x", "([a-z]+)*1", "((a?){30}){30}$"]
)
def test_patterns_that_hang_other_engines_end_at_once(pattern: str):
    start = time.perf_counter()
    compile_(f"name.family.matches('{pattern}')", context_type="Patient").evaluate(PATIENT)
    assert time.perf_counter() - start < 2


def test_nested_criteria_run_out_of_work():
    expression = "(1|2|3|4|5|6|7|8|9)" + ".select($this|10|20|30|40|50|60|70|80)" * 3
    nested = f"{expression}.where({expression}.where({expression}.exists()).exists())"
    everywhere = f"({nested}).where({nested}.where({nested}.exists()).exists())"
    with pytest.raises(FhirPathError, match="too costly"):
        compile_(everywhere, context_type="Patient").evaluate(PATIENT)


def test_strings_cannot_grow_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strings, "MAX_RESULT", 1000)
    expression = compile_("name.family.replace('a', 'bb')", context_type="Patient")
    with pytest.raises(FhirPathError, match="a string of more than"):
        expression.evaluate(PATIENT)
