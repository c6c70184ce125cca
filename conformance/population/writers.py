"""Populations as transaction Bundles or as NDJSON files.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import msgspec

from conformance.population.generate import Batch
from conformance.population.links import identifier_query

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
_encode = msgspec.json.Encoder(decimal_format="number").encode


def bundle(batch: Batch) -> Json:
    """A transaction that creates the batch; shared resources only where they do not exist yet."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [_entry(resource, shared=batch.shared) for resource in batch.resources],
    }


def _entry(resource: Json, *, shared: bool) -> Json:
    request = {"method": "POST", "url": resource["resourceType"]}
    if shared:
        first = resource["identifier"][0]
        request["ifNoneExist"] = identifier_query(first["system"], first["value"])
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource, "request": request}


def encode_bundle(batch: Batch) -> dict[str, bytes]:
    """File name to its bytes."""
    return {f"{batch.name}.json": _encode(bundle(batch))}


def encode_lines(batch: Batch) -> dict[str, bytes]:
    """File name to the lines that this batch adds to it."""
    lines: dict[str, list[bytes]] = {}
    for resource in batch.resources:
        lines.setdefault(f"{resource['resourceType']}.ndjson", []).append(_encode(resource))
    return {name: b"\n".join(rows) + b"\n" for name, rows in lines.items()}


Encode = Callable[[Batch], dict[str, bytes]]
ENCODERS: dict[str, Encode] = {"bundles": encode_bundle, "ndjson": encode_lines}


class Sink(Protocol):
    """Where encoded pieces go."""

    def add(self, pieces: dict[str, bytes]) -> None:
        """Write pieces, file name to bytes."""
        ...

    def close(self) -> None:
        """No more pieces follow."""
        ...


class Files:
    """One file per name, appended to while open; gzip without time or name, so bytes repeat."""

    def __init__(self, folder: Path, *, compress: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._compress = compress
        self._open: dict[str, BinaryIO] = {}

    def _handle(self, name: str) -> BinaryIO:
        found = self._open.get(name)
        if found is None:
            path = self._folder / (f"{name}.gz" if self._compress else name)
            found = self._open[name] = path.open("wb")
        return found

    def add(self, pieces: dict[str, bytes]) -> None:
        """Write pieces, file name to bytes."""
        for name, data in pieces.items():
            if name.endswith(".ndjson"):
                self._handle(name).write(squeeze(data) if self._compress else data)
            else:
                path = self._folder / (f"{name}.gz" if self._compress else name)
                path.write_bytes(squeeze(data) if self._compress else data)

    def close(self) -> None:
        """No more pieces follow."""
        for handle in self._open.values():
            handle.close()


def squeeze(data: bytes) -> bytes:
    """A gzip member; members one after another are a valid gzip file."""
    held = BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=held, mtime=0) as packed:
        packed.write(data)
    return held.getvalue()
