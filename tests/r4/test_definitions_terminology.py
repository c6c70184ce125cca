"""Offline expansion of value sets: https://hl7.org/fhir/R4/valueset.html#compositions."""

from __future__ import annotations

from fhir_server.r4.definitions import definitions
from fhir_server.r4.definitions_terminology import Terminology

FHIR = "http://hl7.org/fhir/ValueSet/"


def test_a_whole_code_system_expands():
    assert definitions().expansion(FHIR + "administrative-gender") == {
        ("http://hl7.org/fhir/administrative-gender", code)
        for code in ("male", "female", "other", "unknown")
    }


def test_is_a_takes_the_code_and_all_below_it():
    expansion = definitions().expansion("http://terminology.hl7.org/ValueSet/v3-MaritalStatus")
    assert expansion is not None
    route = definitions().codesystems["http://terminology.hl7.org/CodeSystem/v3-ActMood"]
    assert "EVN" in route.below("_ActMoodCompletionTrack")
    assert "_ActMoodCompletionTrack" in route.below("_ActMoodCompletionTrack")
    assert route.below("nothing") == frozenset()


def test_verbs_that_the_package_lacks_are_known():
    assert definitions().expansion(FHIR + "http-verb") == {
        ("http://hl7.org/fhir/http-verb", verb)
        for verb in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
    }
    operations = definitions().expansion(FHIR + "http-operations")
    assert operations is not None
    assert ("http://hl7.org/fhir/http-operations", "options") in operations


def test_required_bindings_expand_but_for_the_external_systems():
    required = {
        e.binding.valueset
        for t in definitions().types.values()
        for e in t.elements
        if e.binding and e.binding.strength == "required"
    }
    assert {v for v in required if definitions().expansion(v) is None} == {
        FHIR + "currencies",
        FHIR + "mimetypes",
        FHIR + "ucum-units",
        "http://loinc.org/vs/LL379-9",
    }
    assert not any(definitions().expansion(v) == frozenset() for v in required)


def test_a_set_that_needs_an_absent_or_partial_system_is_not_expanded():
    assert definitions().expansion(FHIR + "observation-codes") is None
    assert definitions().expansion(FHIR + "message-events") is None
    assert definitions().expansion(FHIR + "service-type") is None
    assert definitions().expansion(FHIR + "nowhere") is None


SYSTEM = (
    '{"name":"S","content":"complete","concepts":'
    '{"a":["A"],"b":["B",["a"]],"c":["C",["b"]],"d":["D",["a","x"],"i"]}}'
)


def expand(compose: str, **others: str) -> set[str] | None:
    sets = {"v": compose, **others}
    codes = Terminology(sets, {"s": SYSTEM}).expansion("v")
    return None if codes is None else {code for _, code in codes}


def test_conditions_of_one_rule_intersect_and_rules_unite():
    below = '"filter":[["concept","is-a","b"]]'
    assert expand(f'{{"include":[{{"system":"s",{below}}}]}}') == {"b", "c"}
    assert expand(
        '{"include":[{"system":"s","concept":["a"]},{"system":"s","concept":["d"]}]}'
    ) == {
        "a",
        "d",
    }
    other = '{"include":[{"system":"s","concept":["a","c"]}]}'
    rule = f'{{"system":"s",{below},"valueset":["w"]}}'
    assert expand(f'{{"include":[{rule}]}}', w=other) == {"c"}


def test_exclusions_and_other_filters_apply():
    rule = '{"include":[{"system":"s"}],"exclude":[{"system":"s","concept":["a"]}]}'
    assert expand(rule) == {"b", "c", "d"}
    filters = {"descendent-of": {"c"}, "is-not-a": {"a", "d"}, "generalizes": None}
    for op, codes in filters.items():
        rule = f'{{"include":[{{"system":"s","filter":[["concept","{op}","b"]]}}]}}'
        assert expand(rule) == codes
    for filter_ in ('["concept","is-a","x"]', '["status","=","a"]'):
        assert expand(f'{{"include":[{{"system":"s","filter":[{filter_}]}}]}}') is None


def test_a_set_that_includes_itself_is_not_expanded():
    assert expand('{"include":[{"valueset":["v"]}]}') is None


def test_codes_carry_display_parents_and_flags():
    system = Terminology({}, {"s": SYSTEM}).codesystems["s"]
    assert system.concepts["d"].parents == ("a", "x")
    assert system.concepts["d"].inactive
    marital = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    assert definitions().codesystems[marital].concepts["M"].display == "Married"
    act = definitions().codesystems["http://terminology.hl7.org/CodeSystem/v3-ActMood"]
    assert act.concepts["_ActMoodCompletionTrack"].abstract
    assert marital in definitions().codesystems
    assert len(definitions().codesystems) == 1062
