"""Reads an output directory of either format, resource by resource.

https://hl7.org/fhir/R4/nd-json.html
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class UnreadableError(Exception):
    """The directory holds nothing to check, or a file is not what its name says."""


@dataclass(frozen=True, slots=True)
class Found:
    """`scope` is the bundle in which urn:uuid references resolve, empty for NDJSON."""

    file: str
    scope: str
    url: str
    resource: Json

    @property
    def name(self) -> str:
        """Type/id."""
        return f"{self.resource.get('resourceType')}/{self.resource.get('id')}"


def files(folder: Path) -> list[Path]:
    """The files to read, shared ones first as their names have it."""
    endings = (".json", ".json.gz", ".ndjson", ".ndjson.gz")
    found = sorted(path for path in folder.rglob("*") if path.name.endswith(endings))
    if not found:
        raise UnreadableError(f"{folder} holds no .json or .ndjson files")
    return found


def read(paths: list[Path]) -> Iterator[Found]:
    """All resources of these files; bundles are opened."""
    for path in paths:
        opened = gzip.open if path.suffix == ".gz" else Path.open
        try:
            with opened(path, "rb") as file:
                if ".ndjson" in path.name:
                    for line in file:
                        yield Found(path.name, "", "", _decode(line))
                else:
                    yield from _opened(path.name, _decode(file.read()))
        except (msgspec.DecodeError, gzip.BadGzipFile) as error:
            raise UnreadableError(f"{path.name}: {error}") from error


def _opened(name: str, bundle: Json) -> Iterator[Found]:
    if bundle.get("resourceType") != "Bundle":
        yield Found(name, "", "", bundle)
        return
    for entry in bundle.get("entry", ()):
        yield Found(name, name, entry.get("fullUrl", ""), entry["resource"])
