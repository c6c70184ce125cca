"""The documents, checked against what they speak of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)
CODE = re.compile(r"```.*?```", re.DOTALL)


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def anchors(document: Path) -> set[str]:
    """The anchors that a forge makes of the headings of a document."""
    text = CODE.sub("", document.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+?)\s*$", text, re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_between_documents_resolve(document: Path) -> None:
    links = LINK.findall(CODE.sub("", document.read_text("utf-8")))
    for link in (link for link in links if "://" not in link and not link.startswith("mailto:")):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_make_targets_that_a_document_names_exist(document: Path) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
    text = document.read_text("utf-8")
    written = re.findall(r"(?:^|`|&& |\$ )make ([a-z]+)\b", text, re.MULTILINE)
    assert set(written) <= targets


def test_every_make_target_stands_in_the_development_page() -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8"))) - {"help"}
    text = (ROOT / "docs" / "development.md").read_text("utf-8")
    assert {target for target in targets if f"`make {target}" not in text} == set()


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(LINK.findall((ROOT / "README.md").read_text("utf-8")))
    pages = {named(page) for page in ROOT.glob("docs/*.md")}
    assert pages - linked == set()
