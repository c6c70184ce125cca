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
from fhir_server.interactions import table as interactions
from fhir_server.operations import table as operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def test_every_interaction_has_a_heading_and_a_test_file() -> None:
    headings = set(re.findall(r"^## (.+)$", PAGES["interactions.md"], re.MULTILINE))
    for row in interactions.INTERACTIONS:
        assert row.code.partition("-")[0] in headings, row.name
        assert files_testing("interactions", row.code, row.handler), row.name


def test_every_operation_has_a_heading_and_a_test_file() -> None:
    for row in operations.OPERATIONS:
        assert f"## ${row.name}" in PAGES["operations.md"], row.name
        assert files_testing("operations", row.name, row.handler), row.name


def files_testing(folder: str, name: str, handler: Callable[..., object]) -> list[Path]:
    """The test files named after a row or the module of its handler."""
    module = handler.__module__.rpartition(".")[2]
    names = {name.replace("-", "_"), module}
    return [file for name in names for file in ROOT.glob(f"tests/{folder}/test_{name}*.py")]


def test_every_test_that_a_document_names_exists() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    defined = set(re.findall(r"def (test_\w+)", sources))
    named = set(re.findall(r"`(test_\w+)`", EVERYTHING))
    assert named
    assert named - defined == set()
