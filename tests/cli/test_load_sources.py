"""What hestia load finds and how it cuts it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from fhir_server.cli.load_journal import Journal
from fhir_server.cli.load_sources import CHUNK, Portion, UnreadableError, find, portions

if TYPE_CHECKING:
    from pathlib import Path

PATIENT = {"resourceType": "Patient", "id": "p1"}


def write(path: Path, value: object) -> Path:
    text = value if isinstance(value, str) else json.dumps(value)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def of(path: Path) -> list[Portion]:
    return [portion for source in find([path]) for portion in portions(source)]


def test_a_transaction_bundle_is_sent_as_it_is(tmp_path: Path):
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}],
    }
    (portion,) = of(write(tmp_path / "b.json.gz", bundle))
    assert json.loads(portion.body) == bundle
    assert portion.entries == (("Patient", "POST"),)
    assert not portion.cut


def test_ndjson_is_cut_into_bundles_of_updates(tmp_path: Path):
    lines = "\n".join(json.dumps(PATIENT | {"id": f"p{n}"}) for n in range(CHUNK + 1))
    first, second = of(write(tmp_path / "Patient.ndjson", lines))
    assert (first.start, len(first.entries)) == (0, CHUNK)
    assert (second.start, second.label) == (CHUNK, f"{tmp_path}/Patient.ndjson:{CHUNK + 1}")
    entry = json.loads(second.body)["entry"][0]
    assert entry["request"] == {"method": "PUT", "url": f"Patient/p{CHUNK}"}


def test_a_resource_without_id_is_created(tmp_path: Path):
    (portion,) = of(write(tmp_path / "one.json", {"resourceType": "Patient"}))
    assert json.loads(portion.body)["entry"][0]["request"] == {"method": "POST", "url": "Patient"}


def test_a_collection_is_sent_resource_by_resource_with_its_decimals(tmp_path: Path):
    text = (
        '{"resourceType":"Bundle","type":"collection","entry":[{"resource":'
        '{"resourceType":"Observation","id":"o","valueQuantity":{"value":1.00}}}]}'
    )
    (portion,) = of(write(tmp_path / "c.json", text))
    assert b'"value":1.00}' in portion.body
    assert portion.entries == (("Observation", "PUT"),)


def test_a_collection_whose_references_are_urns_is_sent_whole_with_its_full_urls(tmp_path: Path):
    urn = "urn:uuid:5f5c2b0e-6a3c-4f0e-9d55-000000000001"
    observation = {"resourceType": "Observation", "subject": {"reference": urn}}
    listed = [
        {"fullUrl": urn, "resource": {"resourceType": "Patient"}},
        *({"resource": observation} for _ in range(CHUNK)),
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": listed}
    (portion,) = of(write(tmp_path / "c.json", bundle))
    entries = json.loads(portion.body)["entry"]
    assert entries[0]["fullUrl"] == urn
    assert len(entries) == CHUNK + 1
    assert not portion.cut  # sent entry by entry, the references would point nowhere


def test_entries_without_a_resource_are_reported_and_the_others_are_sent(tmp_path: Path):
    listed = [{"resource": PATIENT}, {"fullUrl": "x"}, {"resource": 5}, None]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": listed}
    (portion,) = of(write(tmp_path / "s.json", bundle))
    assert portion.entries == (("Patient", "PUT"),)
    assert portion.faults == tuple(
        f"{tmp_path}/s.json: entry {n}: holds no resource" for n in (1, 2, 3)
    )


def test_a_malformed_transaction_is_left_to_the_server(tmp_path: Path):
    listed = [{"resource": 5, "request": 5}, None]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": listed}
    (portion,) = of(write(tmp_path / "t.json", bundle))
    assert portion.entries == (("", ""), ("", ""))


def test_a_bundle_whose_entries_are_no_list_is_unreadable(tmp_path: Path):
    with pytest.raises(UnreadableError, match="entry"):
        of(write(tmp_path / "e.json", {"resourceType": "Bundle", "type": "batch", "entry": 5}))


def test_a_broken_line_is_reported_and_the_others_are_sent(tmp_path: Path):
    lines = json.dumps(PATIENT) + '\n{"resourceType":\n\n[1]\n'
    (portion,) = of(write(tmp_path / "x.ndjson", lines))
    assert portion.entries == (("Patient", "PUT"),)
    assert [fault.split(": ")[1] for fault in portion.faults] == ["line 2", "line 4"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "{"), ("a.json", '{"x":1}'), ("a.txt", "{}"), ("a.json.gz", "not gzip")],
)
def test_a_file_without_fhir_is_unreadable(tmp_path: Path, name: str, text: str):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UnreadableError):
        of(path)


def test_what_others_point_at_goes_first(tmp_path: Path):
    names = [
        "1-patient.json",
        "0-practitionerInformation16.json",
        "0-hospitalInformation16.json",
        "Observation.ndjson",
        "Patient.ndjson",
        "Organization.ndjson",
        "readme.txt",
    ]
    for name in names:
        write(tmp_path / name, PATIENT)
    found = [(source.path.name, source.group) for source in find([tmp_path])]
    assert found == [
        ("0-hospitalInformation16.json", 0),
        ("Organization.ndjson", 0),
        ("0-practitionerInformation16.json", 1),
        ("Patient.ndjson", 2),
        ("1-patient.json", 4),
        ("Observation.ndjson", 4),
    ]


def test_the_journal_knows_what_was_taken_until_the_file_changes(tmp_path: Path):
    path = write(tmp_path / "a.json", PATIENT)
    (portion,) = of(path)
    journal = Journal(tmp_path / "home" / "load.journal", "http://one")
    assert not journal.knows(portion)
    journal.add(portion)
    journal.close()
    again = Journal(tmp_path / "home" / "load.journal", "http://one")
    assert again.knows(portion)
    again.close()
    elsewhere = Journal(tmp_path / "home" / "load.journal", "http://two")
    assert not elsewhere.knows(portion)
    write(path, PATIENT | {"active": True})
    assert not elsewhere.knows(of(path)[0])
    elsewhere.close()


def test_a_torn_line_of_the_journal_is_passed_over(tmp_path: Path):
    (portion,) = of(write(tmp_path / "a.json", PATIENT))
    path = tmp_path / "load.journal"
    journal = Journal(path, "http://one")
    journal.add(portion)
    journal.close()
    with path.open("a") as file:
        file.write('["http://o')
    again = Journal(path, "http://one")
    assert again.knows(portion)
    again.close()
