"""The compiled definitions: https://hl7.org/fhir/R4/structuredefinition.html."""

from __future__ import annotations

import subprocess
import sys

from fhir_server.r4.definitions import Binding, Definitions, ElementType, definitions


def test_all_concrete_resource_types_but_parameters_have_an_endpoint():
    d = definitions()
    assert len(d.resource_types) == 146
    assert len(d.endpoint_types) == 145
    assert set(d.resource_types) - set(d.endpoint_types) == {"Parameters"}
    assert "DomainResource" not in d.resource_types
    assert "Quantity" in d.types
    assert "FiveWs" not in d.types


def test_an_element_row_says_what_the_definition_says():
    element = next(
        e for e in definitions().types["Observation"].elements if e.path == "Observation.value[x]"
    )
    assert (element.name, element.choice, element.min, element.max) == ("value", True, 0, 1)
    assert [t.code for t in element.types][:3] == ["Quantity", "CodeableConcept", "string"]
    status = definitions().children("Observation")["status"].element
    assert status.binding == Binding("required", "http://hl7.org/fhir/ValueSet/observation-status")
    assert (status.min, status.modifier, status.summary) == (1, True, True)
    subject = definitions().children("Observation")["subject"].element
    assert subject.types == (ElementType("Reference", ("Patient", "Group", "Device", "Location")),)


def test_children_of_a_resource_stand_in_canonical_order_with_a_property_per_choice():
    names = list(definitions().children("Observation"))
    assert names[:9] == [
        "id", "meta", "implicitRules", "language", "text", "contained", "extension",
        "modifierExtension", "identifier",
    ]  # fmt: skip
    start = names.index("valueQuantity")
    assert names[start + 1] == "valueCodeableConcept"
    assert "value" not in names
    assert "_status" not in names


def test_children_resolve_backbone_elements_content_references_and_data_types():
    d = definitions()
    component = d.children("Observation")["component"]
    assert component.path_of_children == "Observation.component"
    ranges = d.children("Observation.component")["referenceRange"]
    assert ranges.path_of_children == "Observation.referenceRange"
    assert d.children(ranges.path_of_children)["appliesTo"].type_code == "CodeableConcept"
    assert d.children("CodeableConcept")["coding"].path_of_children == "Coding"
    assert d.children("Timing")["repeat"].path_of_children == "Timing.repeat"
    assert d.children("Bundle.entry")["resource"].type_code == "Resource"
    assert d.children("Patient.nowhere") == {}
    assert d.children("Nowhere") == {}


def test_the_id_of_a_resource_is_an_id_and_that_of_an_element_a_string():
    assert definitions().children("Patient")["id"].type_code == "id"
    assert definitions().children("HumanName")["id"].type_code == "string"
    assert definitions().children("Extension")["url"].type_code == "uri"


def test_every_path_of_children_leads_somewhere():
    d = definitions()
    leaves = {
        child.path_of_children
        for definition in d.types.values()
        for element in definition.elements
        for child in d.children(element.path).values()
        if not d.children(child.path_of_children)
    }
    assert leaves == set()


def test_search_parameters_of_a_type_include_those_of_resource_and_domain_resource():
    codes = definitions().search_parameters_of("Patient")
    assert {"_id", "_lastUpdated", "_text", "name", "birthdate"} <= codes.keys()
    assert codes["_id"].expression == "Resource.id"
    assert "_text" not in definitions().search_parameters_of("Bundle")
    assert definitions().search_parameters_of("Nowhere") == {}


def test_example_search_parameters_do_not_shadow_real_ones():
    assert (
        definitions().search_parameters_of("Condition")["subject"].url.endswith("Condition-subject")
    )
    assert all(p.base for p in definitions().search_parameters)


def test_composite_parameters_name_their_components():
    parameter = definitions().search_parameters_of("Observation")["code-value-quantity"]
    assert [c.expression for c in parameter.components] == ["code", "value.as(Quantity)"]


def test_compartments_name_the_parameters_that_lead_in():
    compartments = definitions().compartments
    assert compartments.keys() == {
        "Patient", "Encounter", "RelatedPerson", "Practitioner", "Device",
    }  # fmt: skip
    assert compartments["Patient"]["Observation"] == ("subject", "performer")
    assert compartments["Encounter"]["Encounter"] == ("{def}",)
    assert "Medication" not in compartments["Patient"]


def test_every_constraint_of_an_element_is_known():
    d = definitions()
    used = {key for t in d.types.values() for e in t.elements for key in e.constraints}
    assert used == set(d.constraints)


def test_a_constraint_key_that_is_not_unique_is_qualified_by_its_type():
    d = definitions()
    assert d.types["Task"].elements[0].constraints[-1] == "inv-1@Task"
    assert d.constraints["inv-1@Task"].key == "inv-1"
    assert "lastModified" in d.constraints["inv-1@Task"].expression
    assert "operation" in d.constraints["inv-1@TestReport"].expression


def test_operations_carry_their_parameters_and_parts():
    everything = next(o for o in definitions().operations if o.url.endswith("Patient-everything"))
    assert everything.parameters[0].name == "start"
    assert (everything.resource, everything.system, everything.type) == (("Patient",), False, True)
    assert everything.parameters[-1].max == 1
    lookup = next(o for o in definitions().operations if o.code == "lookup")
    designation = next(p for p in lookup.parameters if p.name == "designation")
    assert [part.name for part in designation.parts] == ["language", "use", "value"]


def test_the_definitions_load_without_the_large_tables():
    script = (
        "from fhir_server.r4.definitions import definitions as d\n"
        "d().search_parameters_of('Patient'); d().children('Patient')\n"
        "assert '_terminology' not in vars(d())\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_definitions_are_built_once():
    assert definitions() is definitions()
    assert isinstance(definitions(), Definitions)
