"""The synthetic population: same bytes for a seed, valid R4, plausible, plainly synthetic."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from conformance.population.__main__ import app
from conformance.population.codes import tables
from conformance.population.generate import Batch, Settings, generate
from conformance.population.links import BundleLinks
from conformance.population.produce import LINKS, write
from conformance.population.writers import bundle, encode_bundle, encode_lines
from fhir_server.context import Context
from fhir_server.r4 import json as fhir_json
from fhir_server.validation.validator import Validator

ROOT = Path(__file__).parents[2]
NOW = date(2026, 11, 1)
SEED = 7
TYPES = {
    "Account",
    "AllergyIntolerance",
    "Appointment",
    "CarePlan",
    "CareTeam",
    "Claim",
    "Condition",
    "Coverage",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "EpisodeOfCare",
    "ExplanationOfBenefit",
    "Goal",
    "ImagingStudy",
    "Immunization",
    "Location",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "RelatedPerson",
    "ServiceRequest",
    "Specimen",
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return list(generate(SEED, 60, now=NOW))


@pytest.fixture(scope="module")
def resources(batches: list[Batch]) -> list[Json]:
    """As a reader of the NDJSON files sees them."""
    return [
        msgspec.json.decode(line)
        for batch in batches
        for lines in encode_lines(batch).values()
        for line in lines.splitlines()
    ]


def exact(resource: Json) -> Json:
    """As the server decodes it."""
    return fhir_json.decode(msgspec.json.encode(resource))


def of(resources: list[Json], type: str) -> list[Json]:
    return [resource for resource in resources if resource["resourceType"] == type]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def command(folder: Path, form: str, jobs: int, hash_seed: str) -> dict[str, bytes]:
    """The files that a process of its own writes."""
    line = [
        "-m",
        "conformance.population",
        "--seed",
        "3",
        "--patients",
        "20",
        "--today",
        "2026-11-01",
    ]
    line += ["--format", form, "--out", str(folder), "--jobs", str(jobs)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "COLUMNS": "100"}
    subprocess.run(
        [sys.executable, *line], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    return contents(folder)


@pytest.mark.parametrize("form", ["bundles", "ndjson"])
def test_same_seed_gives_same_bytes_whatever_the_process(tmp_path: Path, form: str) -> None:
    one = command(tmp_path / "one", form, 1, "1")
    assert one == command(tmp_path / "two", form, 2, "2")
    assert sum(map(len, one.values())) > 500_000


def test_another_seed_gives_other_patients() -> None:
    first, second = (
        [b.resources[0]["identifier"] for b in generate(seed, 5, now=NOW) if not b.shared]
        for seed in (1, 2)
    )
    assert len(first) == 5
    assert not [row for row in first if row in second]


def test_a_population_is_a_stream() -> None:
    stream = generate(1, 10**12, now=NOW)
    names = [next(stream).name for _ in range(3)]
    assert names == ["0-organizations", "0-practitioners", "patient-0000000"]


def test_all_the_types_of_a_hospital_are_there(resources: list[Json]) -> None:
    assert {resource["resourceType"] for resource in resources} >= TYPES


def test_every_patient_is_marked_synthetic(resources: list[Json]) -> None:
    for patient in of(resources, "Patient"):
        labels = patient["meta"]["security"] + patient["meta"]["tag"]
        assert [label["code"] for label in labels] == ["HTEST", "HTEST"]
    assert all(resource["meta"]["security"][0]["code"] == "HTEST" for resource in resources)


def test_notes_say_that_nobody_is_real(resources: list[Json]) -> None:
    import base64  # noqa: PLC0415 - only here

    for note in of(resources, "DocumentReference"):
        text = base64.b64decode(note["content"][0]["attachment"]["data"]).decode()
        assert text.startswith("SYNTHETIC RECORD: this patient does not exist.")


def test_every_resource_passes_our_validation(resources: list[Json]) -> None:
    validator = Validator("structure")
    context = Context.__new__(Context)
    problems = Counter(
        f"{resource['resourceType']}: {issue.diagnostics}"
        for resource in resources
        for issue in validator.validate(exact(resource), context).issues
    )
    assert problems == Counter()


def test_types_have_the_shape_of_an_independent_library(resources: list[Json]) -> None:
    """fhir.resources knows R4B, where none of these types differs from R4."""
    for type in {resource["resourceType"] for resource in resources}:
        module = importlib.import_module(f"fhir.resources.R4B.{type.lower()}")
        for resource in of(resources, type)[:10]:
            getattr(module, type).model_validate(json.loads(json.dumps(resource, default=float)))


def test_bundles_create_shared_resources_once() -> None:
    stream = generate(1, 1, now=NOW, links=BundleLinks())
    for batch in (next(stream), next(stream)):
        made = bundle(batch)
        assert made["type"] == "transaction"
        for entry in made["entry"]:
            system, value = (entry["resource"]["identifier"][0][k] for k in ("system", "value"))
            assert entry["request"]["ifNoneExist"] == f"identifier={system}|{value}"


def test_patients_refer_to_shared_resources_conditionally() -> None:
    *_, batch = generate(1, 1, now=NOW, links=BundleLinks())
    text = encode_bundle(batch)[f"{batch.name}.json"].decode()
    references = set(re.findall(r'"reference":"([^"]+)"', text))
    shared = {reference for reference in references if "?" in reference}
    local = {entry["fullUrl"] for entry in bundle(batch)["entry"]}
    assert references - shared <= local
    assert {reference.partition("?")[0] for reference in shared} >= {"Practitioner", "Organization"}


def test_profiles_are_named_when_asked_for() -> None:
    *_, batch = generate(1, 1, now=NOW, profiles=True)
    assert batch.resources[0]["meta"]["profile"] == [
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"
    ]
    *_, plain = generate(1, 1, now=NOW)
    assert "profile" not in plain.resources[0]["meta"]


def test_gzip_changes_nothing_but_the_size(tmp_path: Path) -> None:
    settings = Settings(2, 5, NOW, LINKS["ndjson"])
    write(settings, "ndjson", tmp_path / "plain")
    write(settings, "ndjson", tmp_path / "packed", compress=True)
    packed = {
        name[:-3]: gzip.decompress(data) for name, data in contents(tmp_path / "packed").items()
    }
    assert packed == contents(tmp_path / "plain")


def test_decimals_keep_their_last_zero(batches: list[Batch]) -> None:
    lines = b"".join(encode_lines(batch).get("Observation.ndjson", b"") for batch in batches)
    assert re.search(rb'"valueQuantity":\{"value":\d+\.\d0,', lines)


def test_the_population_is_spread_like_a_population(resources: list[Json]) -> None:
    people = of(resources, "Patient")
    women = sum(person["gender"] == "female" for person in people) / len(people)
    ages = [NOW.year - int(person["birthDate"][:4]) for person in people]
    adults = {p["id"] for p, age in zip(people, ages, strict=True) if age >= 18}
    having: dict[str, set[str]] = {}
    for condition in of(resources, "Condition"):
        patient = condition["subject"]["reference"].removeprefix("Patient/")
        having.setdefault(condition["code"]["coding"][0]["code"], set()).add(patient)
    share = {code: len(those & adults) / len(adults) for code, those in having.items()}
    assert 0.3 < women < 0.7
    assert 30 < sum(ages) / len(ages) < 50
    assert min(ages) < 5
    assert max(ages) > 75
    assert 0.15 < share["59621000"] < 0.6  # hypertension
    assert 0.02 < share["44054006"] < 0.3  # diabetes
    assert 0.1 < share["55822004"] < 0.45  # hyperlipidemia
    assert 0.01 < sum("deceasedDateTime" in person for person in people) / len(people) < 0.2


def test_names_carry_accents(resources: list[Json]) -> None:
    names = "".join(
        p["name"][0]["family"] + p["name"][0]["given"][0] for p in of(resources, "Patient")
    )
    assert any(ord(letter) > 127 for letter in names)


def test_children_are_vaccinated_and_grow(resources: list[Json]) -> None:
    children = {p["id"] for p in of(resources, "Patient") if p["birthDate"] >= "2017"}
    given = Counter(
        shot["vaccineCode"]["coding"][0]["code"]
        for shot in of(resources, "Immunization")
        if shot["patient"]["reference"].removeprefix("Patient/") in children
    )
    assert given.keys() >= {"08", "20", "10", "03", "21", "133"}


# https://confluence.ihtsdotools.org/display/DOCRELFMT/Appendix+B%3A+Check-digit+Computation
_DIHEDRAL = [[(a + b) % 5 if a < 5 else (a - b) % 5 + 5 for b in range(5)] for a in range(10)]


def _multiply(a: int, b: int) -> int:
    """In the dihedral group of ten elements."""
    if b < 5:
        return _DIHEDRAL[a][b]
    return (a + b - 5) % 5 + 5 if a < 5 else (a - b) % 5


def verhoeff(code: str) -> bool:
    shuffled = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for position, digit in enumerate(reversed(code)):
        value = int(digit)
        for _ in range(position % 8):
            value = shuffled[value]
        check = _multiply(check, value)
    return check == 0


def luhn(code: str) -> bool:
    digits = [int(digit) for digit in reversed(code.replace("-", ""))]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def codings(value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        own = (
            [(str(value["system"]), str(value["code"]))]
            if {"system", "code"} <= value.keys()
            else []
        )
        return own + [pair for child in value.values() for pair in codings(child)]
    if isinstance(value, list):
        return [pair for child in value for pair in codings(child)]
    return []


def test_check_digits_of_all_codes_are_right(resources: list[Json]) -> None:
    assert verhoeff("74400008")
    assert not verhoeff("74400007")
    assert luhn("4548-4")
    found = {pair for resource in resources for pair in codings(resource)}
    snomed = {code for system, code in found if system == tables.SNOMED}
    loinc = {code for system, code in found if system == tables.LOINC and code[0].isdigit()}
    assert len(snomed) > 100
    assert len(loinc) > 60
    assert {code for code in snomed if not verhoeff(code)} == set()
    assert {code for code in loinc if not luhn(code)} == set()


def test_the_command_line_writes_and_counts(tmp_path: Path) -> None:
    line = ["--patients", "3", "--out", str(tmp_path / "out"), "--today", "2026-11-01", "--gzip"]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0
    assert "resources in" in result.output
    assert len(list((tmp_path / "out").glob("patient-*.json.gz"))) == 3


def test_the_command_line_refuses_a_day_that_is_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--today", "2026-13-01", "--out", str(tmp_path)])
    assert result.exit_code == 2


def test_the_population_imports_nothing_of_ours() -> None:
    script = (
        "import sys, conformance.population.__main__\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('fhir_server', 'smart_auth')])"
    )
    line = [sys.executable, "-c", script]
    shown = subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "[]"
