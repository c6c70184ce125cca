"""Syntax, precedence and errors: https://hl7.org/fhirpath/N1/grammar.html."""

from __future__ import annotations

import re

import pytest

from fhir_server.r4.fhirpath.errors import FhirPathError
from fhir_server.r4.fhirpath.expression import compile as compile_
from fhir_server.r4.fhirpath.parser import parse

# Bad expression, and where it is bad.
BAD = {
    "": 0,
    "name.": 5,
    "name..given": 5,
    "(name": 5,
    "name)": 4,
    "name.where(": 11,
    "name[": 5,
    "'open": 0,
    "1 +": 3,
    "1 = = 2": 4,
    "name is": 7,
    "name is 1": 8,
    "a b": 2,
    "#": 0,
    "'\\q'": 0,
    "{ 1 }": 2,
    "name.where(use = 'x',)": 21,
    "2 + 2 /* open": 7,
    "a.and": 2,
}


@pytest.mark.parametrize("expression", BAD)
def test_bad_syntax_is_an_error_with_its_position(expression: str):
    with pytest.raises(FhirPathError) as error:
        parse(expression)
    assert error.value.position == BAD[expression]


@pytest.mark.parametrize(
    ("expression", "position", "message"),
    [
        ("name.nothing()", 5, "there is no function nothing()"),
        ("Other.name.nothing()", 11, "there is no function nothing()"),
        ("name.first(1)", 5, "first() does not take 1 arguments"),
        ("name.where()", 5, "where() does not take 0 arguments"),
        ("name.ofType(Nothing)", 12, "Nothing is not a type"),
        ("name.ofType(1)", 12, "expected the name of a type"),
        ("name as Nothing", 5, "Nothing is not a type"),
    ],
)
def test_unknown_functions_and_types_are_errors_when_compiled(
    expression: str, position: int, message: str
):
    with pytest.raises(FhirPathError) as error:
        compile_(expression, context_type="Patient")
    assert (error.value.position, error.value.message) == (position, message)


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("a | b = c", "(a | b) = c"),
        ("a = b and c", "(a = b) and c"),
        ("a or b and c", "a or (b and c)"),
        ("a implies b or c", "a implies (b or c)"),
        ("a in b and c contains d", "(a in b) and (c contains d)"),
        ("-a.b", "-(a.b)"),
        ("a is B | c", "(a is B) | c"),
        ("a + b is C", "(a + b) is C"),
        ("a > b = c", "(a > b) = c"),
        ("a & b + c", "(a & b) + c"),
    ],
)
def test_operators_bind_as_the_precedence_table_says(expression: str, same: str):
    assert shape(expression) == shape(same)


def shape(expression: str) -> str:
    """The tree without positions, which parentheses shift."""
    return re.sub(r"position=\d+", "", repr(parse(expression)))


def test_words_of_operators_may_name_elements():
    for expression in ("expansion.contains", "a.is", "as", "in.as(Quantity)", "text.`div`"):
        parse(expression)


def test_comments_and_space_are_skipped():
    assert shape("a /* b */ . c // d") == shape("a.c")


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 200 + "a" + ")" * 200,
        "a" + ".b" * 1000,
        "1" + "+1" * 1000,
        "-" * 1000 + "1",
        "a" * 60_000,
    ],
    ids=["brackets", "path", "sum", "signs", "length"],
)
def test_expressions_that_would_overflow_the_stack_are_refused(expression: str):
    with pytest.raises(FhirPathError, match=r"more than|at most"):
        parse(expression)


def test_the_deepest_expressions_allowed_evaluate():
    deep = "(" * 49 + "1" + ")" * 49 + "+1" * 99
    [node] = compile_(deep, context_type="Patient").evaluate({"resourceType": "Patient"})
    assert node.value == 100
