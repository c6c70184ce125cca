"""The committed tables are what compile_definitions.py writes from the published package."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from fhir_server.r4.compile_definitions import (
    TABLES,
    SourceUnavailableError,
    compile_tables,
    package_bytes,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_recompiling_gives_the_committed_tables_byte_for_byte():
    # Compared unpacked: another zlib packs the same text differently.
    compiled = {n: gzip.decompress(t) for n, t in compile_tables(package_bytes()).items()}
    committed = {p.name: gzip.decompress(p.read_bytes()) for p in TABLES.glob("*.json.gz")}
    assert compiled.keys() == committed.keys()
    assert [name for name in compiled if compiled[name] != committed[name]] == []


def test_the_tables_carry_no_time_and_the_hash_of_their_source():
    for path in TABLES.glob("*.json.gz"):
        packed = path.read_bytes()
        assert packed[4:8] == bytes(4)
        assert b'"sha256":"b090bf929e1f665c' in gzip.decompress(packed)[:200]


def test_another_package_is_refused(tmp_path: Path):
    other = tmp_path / "other.tgz"
    other.write_bytes(b"not the package")
    with pytest.raises(SourceUnavailableError, match=r"is not hl7\.fhir\.r4\.core 4\.0\.1"):
        package_bytes(other)
