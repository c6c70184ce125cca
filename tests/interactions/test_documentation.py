"""docs/interactions.md against the tests it names and the interactions there are.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
from pathlib import Path

from fhir_server.interactions.table import INTERACTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "interactions.md").read_text("utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 80
    sources = [*ROOT.glob("tests/interactions/*.py"), *ROOT.glob("tests/rest/*.py")]
    defined = {
        name
        for source in sources
        for name in re.findall(r"def (test_\w+)", source.read_text("utf-8"))
    }
    assert named - defined == set()


def test_every_interaction_has_its_section() -> None:
    sections = set(re.findall(r"^## (\w+)", PAGE, re.MULTILINE))
    codes = {row.code.partition("-")[0] for row in INTERACTIONS}
    assert codes - sections == set()
