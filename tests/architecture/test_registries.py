"""Options, commands and rows of registries: each has its place in the documents and the tests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer
import yaml

from fhir_server import settings
from fhir_server.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
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


def test_no_document_names_a_command_that_does_not_exist() -> None:
    first = {name.split()[0] for name in commands()}
    named = set(re.findall(r"(?:`|^|bin/)hestia ([a-z]+)\b", EVERYTHING, re.MULTILINE))
    assert named - first == set()


def test_the_containers_run_commands_that_exist() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    ours = {name: row["command"] for name, row in services.items() if "build" in row}
    assert {name: row for name, row in ours.items() if row[0] not in set(commands())} == {}
    assert json.loads(re.findall(r"^CMD (.+)", DOCKERFILE, re.MULTILINE)[0])[0] in set(commands())
