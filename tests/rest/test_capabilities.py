"""https://hl7.org/fhir/R4/http.html#capabilities."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fhir_server.rest.capabilities import VERSION
from fhir_server.validation.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import AsyncClient

    from fhir_server.context import Context


@pytest.mark.parametrize("query", ["", "?mode=full"])
async def test_full_is_a_capability_statement_of_all_145_types(
    fhir: AsyncClient, query: str
) -> None:
    answer = await fhir.get(f"metadata{query}")
    assert answer.status_code == 200
    statement = answer.json()
    assert statement["resourceType"] == "CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"
    [rest] = statement["rest"]
    assert len(rest["resource"]) == 145


def _patient(statement: dict[str, Any]) -> dict[str, Any]:
    [found] = [r for r in statement["rest"][0]["resource"] if r["type"] == "Patient"]
    return found


async def test_what_is_said_of_a_type_is_what_is_served(fhir: AsyncClient) -> None:
    patient = _patient((await fhir.get("metadata")).json())
    codes = [interaction["code"] for interaction in patient["interaction"]]
    assert sorted(codes) == [
        "create", "delete", "history-instance", "history-type", "patch", "read",
        "search-type", "update", "vread",
    ]  # fmt: skip
    assert patient["versioning"] == "versioned-update"
    assert patient["updateCreate"] is True
    assert patient["conditionalDelete"] == "single"
    parameters = {p["name"]: p for p in patient["searchParam"]}
    assert parameters["birthdate"] == {
        "name": "birthdate",
        "definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate",
        "type": "date",
    }
    assert "_filter" not in parameters


async def test_what_the_operator_decides_is_said(connect: Callable[..., AsyncClient]) -> None:
    fhir = connect(conditional_delete_limit=5, referential_integrity=True)
    patient = _patient((await fhir.get("metadata")).json())
    assert patient["conditionalDelete"] == "multiple"
    assert "enforced" in patient["referencePolicy"]


async def test_normative_is_what_r4_froze(fhir: AsyncClient) -> None:
    statement = (await fhir.get("metadata?mode=normative")).json()
    types = [r["type"] for r in statement["rest"][0]["resource"]]
    assert "Patient" in types
    assert "Encounter" not in types
    assert "conditionalUpdate" not in _patient(statement)


async def test_terminology_is_a_terminology_capabilities(fhir: AsyncClient) -> None:
    capabilities = (await fhir.get("metadata?mode=terminology")).json()
    assert capabilities["resourceType"] == "TerminologyCapabilities"
    uris = [system["uri"] for system in capabilities["codeSystem"]]
    assert "http://hl7.org/fhir/administrative-gender" in uris


async def test_an_unknown_mode_is_400(fhir: AsyncClient) -> None:
    assert (await fhir.get("metadata?mode=everything")).status_code == 400


async def test_etag_changes_when_what_is_said_changes(
    connect: Callable[..., AsyncClient],
) -> None:
    first = (await connect().get("metadata")).headers["etag"]
    again = (await connect().get("metadata")).headers["etag"]
    other = (await connect(conditional_delete_limit=5).get("metadata")).headers["etag"]
    assert first == again
    assert first != other
    answer = await connect().get("metadata", headers={"If-None-Match": first})
    assert answer.status_code == 304


@pytest.mark.parametrize("mode", ["full", "normative", "terminology"])
async def test_the_statement_is_valid(fhir: AsyncClient, context: Context, mode: str) -> None:
    statement = (await fhir.get(f"metadata?mode={mode}")).json()
    assert Validator("structure").validate(statement, context).issues == ()


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == VERSION
