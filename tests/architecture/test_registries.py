"""Options, commands and rows of registries: each has its place in the documents and the tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fhir_server import settings
from fhir_server.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text("utf-8") for page in ROOT.glob("docs/*.md")}
EVERYTHING = "\n".join([(ROOT / "README.md").read_text("utf-8"), *PAGES.values()])


def commands() -> Iterator[str]:
    """The commands of hestia, such as `load` and `jobs list`."""
    pending: list[tuple[str, object]] = [("", typer.main.get_command(app))]
    while pending:
        path, command = pending.pop()
        below: dict[str, object] = getattr(command, "commands", {})
        pending += [(f"{path} {name}".strip(), child) for name, child in below.items()]
        if not below:
            yield path


def test_every_option_stands_in_the_configuration_page_with_its_default_and_meaning() -> None:
    rows = PAGES["configuration.md"].splitlines()
    for option in settings.OPTIONS:
        found = [row for row in rows if row.startswith(f"| `{option.variable}` |")]
        assert len(found) == 1, option.variable
        assert option.help in found[0]
        assert not option.default_text or f"`{option.default_text}`" in found[0]


def test_no_document_names_an_option_that_does_not_exist() -> None:
    options = {option.variable for option in settings.OPTIONS}
    named = set(re.findall(r"\bHESTIA_[A-Z_]+[A-Z]\b", EVERYTHING))
    assert {name.removesuffix("_FILE") for name in named} <= options


def test_every_command_is_documented() -> None:
    found = set(commands())
    assert "load" in found
    assert {name for name in found if f"hestia {name}" not in EVERYTHING} == set()
