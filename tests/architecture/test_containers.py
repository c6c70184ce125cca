"""The image and the Compose file, checked against what they name.
https://docs.docker.com/reference/dockerfile/ and https://compose-spec.io/
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import yaml

from fhir_server import settings

ROOT = Path(__file__).parents[2]
SCHEMA = Path(__file__).parent / "compose-schema" / "compose-spec.json"
FROM_OUTSIDE = {"database", "balancer"}  # services that run somebody else's image


def instructions() -> list[tuple[str, str]]:
    """(INSTRUCTION, arguments) of the Dockerfile, continuation lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(name, arguments.strip()) for name, _, arguments in pairs]


def arguments(instruction: str) -> list[str]:
    return [found for name, found in instructions() if name == instruction]


def copied() -> list[str]:
    """Paths of the checkout that the image takes."""
    own = [found.split() for found in arguments("COPY") if not found.startswith("--from")]
    return [path for words in own for path in words[:-1]]


def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


def services() -> dict[str, dict[str, Any]]:
    return cast("dict[str, dict[str, Any]]", compose()["services"])


def own_services() -> dict[str, dict[str, Any]]:
    return {name: row for name, row in services().items() if name not in FROM_OUTSIDE}


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def test_the_compose_file_conforms_to_the_compose_schema() -> None:
    errors = validator().iter_errors(compose())
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(
    "service",
    [
        {"image": "x", "cmd": ["serve"]},
        {"image": "x", "ports": "127.0.0.1:8080:8080"},
        {"image": "x", "healthcheck": {"test": ["CMD", "true"], "every": "5s"}},
        {"image": "x", "depends_on": {"database": {"condition": "ready"}}},
    ],
)
def test_the_schema_refuses_a_mistaken_service(service: dict[str, Any]) -> None:
    assert not validator().is_valid({"services": {"api": service}})


def test_only_the_balancer_is_reachable_and_only_from_this_machine() -> None:
    ports = {name: row["ports"] for name, row in services().items() if "ports" in row}
    assert ports == {"balancer": ["127.0.0.1:8080:8080"]}


def test_every_service_has_limits_and_a_health_check_or_ends_by_itself() -> None:
    in_image = bool(arguments("HEALTHCHECK"))
    for name, row in services().items():
        limits = row["deploy"]["resources"]["limits"]
        assert {"cpus", "memory"} <= limits.keys(), name
        checked = "healthcheck" in row or (in_image and name not in FROM_OUTSIDE)
        assert checked, name


def test_our_containers_have_no_rights_they_do_not_need() -> None:
    for name, row in own_services().items():
        assert row["read_only"] is True, name
        assert row["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in row["security_opt"], name
        assert "user" not in row, name


def test_no_secret_stands_in_an_environment() -> None:
    for name, row in services().items():
        secret = {
            key
            for key in row.get("environment", {})
            if re.search(r"PASSWORD|SECRET|KEY|DATABASE_URL", key)
        }
        assert {key for key in secret if not key.endswith("_FILE")} == set(), name


def test_environment_variables_are_options_of_the_server() -> None:
    options = {option.variable for option in settings.OPTIONS}
    known = options | {f"{variable}_FILE" for variable in options}
    image = set(re.findall(r"\b(HESTIA_\w+)=", " ".join(arguments("ENV"))))
    assert image
    assert image <= known
    for name, row in own_services().items():
        assert set(row["environment"]) <= known, name


def test_secrets_reach_the_options_that_name_them() -> None:
    for name, row in own_services().items():
        read = {value for key, value in row["environment"].items() if key.endswith("_FILE")}
        assert read == {f"/run/secrets/{secret}" for secret in row["secrets"]}, name


def test_dependencies_volumes_networks_and_secrets_exist() -> None:
    whole = compose()
    for name, row in services().items():
        assert set(row.get("depends_on", {})) <= set(services()), name
        assert set(row.get("networks", [])) <= set(whole["networks"]), name
        assert set(row.get("secrets", [])) <= set(whole["secrets"]), name
        sources = [volume.partition(":")[0] for volume in row.get("volumes", [])]
        mounted = {source for source in sources if source.startswith(".")}
        assert all((ROOT / source).is_file() for source in mounted), name
        assert set(sources) - mounted <= set(whole["volumes"]), name


def test_every_file_that_the_image_copies_exists_and_is_not_ignored() -> None:
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert copied()
    for path in copied():
        assert (ROOT / path).exists(), path
        assert f"!{path.partition('/')[0]}" in allowed, path


def test_the_image_holds_the_locked_runtime_and_no_tools() -> None:
    installs = [run for run in arguments("RUN") if "install" in run and "pip" in run]
    assert len(installs) == 1
    assert "--require-hashes -r requirements.lock" in installs[0]


def test_the_image_runs_as_an_ordinary_user() -> None:
    assert arguments("USER") == ["10001:10001"]
    order = [name for name, _ in instructions()]
    assert order.index("USER") < order.index("ENTRYPOINT")
    assert order.index("USER") > max(i for i, name in enumerate(order) if name == "COPY")


def test_what_the_image_copies_is_enough_to_run_hestia(tmp_path: Path) -> None:
    for path in copied():
        source, target = ROOT / path, tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    bound = tmp_path / ".venv" / "bin"
    bound.mkdir(parents=True)
    (bound / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (bound / "python").chmod(0o755)
    shown = subprocess.run(
        [tmp_path / "bin" / "hestia", "--help"],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "load" in shown.stdout
