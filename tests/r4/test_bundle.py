"""Entries of a batch or transaction: https://hl7.org/fhir/R4/bundle.html."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.r4.bundle import Entry, bundle_type, duplicates, entries
from fhir_server.r4.outcome import FhirError

BASE = "http://localhost:8080/fhir"
URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


def bundle(*listed: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(listed)}


def post(type: str = "Patient", **more: Any) -> dict[str, Any]:
    request = {"method": "POST", "url": type}
    return {"request": request, "resource": {"resourceType": type}} | more


def read(item: Any) -> Entry:
    (entry,) = entries(bundle(item), BASE)
    assert isinstance(entry, Entry), entry
    return entry


def test_entry_is_taken_apart():
    request = {"method": "PUT", "url": "Patient?identifier=a|1", "ifMatch": 'W/"2"'}
    entry = read(post(request=request, fullUrl="http://other.example/r4/Patient/7"))
    assert (entry.method, entry.path, entry.query) == ("PUT", "Patient", "identifier=a|1")
    assert (entry.if_match, entry.root) == ('W/"2"', "http://other.example/r4/")


@pytest.mark.parametrize("url", ["Patient/1", "/Patient/1", f"{BASE}/Patient/1", "Patient/1/"])
def test_url_is_read_relative_to_the_service_base(url: str):
    assert read({"request": {"method": "GET", "url": url}}).path == "Patient/1"


FAULTS: dict[str, tuple[Any, str]] = {
    "not an object": ("x", "Bundle.entry[0]"),
    "no request": ({"resource": {"resourceType": "Patient"}}, "Bundle.entry[0].request"),
    "no method": ({"request": {"url": "Patient"}}, "Bundle.entry[0].request"),
    "unknown method": ({"request": {"method": "SEND", "url": "x"}}, "Bundle.entry[0].request"),
    "no url": ({"request": {"method": "GET"}}, "Bundle.entry[0].request.url"),
    "header of another type": (
        {"request": {"method": "GET", "url": "x", "ifMatch": 1}},
        "Bundle.entry[0].request.ifMatch",
    ),
    "POST without resource": (
        {"request": {"method": "POST", "url": "Patient"}},
        "Bundle.entry[0].resource",
    ),
    "resource without a type": (post(resource={"id": "1"}), "Bundle.entry[0].resource"),
    "ifNoneExist with PUT": (
        post(request={"method": "PUT", "url": "Patient/1", "ifNoneExist": "a=b"}),
        "Bundle.entry[0].request.ifNoneExist",
    ),
    "empty ifMatch": (
        {"request": {"method": "DELETE", "url": "Patient/1", "ifMatch": ""}},
        "Bundle.entry[0].request.ifMatch",
    ),
    "misspelt ifNoneExist": (
        post(request={"method": "POST", "url": "Patient", "ifNonExist": "identifier=1"}),
        "Bundle.entry[0].request",
    ),
    "unknown property": (post(body={"resourceType": "Patient"}), "Bundle.entry[0]"),
    "relative fullUrl": (post(fullUrl="Patient/1"), "Bundle.entry[0].fullUrl"),
    "urn of another kind": (post(fullUrl="urn:isbn:1"), "Bundle.entry[0].fullUrl"),
    "fullUrl with a version (bdl-8)": (
        post(fullUrl="http://x.example/Patient/1/_history/2"),
        "Bundle.entry[0].fullUrl",
    ),
    "fullUrl of another id": (
        post(fullUrl="http://x.example/Patient/1", resource={"resourceType": "Patient", "id": "2"}),
        "Bundle.entry[0].fullUrl",
    ),
    "fullUrl of another type": (
        post(fullUrl="http://x.example/Group/1"),
        "Bundle.entry[0].fullUrl",
    ),
}


@pytest.mark.parametrize(("item", "place"), FAULTS.values(), ids=FAULTS)
def test_faulty_entry_says_where(item: Any, place: str):
    (faults,) = entries(bundle(item), BASE)
    assert isinstance(faults, list)
    assert faults[0].expression == place


def test_one_faulty_entry_leaves_the_others_readable():
    first, second = entries(bundle("x", post()), BASE)
    assert isinstance(first, list)
    assert isinstance(second, Entry)


def test_full_url_given_twice_is_a_duplicate():
    listed = entries(bundle(post(fullUrl=URN), post(fullUrl=URN)), BASE)
    (issue,) = duplicates([e for e in listed if isinstance(e, Entry)])
    assert (issue.code, issue.expression) == ("duplicate", "Bundle.entry[1].fullUrl")


@pytest.mark.parametrize(
    "resource", [{"resourceType": "Patient"}, {"resourceType": "Bundle"}, {}], ids=str
)
def test_what_is_no_typed_bundle_is_400(resource: dict[str, Any]):
    with pytest.raises(FhirError) as caught:
        bundle_type(resource)
    assert caught.value.status == 400


def test_unknown_property_of_the_bundle_is_400():
    with pytest.raises(FhirError) as caught:
        entries(bundle(post()) | {"entries": []}, BASE)
    assert caught.value.status == 400


def test_bundle_without_entries_is_fine():
    assert entries({"resourceType": "Bundle", "type": "batch"}, BASE) == []
