"""What the linters cannot see of the house rules: sizes, names, docstrings, what is committed."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 400
MAX_USUAL_FUNCTION_LINES = 30  # for nine functions in ten

# A file with such a name holds things whose concept has no name yet.
NAMELESS = r"(utils?|helpers?|commons?|managers?|base|services?|misc|core|shared|stuff)"
NAMELESS_FILE = re.compile(rf"(.+_)?{NAMELESS}\.(py|sh|js|css)")
NAMELESS_FOLDER = re.compile(r"(.+_)?(utils?|helpers?|commons?|managers?|misc|stuff)")

# In these folders every file implements a section of a specification, and names it.
SPECIFIED = re.compile(r"(^|/)(interactions|operations|search/types|services|scores)/[^/]+\.py$")

# Folders of somebody's machine, not of every machine.
PRIVATE_PATH = re.compile(r"(?<![\w.~$}/:-])/(home|Users|root|work|workspace|builds|mnt)/\w")

UNFINISHED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b")


def committed() -> list[str]:
    """Paths of the files of the checkout that git does not ignore."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(name for name in listing.split("\0") if name and (ROOT / name).is_file())


FILES = committed()
MODULES = [name for name in FILES if name.endswith(".py")]


@cache
def text_of(name: str) -> str | None:
    """The text of a file, None where it is not text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), name)


def test_the_checkout_is_found() -> None:
    assert "pyproject.toml" in FILES
    assert "tests/architecture/test_layout.py" in MODULES


def test_no_python_file_is_longer_than_400_lines() -> None:
    lengths = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_nine_functions_in_ten_have_at_most_30_lines() -> None:
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for name in MODULES
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[int(len(lengths) * 0.9)] <= MAX_USUAL_FUNCTION_LINES


def test_no_file_or_folder_has_a_name_without_a_concept() -> None:
    nameless = [
        name
        for name in FILES
        if NAMELESS_FILE.fullmatch(name.rpartition("/")[2])
        or any(NAMELESS_FOLDER.fullmatch(part) for part in name.split("/")[:-1])
    ]
    assert nameless == []


@pytest.mark.parametrize("name", ["utils.py", "http_utils.py", "base.py", "job_manager.py"])
def test_names_without_a_concept_are_recognised(name: str) -> None:
    assert NAMELESS_FILE.fullmatch(name)


def test_a_package_file_holds_its_docstring_and_nothing_else() -> None:
    packages = [name for name in MODULES if name.endswith("__init__.py")]
    assert packages
    assert [name for name in packages if len(tree_of(name).body) != 1] == []


def test_a_module_that_implements_a_specification_cites_it() -> None:
    specified = [
        name for name in MODULES if SPECIFIED.search(name) and not name.endswith("__init__.py")
    ]
    silent = [name for name in specified if "://" not in (ast.get_docstring(tree_of(name)) or "")]
    assert silent == []


def test_nothing_names_a_folder_of_one_machine() -> None:
    found = {
        name: match.group()
        for name in FILES
        if (text := text_of(name)) and (match := PRIVATE_PATH.search(text))
    }
    assert found == {}


def test_the_lock_files_name_no_package_index() -> None:
    locks = [name for name in FILES if name.endswith(".lock")]
    assert locks == ["requirements-dev.lock", "requirements.lock"]
    assert [name for name in locks if "://" in (text_of(name) or "")] == []


def test_every_locked_requirement_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        pins = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text("utf-8"))[1:]
        assert pins
        assert [pin.partition("=")[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_both_lock_files_pin_the_same_versions() -> None:
    runtime, development = (
        dict(re.findall(r"^([a-z0-9.\-]+)(?:\[[^\]]*\])?==([^\s;]+)", text, re.MULTILINE))
        for text in (text_of("requirements.lock") or "", text_of("requirements-dev.lock") or "")
    )
    assert runtime
    assert runtime.items() <= development.items()


def test_nothing_is_marked_as_unfinished() -> None:
    found = {
        name: match.group()
        for name in MODULES
        if (match := UNFINISHED.search((ROOT / name).read_text("utf-8")))
    }
    assert found == {}
