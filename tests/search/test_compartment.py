"""The index and the definition agree on who a resource is about.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

import pytest

from fhir_server.r4.compartment import patients
from fhir_server.r4.definitions import definitions
from fhir_server.search.hashes import Hasher
from fhir_server.search.indexer import Indexer
from tests.r4.synthetic import resource

BASE = "http://here/fhir"
HASHER = Hasher(b"key")
INDEXER = Indexer(definitions(), HASHER, BASE)


@pytest.mark.parametrize("type_", definitions().endpoint_types)
def test_the_index_names_the_patients_of_the_compartment(type_: str):
    for variant in range(14):
        example = resource(type_, variant)
        expected = {HASHER.patient(id_) for id_ in patients(example, BASE)}
        assert set(INDEXER.rows(example).pats) == expected
