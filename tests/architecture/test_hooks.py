"""The hooks of git run the locked tools of `make check`, so that the two cannot disagree."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CONFIGURATION = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
HOOKS = [hook for repository in CONFIGURATION["repos"] for hook in repository["hooks"]]


def test_hooks_fetch_nothing() -> None:
    assert [repository["repo"] for repository in CONFIGURATION["repos"]] == ["local"]
    assert {hook["language"] for hook in HOOKS} == {"system"}


def test_every_hook_runs_a_tool_of_make_check() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    check = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    tools = {Path(hook["entry"].split()[0]).name for hook in HOOKS}
    assert tools == {"ruff", "basedpyright", "lint-imports", "codespell", "python"}
    used = check.replace("$(BIN)/", ".venv/bin/").replace("$(PY)", ".venv/bin/python")
    assert all(f".venv/bin/{tool}" in used for tool in tools)
