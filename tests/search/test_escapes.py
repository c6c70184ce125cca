r"""Escapes in values. https://hl7.org/fhir/R4/search.html#escaping."""

from __future__ import annotations

import pytest

from fhir_server.search.escapes import split, unescape


@pytest.mark.parametrize(
    ("text", "separator", "pieces"),
    [
        ("a,b", ",", ["a", "b"]),
        (r"a\,b", ",", [r"a\,b"]),
        (r"a\,b,c", ",", [r"a\,b", "c"]),
        (r"a\\,b", ",", [r"a\\", "b"]),
        (r"s|a\|b", "|", ["s", r"a\|b"]),
        (r"x$y\$z", "$", ["x", r"y\$z"]),
        ("", ",", [""]),
        (",", ",", ["", ""]),
        ("a\\", ",", ["a\\"]),
    ],
)
def test_an_escaped_separator_does_not_separate(
    text: str, separator: str, pieces: list[str]
) -> None:
    assert split(text, separator) == pieces


@pytest.mark.parametrize(
    ("text", "plain"),
    [(r"a\,b", "a,b"), (r"a\|b\$c", "a|b$c"), (r"a\\b", r"a\b"), (r"a\nb", r"a\nb")],
)
def test_a_backslash_escapes_separators_and_itself(text: str, plain: str) -> None:
    assert unescape(text) == plain
