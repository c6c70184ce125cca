"""Links between the entries of a transaction: https://hl7.org/fhir/R4/http.html#trules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.r4.links import VERSION_SPECIFIC

if TYPE_CHECKING:
    import httpx

A, B = (f"urn:uuid:00000000-0000-4000-8000-00000000000{n}" for n in "ab")


def basic(reference: str, id: str = "", **more: Any) -> dict[str, Any]:
    subject = {"reference": reference, **more}
    named = {"id": id} if id else {}
    return {"resourceType": "Basic", **named, "code": {"text": "x"}, "subject": subject}


def entry(
    method: str, url: str, resource: dict[str, Any], full_url: str = "", **request: str
) -> dict[str, Any]:
    named = {"fullUrl": full_url} if full_url else {}
    return {**named, "resource": resource, "request": {"method": method, "url": url, **request}}


def patient(id: str = "", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **({"id": id} if id else {}), **more}


async def stored(fhir: httpx.AsyncClient, *listed: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources as stored, in the order of the entries."""
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": listed}
    answer = await fhir.post("", json=bundle)
    assert answer.status_code == 200, answer.text
    places = [each["response"]["location"] for each in answer.json()["entry"]]
    return [(await fhir.get(place)).json() for place in places]


async def refused(fhir: httpx.AsyncClient, *listed: dict[str, Any]) -> tuple[int, list[Any]]:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": listed}
    answer = await fhir.post("", json=bundle)
    return answer.status_code, answer.json().get("issue")


async def test_references_to_created_entries_follow_their_new_ids(fhir: httpx.AsyncClient):
    who, what = await stored(
        fhir, entry("POST", "Patient", patient(), A), entry("POST", "Basic", basic(A))
    )
    assert what["subject"]["reference"] == f"Patient/{who['id']}"


async def test_entries_may_refer_to_each_other_in_a_circle(fhir: httpx.AsyncClient):
    link = [{"other": {"reference": B}, "type": "seealso"}]
    back = [{"other": {"reference": A}, "type": "seealso"}]
    one, two = await stored(
        fhir,
        entry("POST", "Patient", patient(link=link), A),
        entry("POST", "Patient", patient(link=back), B),
    )
    assert one["link"][0]["other"]["reference"] == f"Patient/{two['id']}"
    assert two["link"][0]["other"]["reference"] == f"Patient/{one['id']}"


async def test_full_url_of_an_update_is_mapped_to_its_address_here(fhir: httpx.AsyncClient):
    base = "http://other.example/r4"
    _, absolute, relative = await stored(
        fhir,
        entry("PUT", "Patient/7", patient("7"), f"{base}/Patient/7"),
        entry("POST", "Basic", basic(f"{base}/Patient/7")),
        entry("POST", "Basic", basic("Patient/7", "b"), f"{base}/Basic/b"),
    )
    assert absolute["subject"]["reference"] == "Patient/7"
    assert relative["subject"]["reference"] == "Patient/7"


async def test_relative_reference_to_a_created_entry_of_the_same_base(fhir: httpx.AsyncClient):
    base = "http://other.example/r4"
    who, what = await stored(
        fhir,
        entry("POST", "Patient", patient("7"), f"{base}/Patient/7"),
        entry("POST", "Basic", basic("Patient/7", "b"), f"{base}/Basic/b"),
    )
    assert what["subject"]["reference"] == f"Patient/{who['id']}" != "Patient/7"


async def test_reference_by_the_id_of_a_created_entry_without_full_url(fhir: httpx.AsyncClient):
    who, what = await stored(
        fhir,
        entry("POST", "Patient", patient("local-1")),
        entry("POST", "Basic", basic("Patient/local-1")),
    )
    assert what["subject"]["reference"] == f"Patient/{who['id']}" != "Patient/local-1"


async def test_id_claimed_by_an_update_and_a_create_means_the_update(fhir: httpx.AsyncClient):
    _, _, what = await stored(
        fhir,
        entry("PUT", "Patient/both", patient("both")),
        entry("POST", "Patient", patient("both"), A),
        entry("POST", "Basic", basic("Patient/both")),
    )
    assert what["subject"]["reference"] == "Patient/both"


async def test_references_to_what_is_not_in_the_bundle_are_left_untouched(fhir: httpx.AsyncClient):
    for text in ("Patient/elsewhere", "http://third.example/Patient/1"):
        (what,) = await stored(fhir, entry("POST", "Basic", basic(text)))
        assert what["subject"]["reference"] == text


async def test_urn_that_no_entry_has_is_400_at_its_place(fhir: httpx.AsyncClient):
    status, issues = await refused(fhir, entry("POST", "Basic", basic(A)))
    assert status == 400
    assert issues[0]["expression"] == ["Bundle.entry[0].resource.subject.reference"]


async def test_version_specific_reference_stays_version_specific(fhir: httpx.AsyncClient):
    await fhir.put("Patient/v", json=patient("v"))
    base = "http://other.example/r4"
    who, _, first, second = await stored(
        fhir,
        entry("POST", "Patient", patient(), A),
        entry("PUT", "Patient/v", patient("v", active=True), f"{base}/Patient/v"),
        entry("POST", "Basic", basic(f"{A}/_history/5")),
        entry("POST", "Basic", basic(f"{base}/Patient/v/_history/5")),
    )
    assert first["subject"]["reference"] == f"Patient/{who['id']}/_history/1"
    assert second["subject"]["reference"] == "Patient/v/_history/2"


async def test_reference_is_made_version_specific_where_asked_for(fhir: httpx.AsyncClient):
    await fhir.put("Patient/outside", json=patient("outside"))
    await fhir.put("Patient/outside", json=patient("outside", active=True))
    wish: dict[str, Any] = {"extension": [{"url": VERSION_SPECIFIC, "valueBoolean": True}]}
    who, new, here, there = await stored(
        fhir,
        entry("POST", "Patient", patient(), A),
        entry("PUT", "Patient/fresh", patient("fresh"), B),
        entry("POST", "Basic", basic(A, **wish)),
        entry("POST", "Basic", basic("Patient/outside", **wish)),
    )
    assert new["meta"]["versionId"] == "1"
    assert here["subject"] == {"reference": f"Patient/{who['id']}/_history/1"}
    assert there["subject"] == {"reference": "Patient/outside/_history/2"}


async def test_version_of_nothing_cannot_be_referred_to(fhir: httpx.AsyncClient):
    wish: dict[str, Any] = {"extension": [{"url": VERSION_SPECIFIC, "valueBoolean": True}]}
    status, issues = await refused(fhir, entry("POST", "Basic", basic("Patient/none", **wish)))
    assert status == 400
    assert issues[0]["code"] == "not-found"


async def test_links_in_patches_are_pointed_too(fhir: httpx.AsyncClient):
    await fhir.put("Basic/p", json=basic("Patient/x", "p"))
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Basic.subject"},
        {"name": "value", "valueReference": {"reference": A}},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    who, what = await stored(
        fhir, entry("POST", "Patient", patient(), A), entry("PATCH", "Basic/p", patch)
    )
    assert what["subject"]["reference"] == f"Patient/{who['id']}"


async def test_attachment_points_at_the_binary_created_beside_it(fhir: httpx.AsyncClient):
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"url": A}}],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": A}],
    }
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    bundle = [entry("POST", "Binary", binary, A), entry("POST", "DocumentReference", document)]
    answer = await fhir.post(
        "", json={"resourceType": "Bundle", "type": "transaction", "entry": bundle}
    )
    first, second = (each["response"]["location"] for each in answer.json()["entry"])
    kept = (await fhir.get(second)).json()
    assert kept["content"][0]["attachment"]["url"] == first.partition("/_history")[0]
    assert kept["identifier"][0]["value"] == A
