"""Links between entries: https://hl7.org/fhir/R4/http.html#trules and bundle.html#references."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.r4.bundle import Entry, entries
from fhir_server.r4.links import (
    VERSION_SPECIFIC,
    FullUrls,
    Links,
    MissingVersion,
    Target,
    Targets,
    find,
    find_in_operations,
    is_conditional,
    point,
)

BASE = "http://localhost:8080/fhir"
URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
OID = "urn:oid:1.2.3"
REST = "http://other.example/r4/Patient/7"


def entry(resource: dict[str, Any], full_url: str = "") -> Entry:
    type_ = resource["resourceType"]
    item = {"request": {"method": "POST", "url": type_}, "resource": resource, "fullUrl": full_url}
    (read,) = entries({"entry": [item]}, BASE)
    assert isinstance(read, Entry), read
    return read


def targets(**changes: Any) -> Targets:
    known: dict[str, Any] = {
        "full_urls": {
            URN: Target("Patient", "new", 1),
            OID: Target("Binary", "b", 1),
            REST: Target("Patient", "up"),
        },
        "claimed": {"Patient/mine": Target("Patient", "made", 1)},
        "ambiguous": frozenset({"Patient/twice"}),
        "matches": {"Patient?identifier=x": Target("Patient", "found", 4)},
        "versions": {"Patient/up": 9},
        "base_url": BASE,
    }  # fmt: skip
    return Targets(**(known | changes))


def found(given: Entry) -> Links:
    assert given.resource is not None
    return find(given, given.resource, FullUrls([URN, OID, REST]))


def pointed(resource: dict[str, Any], full_url: str = "") -> dict[str, Any]:
    given = entry(resource, full_url)
    assert point(found(given), targets()) == []
    return resource


def observation(reference: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "subject": {"reference": reference} | more}


REFERENCES = {
    "urn:uuid": (URN, "Patient/new"),
    "urn:oid": (OID, "Binary/b"),
    "absolute full URL": (REST, "Patient/up"),
    "fragment of an entry": (f"{REST}#a", "Patient/up#a"),
    "version of an entry that is created": (f"{URN}/_history/7", "Patient/new/_history/1"),
    "version of an entry that is updated": (f"{REST}/_history/7", "Patient/up/_history/9"),
    "id claimed by an entry": ("Patient/mine", "Patient/made"),
    "search URI": ("Patient?identifier=x", "Patient/found"),
    "relative, not in the Bundle": ("Patient/other", "Patient/other"),
    "absolute, not in the Bundle": ("http://third.example/Patient/1", "http://third.example/Patient/1"),
    "contained": ("#p", "#p"),
    "the container": ("#", "#"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_reference_is_pointed_where_its_target_goes(text: str, expected: str):
    assert pointed(observation(text))["subject"]["reference"] == expected


def test_relative_reference_is_read_against_the_base_of_its_own_entry():
    resource = observation("Patient/7") | {"id": "1"}
    assert pointed(dict(resource))["subject"]["reference"] == "Patient/7"
    same_base = "http://other.example/r4/Observation/1"
    assert pointed(resource, same_base)["subject"]["reference"] == "Patient/up"
    other_base = observation("Patient/7") | {"id": "1"}
    assert pointed(other_base, "http://x.example/Observation/1") == other_base


@pytest.mark.parametrize("text", ["urn:uuid:00000000-0000-0000-0000-000000000000", "urn:oid:9.9"])
def test_urn_of_no_entry_is_an_error_at_its_element(text: str):
    given = entry({"resourceType": "List", "entry": [{"item": {"reference": text}}]})
    (issue,) = point(found(given), targets())
    assert issue.expression == "Bundle.entry[0].resource.entry[0].item.reference"
    assert text in issue.diagnostics


def test_id_that_several_entries_claim_cannot_be_referred_to():
    (issue,) = point(found(entry(observation("Patient/twice"))), targets())
    assert issue.code == "multiple-matches"


def test_uri_that_happens_to_be_called_reference_may_name_anything():
    other = "urn:oid:9.9"
    resource = {"resourceType": "Immunization", "education": [{"reference": other}]}
    assert pointed(resource)["education"] == [{"reference": other}]


def test_references_in_extensions_and_contained_resources_are_pointed():
    resource = pointed(
        {
            "resourceType": "Observation",
            "extension": [{"url": "http://x.example", "valueReference": {"reference": URN}}],
            "contained": [{"resourceType": "Specimen", "id": "s", "subject": {"reference": URN}}],
            "subject": {"identifier": {"assigner": {"reference": URN}}},
            "performer": [
                {
                    "reference": URN,
                    "display": "P",
                    "extension": [{"valueReference": {"reference": OID}}],
                }
            ],
        }
    )  # fmt: skip
    assert resource["extension"][0]["valueReference"]["reference"] == "Patient/new"
    assert resource["contained"][0]["subject"]["reference"] == "Patient/new"
    assert resource["subject"]["identifier"]["assigner"]["reference"] == "Patient/new"
    assert resource["performer"][0]["reference"] == "Patient/new"
    assert resource["performer"][0]["extension"][0]["valueReference"]["reference"] == "Binary/b"


def test_uri_and_url_are_pointed_and_strings_and_canonicals_stay():
    resource = pointed(
        {
            "resourceType": "DocumentReference",
            "meta": {"profile": [URN]},
            "masterIdentifier": {"system": URN, "value": URN},
            "description": URN,
            "content": [{"attachment": {"url": OID}}],
            "extension": [
                {"url": REST, "valueUuid": URN},
                {"url": "http://x.example", "valueString": URN},
                {"url": "http://x.example", "valueCanonical": URN},
            ],
        }
    )
    assert resource["meta"]["profile"] == [URN]
    assert resource["masterIdentifier"] == {"system": f"{BASE}/Patient/new", "value": URN}
    assert resource["description"] == URN
    assert resource["content"] == [{"attachment": {"url": "Binary/b"}}]
    assert resource["extension"][0] == {
        "url": f"{BASE}/Patient/up",
        "valueUuid": f"{BASE}/Patient/new",
    }
    assert [e.get("valueString", e.get("valueCanonical")) for e in resource["extension"][1:]] == [
        URN,
        URN,
    ]


def test_list_of_uris_and_fragments_are_pointed():
    resource = pointed(
        {"resourceType": "CarePlan", "instantiatesUri": ["http://y.example", f"{REST}#a.b"]}
    )
    assert resource["instantiatesUri"] == ["http://y.example", f"{BASE}/Patient/up#a.b"]


def test_narrative_links_are_pointed_and_its_text_stays():
    div = (
        f'<div><a title="t" href="{URN}">a</a><img alt="x" src=\'{OID}\'/>'
        f'<p title="{URN}">{URN} href="{URN}"</p><a href="#x">b</a></div>'
    )
    resource = pointed({"resourceType": "Patient", "text": {"status": "generated", "div": div}})
    assert resource["text"]["div"] == (
        f'<div><a title="t" href="{BASE}/Patient/new">a</a><img alt="x" src="{BASE}/Binary/b"/>'
        f'<p title="{URN}">{URN} href="{URN}"</p><a href="#x">b</a></div>'
    )


def test_narrative_of_a_section_is_pointed():
    section = {"text": {"status": "generated", "div": f'<div><a href="{REST}">a</a></div>'}}
    resource = pointed({"resourceType": "Composition", "section": [section]})
    assert resource["section"][0]["text"]["div"] == f'<div><a href="{BASE}/Patient/up">a</a></div>'


def test_nested_bundle_keeps_its_own_links():
    inner = {
        "resourceType": "Bundle",
        "type": "document",
        "entry": [{"resource": observation(URN)}],
    }
    resource = pointed({"resourceType": "Observation", "contained": [inner]})
    assert resource["contained"][0]["entry"][0]["resource"]["subject"]["reference"] == URN


def wish(**more: Any) -> dict[str, Any]:
    return {"extension": [{"url": VERSION_SPECIFIC, "valueBoolean": True}, *more.get("also", [])]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (URN, "Patient/new/_history/1"),
        (REST, "Patient/up/_history/9"),
        ("Patient?identifier=x", "Patient/found/_history/4"),
        ("http://third.example/Patient/1", "http://third.example/Patient/1"),
    ],
)
def test_version_specific_reference_is_made_where_asked_for(text: str, expected: str):
    resource = pointed(observation(text, **wish()))
    assert resource["subject"]["reference"] == expected


def test_the_wish_for_a_version_goes_and_other_extensions_stay():
    other = {"url": "http://x.example", "valueCode": "a"}
    assert "extension" not in pointed(observation(URN, **wish()))["subject"]
    resource = pointed(observation(URN, **wish(also=[other])))
    assert resource["subject"]["extension"] == [other]


def test_version_that_is_not_known_is_asked_for():
    given = entry(observation("Patient/elsewhere", **wish()))
    with pytest.raises(MissingVersion) as caught:
        point(found(given), targets())
    assert caught.value.address == "Patient/elsewhere"
    assert point(found(given), targets(versions={"Patient/elsewhere": 3})) == []
    assert given.resource is not None
    assert given.resource["subject"] == {"reference": "Patient/elsewhere/_history/3"}


def test_pointing_again_starts_from_what_was_sent():
    given = entry(observation(URN, **wish()))
    links = found(given)
    point(links, targets())
    point(links, targets(full_urls={URN: Target("Patient", "second", 2)}))
    assert given.resource is not None
    assert given.resource["subject"] == {"reference": "Patient/second/_history/2"}


def test_search_uris_are_told_from_other_references():
    given = entry(
        observation("Patient?identifier=x") | {"focus": [{"reference": "http://x.example/a?b=c"}]}
    )
    assert list(found(given).conditional()) == ["Patient?identifier=x"]
    assert is_conditional("Patient?identifier=x&a=b") == ("Patient", "identifier=x&a=b")
    assert is_conditional("Patient/1") is None


def test_links_in_a_json_patch_are_pointed():
    operations: list[Any] = [
        {"op": "add", "path": "/subject", "value": {"reference": URN}},
        {"op": "replace", "path": "/focus/0/reference", "value": REST},
        {"op": "replace", "path": "/status", "value": URN},
        "not an operation",
    ]
    given = entry({"resourceType": "Binary"})
    links = find_in_operations(given, operations, FullUrls([URN, OID, REST]))
    assert point(links, targets()) == []
    assert [o["value"] for o in operations[:3]] == [{"reference": "Patient/new"}, "Patient/up", URN]
