"""The coherence checker: silent on what the generator makes, and not fooled by planted errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from typer.testing import CliRunner

from conformance.population.__main__ import app
from conformance.population.check import courses
from conformance.population.check.facts import MEASURED
from conformance.population.check.run import inspect
from conformance.population.check.source import UnreadableError
from conformance.population.generate import Batch, generate
from conformance.population.links import BundleLinks
from conformance.population.writers import encode_bundle, encode_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
NOW = date(2026, 11, 1)
DIABETES, KIDNEY_4 = "44054006", "431857002"
A1C, HEIGHT, CREATININE, SYSTOLIC = "4548-4", "8302-2", "2160-0", "8480-6"


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return list(generate(7, 60, now=NOW))


def rules(folder: Path) -> set[str]:
    return {violation.rule for violation in inspect(folder).violations}


def save(folder: Path, resources: list[Json]) -> Path:
    lines = b"\n".join(msgspec.json.encode(resource) for resource in resources)
    (folder / "all.ndjson").write_bytes(lines)
    return folder


def plain(batch: Batch) -> list[Json]:
    """Copies that may be changed."""
    return [
        json.loads(line) for lines in encode_lines(batch).values() for line in lines.splitlines()
    ]


def shared(batches: list[Batch]) -> list[Json]:
    return [resource for batch in batches if batch.shared for resource in plain(batch)]


def of(resources: list[Json], type: str) -> list[Json]:
    return [resource for resource in resources if resource["resourceType"] == type]


def coded(resources: list[Json], type: str, code: str) -> list[Json]:
    """Those whose code has this coding."""
    return [
        resource
        for resource in of(resources, type)
        if code in {coding["code"] for coding in resource["code"]["coding"]}
    ]


def somebody(batches: list[Batch], fits: Callable[[list[Json]], object]) -> list[Json]:
    """The record of the first patient who fits, open to changes."""
    for batch in batches:
        if not batch.shared and fits(batch.resources):
            return plain(batch)
    raise LookupError(fits)


def anyone(_: list[Json]) -> bool:
    return True


def dead(resources: list[Json]) -> bool:
    return "deceasedDateTime" in resources[0]


def diabetic(resources: list[Json]) -> bool:
    return (
        bool(coded(resources, "Condition", DIABETES))
        and len(coded(resources, "Observation", A1C)) > 3
    )


def healthy(resources: list[Json]) -> bool:
    tests = coded(resources, "Observation", A1C)
    return len(tests) > 3 and not coded(resources, "Condition", DIABETES)


def man(resources: list[Json]) -> bool:
    return resources[0]["gender"] == "male" and bool(of(resources, "Condition"))


def child(resources: list[Json]) -> bool:
    grown = coded(resources, "Observation", HEIGHT)
    return resources[0]["birthDate"] > "2015" and len(grown) > 4


def has(*types: str) -> Callable[[list[Json]], bool]:
    return lambda resources: all(of(resources, type) for type in types)


def birth_after_the_first_visit(resources: list[Json]) -> None:
    resources[0]["birthDate"] = "2026-10-01"


def lab_after_death(resources: list[Json]) -> None:
    of(resources, "Observation")[0]["effectiveDateTime"] = "2026-10-30T10:00:00-05:00"


def visit_after_death(resources: list[Json]) -> None:
    of(resources, "Encounter")[-1]["period"]["start"] = "2026-10-30T10:00:00-05:00"


def drug_without_reason(resources: list[Json]) -> None:
    del of(resources, "MedicationRequest")[0]["reasonReference"]


def drug_for_no_condition(resources: list[Json]) -> None:
    order = of(resources, "MedicationRequest")[0]
    order["reasonReference"] = [{"reference": f"Patient/{resources[0]['id']}"}]


def drug_before_its_illness(resources: list[Json]) -> None:
    order = of(resources, "MedicationRequest")[0]
    reason = order["reasonReference"][0]["reference"].removeprefix("Condition/")
    condition = next(r for r in resources if r["id"] == reason)
    condition["onsetDateTime"] = "2026-10-30T10:00:00-05:00"


def dispense_without_order(resources: list[Json]) -> None:
    del of(resources, "MedicationDispense")[0]["authorizingPrescription"]


def dangling_reference(resources: list[Json]) -> None:
    of(resources, "Observation")[0]["encounter"] = {"reference": "Encounter/nowhere"}


def reference_of_another_type(resources: list[Json]) -> None:
    observation = of(resources, "Observation")[0]
    id = observation["encounter"]["reference"].removeprefix("Encounter/")
    observation["encounter"] = {"reference": f"Condition/{id}"}


def lab_outside_its_visit(resources: list[Json]) -> None:
    of(resources, "Observation")[0]["effectiveDateTime"] = "2026-10-30T10:00:00-05:00"


def normal_sugar_in_diabetes(resources: list[Json]) -> None:
    for observation in coded(resources, "Observation", A1C):
        observation["valueQuantity"]["value"] = 4.9


def high_sugar_without_diabetes(resources: list[Json]) -> None:
    for observation in coded(resources, "Observation", A1C):
        observation["valueQuantity"]["value"] = 8.4


def pregnant_man(resources: list[Json]) -> None:
    of(resources, "Condition")[0]["code"]["coding"][0]["code"] = "72892002"


def shrinking_child(resources: list[Json]) -> None:
    latest = max(coded(resources, "Observation", HEIGHT), key=lambda o: o["effectiveDateTime"])
    latest["valueQuantity"]["value"] = 40


def wrong_body_mass(resources: list[Json]) -> None:
    coded(resources, "Observation", "39156-5")[0]["valueQuantity"]["value"] = 60


def vaccine_too_early(resources: list[Json]) -> None:
    of(resources, "Immunization")[0]["vaccineCode"]["coding"][0]["code"] = "165"


def wrong_sum(resources: list[Json]) -> None:
    of(resources, "Claim")[0]["total"]["value"] += 100


def overlapping_visits(resources: list[Json]) -> None:
    first, second = of(resources, "Encounter")[:2]
    first["period"]["end"] = second["period"]["end"]


def unmarked_patient(resources: list[Json]) -> None:
    resources[0]["meta"] = {}


def same_id_twice(resources: list[Json]) -> None:
    first, second = of(resources, "Claim")[:2]
    first["id"] = second["id"]


def recovery_before_illness(resources: list[Json]) -> None:
    of(resources, "Condition")[0]["abatementDateTime"] = "1900-01-01T10:00:00-05:00"


@dataclass(frozen=True)
class Plant:
    """An error, in whose record it is planted, and the rule that must find it."""

    change: Callable[[list[Json]], None]
    fits: Callable[[list[Json]], object]
    rule: str


PLANTS = [
    Plant(birth_after_the_first_visit, anyone, "nothing before birth"),
    Plant(lab_after_death, dead, "nothing after death"),
    Plant(visit_after_death, dead, "nothing after death"),
    Plant(drug_without_reason, has("MedicationRequest"), "medication has an indication"),
    Plant(drug_for_no_condition, has("MedicationRequest"), "medication has an indication"),
    Plant(drug_before_its_illness, has("MedicationRequest"), "indication at the time"),
    Plant(dispense_without_order, has("MedicationDispense"), "medication was ordered"),
    Plant(dangling_reference, anyone, "reference resolves"),
    Plant(reference_of_another_type, anyone, "reference resolves"),
    Plant(lab_outside_its_visit, anyone, "within its encounter"),
    Plant(normal_sugar_in_diabetes, diabetic, "HbA1c under diabetes"),
    Plant(high_sugar_without_diabetes, healthy, "HbA1c of 6.5 twice is diabetes"),
    Plant(pregnant_man, man, "pregnancy fits"),
    Plant(shrinking_child, child, "children do not shrink"),
    Plant(wrong_body_mass, child, "BMI follows height and weight"),
    Plant(vaccine_too_early, child, "vaccine at its age"),
    Plant(wrong_sum, has("Claim"), "claim adds up"),
    Plant(overlapping_visits, anyone, "encounters do not overlap"),
    Plant(unmarked_patient, anyone, "marked as synthetic"),
    Plant(same_id_twice, has("Claim"), "unique id"),
    Plant(recovery_before_illness, has("Condition"), "abates after onset"),
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.change.__name__)
def test_a_planted_error_is_found(plant: Plant, batches: list[Batch], tmp_path: Path) -> None:
    record = somebody(batches, plant.fits)
    assert rules(save(tmp_path, [*shared(batches), *record])) == set()
    plant.change(record)
    assert plant.rule in rules(save(tmp_path, [*shared(batches), *record]))


def sugar_records(batches: list[Batch]) -> list[Json]:
    """Patients with their conditions and HbA1c, and nothing that these refer to beside."""
    kept: list[Json] = []
    for batch in (batch for batch in batches if not batch.shared):
        people, conditions = of(batch.resources, "Patient"), of(batch.resources, "Condition")
        few = people + conditions + coded(batch.resources, "Observation", A1C)
        kept += plain(Batch(batch.name, shared=False, resources=few))
    for resource in kept:
        for element in ELSEWHERE:
            resource.pop(element, None)
    return kept


ELSEWHERE = (
    "encounter",
    "performer",
    "recorder",
    "basedOn",
    "specimen",
    "stage",
    "generalPractitioner",
    "managingOrganization",
)


def test_a_population_whose_diabetics_are_like_the_others_is_found(
    batches: list[Batch], tmp_path: Path
) -> None:
    resources = sugar_records(batches)
    assert rules(save(tmp_path, resources)) == set()
    for observation in coded(resources, "Observation", A1C):
        observation["valueQuantity"]["value"] = 5.8
    assert rules(save(tmp_path, resources)) == {"HbA1c is higher with diabetes"}


def test_creatinine_that_does_not_follow_the_stage_is_found(tmp_path: Path) -> None:
    """Four people, one per stage, with creatinine falling instead of rising."""
    resources: list[Json] = []
    for number, stage in enumerate(("431856006", "433144002", "431857002", "46177005")):
        patient = f"p{number}"
        resources += [
            {
                "resourceType": "Patient",
                "id": patient,
                "birthDate": "1950-01-01",
                "gender": "male",
                "meta": {"tag": [{"code": "HTEST"}]},
            },
            {
                "resourceType": "Condition",
                "id": f"c{number}",
                "subject": {"reference": f"Patient/{patient}"},
                "onsetDateTime": "2015-01-01",
                "recordedDate": "2015-01-01",
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": stage}]},
            },
        ]
        for day in range(1, 25):
            resources.append(
                {
                    "resourceType": "Observation",
                    "id": f"o{number}-{day}",
                    "subject": {"reference": f"Patient/{patient}"},
                    "effectiveDateTime": f"2016-01-{day:02d}",
                    "code": {"coding": [{"system": "http://loinc.org", "code": CREATININE}]},
                    "valueQuantity": {"value": 5 - number},
                }
            )
    assert rules(save(tmp_path, resources)) == {"creatinine rises with CKD stage"}


def test_every_rule_reads_a_code_that_is_kept() -> None:
    rows = (*courses.DURING, *courses.UNDIAGNOSED, *courses.RAISED, *courses.ONSET)
    assert len(rows) > 15
    assert {row.loinc for row in rows} <= MEASURED


def bundles(batches: list[Batch], folder: Path) -> None:
    for batch in batches:
        for name, data in encode_bundle(batch).items():
            (folder / name).write_bytes(data)


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    bundles(list(generate(2, 4, now=NOW, links=BundleLinks())), tmp_path)
    return tmp_path


def test_bundles_are_read_as_well(bundled: Path) -> None:
    assert rules(bundled) == set()


def test_a_urn_of_another_bundle_does_not_resolve(bundled: Path) -> None:
    first, second = sorted(bundled.glob("patient-*.json"))[:2]
    stranger = json.loads(second.read_bytes())["entry"][0]["fullUrl"]
    made = json.loads(first.read_bytes())
    made["entry"][1]["resource"]["patient"] = {"reference": stranger}
    first.write_text(json.dumps(made))
    assert "reference resolves" in rules(bundled)


def test_a_conditional_reference_that_nobody_answers_is_found(bundled: Path) -> None:
    (bundled / "0-practitioners.json").unlink()
    assert rules(bundled) == {"reference resolves"}


def test_the_command_prints_distributions_and_ends_with_0(bundled: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(bundled)])
    assert result.exit_code == 0
    for title in ("Resources", "People by age", "Ever diagnosed", "Encounters"):
        assert title in result.output
    assert "no violation found" in result.output


def test_the_command_ends_with_1_on_a_violation(bundled: Path) -> None:
    (bundled / "0-practitioners.json").unlink()
    result = CliRunner().invoke(app, ["check", str(bundled)])
    assert result.exit_code == 1
    assert "reference resolves" in result.output


def test_an_empty_folder_is_a_usage_error(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["check", str(tmp_path)]).exit_code == 2


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").write_text('{"resourceType": "Patient"')
    with pytest.raises(UnreadableError, match=r"Patient\.ndjson"):
        inspect(tmp_path)
