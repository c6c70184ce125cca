"""Narrative: https://hl7.org/fhir/R4/narrative.html#xhtml."""

from __future__ import annotations

import pytest

from fhir_server.r4.narrative import fault

NS = 'xmlns="http://www.w3.org/1999/xhtml"'


@pytest.mark.parametrize(
    "div",
    [
        f"<div {NS}>text</div>",
        f'<div {NS}><p class="a" style="b">a&nbsp;&lt;b&amp;</p></div>',
        f'<div {NS}><img src="#x" alt=""/></div>',
        f'<div {NS} xml:lang="en" lang="en"><a href="http://x">x</a></div>',
        '<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>x</h:p></h:div>',
    ],
)
def test_formatted_text_is_allowed(div: str):
    assert fault(div) is None


@pytest.mark.parametrize(
    ("div", "reason"),
    [
        ("text", "not well-formed"),
        (f"<div {NS}>", "not well-formed"),
        ("<div>text</div>", "the root must be a div"),
        (f"<p {NS}>text</p>", "the root must be a div"),
        (f"<div {NS}> \n</div>", "no content"),
        (f"<div {NS}><script>x</script></div>", "the element script is not allowed"),
        (f"<div {NS}><form>x</form></div>", "the element form is not allowed"),
        (f'<div {NS}><p xmlns="urn:x">x</p></div>', "the element p is not allowed"),
        (f'<div {NS}><p onclick="x">x</p></div>', "the attribute onclick is not allowed"),
        (f'<div {NS}><a href=" JavaScript:x">x</a></div>', "a script in href"),
        (f'<!DOCTYPE div [<!ENTITY a "x">]><div {NS}>&a;</div>', "document type declaration"),
        (f"<div {NS}>&unknown;</div>", "not well-formed"),
    ],
)
def test_anything_else_is_refused(div: str, reason: str):
    assert reason in (fault(div) or "")
