"""Keyed hashes of the search index."""

from __future__ import annotations

from fhir_server.search.hashes import Hasher

HASHER = Hasher(b"a" * 32)


def test_a_hash_fits_a_signed_64_bit_column() -> None:
    values = [HASHER.hash("Observation", "code", "c", str(n)) for n in range(200)]
    assert all(-(2**63) <= value < 2**63 for value in values)
    assert any(value < 0 for value in values)
    assert len(set(values)) == 200


def test_another_key_gives_another_hash() -> None:
    assert HASHER.hash("Patient", "name", "x", "Ada") != Hasher(b"b" * 32).hash(
        "Patient", "name", "x", "Ada"
    )


def test_the_same_key_gives_the_same_hash_in_another_process() -> None:
    assert Hasher(b"a" * 32).hash("Patient", "gender", "c", "male") == HASHER.hash(
        "Patient", "gender", "c", "male"
    )


def test_parts_do_not_run_into_each_other() -> None:
    assert HASHER.hash("Patient", "identifier", "sc", "a", "bc") != HASHER.hash(
        "Patient", "identifier", "sc", "ab", "c"
    )


def test_a_patient_never_has_the_hash_of_nobody_or_several() -> None:
    assert all(HASHER.patient(str(n)) not in {0, -1} for n in range(1000))
    assert HASHER.patient("a") != HASHER.patient("b")
