"""FHIR capabilities, computed from the tables that the server runs by.

https://hl7.org/fhir/R4/http.html#capabilities
https://hl7.org/fhir/R4/capabilitystatement.html
https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from fhir_server.interactions.request import FHIR_JSON, JSON_PATCH, Answer
from fhir_server.interactions.table import INTERACTIONS
from fhir_server.operations.table import OPERATIONS
from fhir_server.r4.json import encode
from fhir_server.r4.outcome import invalid
from fhir_server.search.request import searchable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Request
    from fhir_server.interactions.table import Interaction
    from fhir_server.operations.table import Operation
    from fhir_server.r4.json import Json

NAME = "Hestia"
VERSION = "0.1.0"
RELEASED = "2026-11-21"

MODES = ("full", "normative", "terminology")

# https://hl7.org/fhir/R4/versions.html#std-process: what R4 froze.
NORMATIVE_TYPES = frozenset(
    {
        "Binary", "Bundle", "CapabilityStatement", "CodeSystem", "Observation",
        "OperationDefinition", "OperationOutcome", "Parameters", "Patient", "StructureDefinition",
        "ValueSet",
    }
)  # fmt: skip
_TRIAL_USE = frozenset({"conditionalCreate", "conditionalUpdate", "conditionalDelete"})


class Capabilities:
    """The statements of one engine, each made when it is first asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: dict[str, Answer] = {}

    def answer(self, request: Request) -> Answer:
        """The statement of the mode asked for; 304 for the one that the client has already."""
        mode = dict(request.params).get("mode", "full")
        if mode not in MODES:
            raise invalid("mode", f"mode is one of {', '.join(MODES)}, not {mode[:40]!r}")
        if mode not in self._made:
            self._made[mode] = self._make(mode)
        made = self._made[mode]
        if made.etag in request.if_none_match:
            return Answer(status=304, etag=made.etag)
        return made

    def _make(self, mode: str) -> Answer:
        build = terminology if mode == "terminology" else statement
        resource = build(self._engine, mode)
        body = encode(resource)
        etag = f'W/"{blake2b(body, digest_size=8).hexdigest()}"'
        return Answer(status=200, body=body, type=resource["resourceType"], etag=etag)


def statement(engine: Engine, mode: str) -> Json:
    """A CapabilityStatement: in mode ``normative`` only what R4 froze."""
    types = [type for type in sorted(engine.types) if mode == "full" or type in NORMATIVE_TYPES]
    rest: Json = {
        "mode": "server",
        "resource": [_resource(engine, type, mode) for type in types],
        "interaction": _codes(row for row in INTERACTIONS if row.shape.startswith("system")),
    }
    operations = [_operation(row) for row in OPERATIONS if not row.types]
    if operations:
        rest["operation"] = operations
    return {
        "resourceType": "CapabilityStatement",
        "id": mode,
        "url": f"{engine.base_url}/metadata",
        "version": VERSION,
        "name": NAME,
        "status": "active",
        "date": RELEASED,
        "kind": "instance",
        "software": {"name": NAME, "version": VERSION, "releaseDate": RELEASED},
        "implementation": {
            "description": f"{NAME}, FHIR R4 on PostgreSQL",
            "url": engine.base_url,
        },
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON, "json"],
        "patchFormat": [JSON_PATCH, FHIR_JSON],
        "rest": [rest],
    }


def terminology(engine: Engine, mode: str) -> Json:
    """A TerminologyCapabilities: the code systems that codes are checked against."""
    return {
        "resourceType": "TerminologyCapabilities",
        "id": mode,
        "url": f"{engine.base_url}/metadata?mode={mode}",
        "version": VERSION,
        "name": NAME,
        "status": "active",
        "date": RELEASED,
        "kind": "instance",
        "software": {"name": NAME, "version": VERSION},
        "implementation": {"description": NAME, "url": engine.base_url},
        "codeSystem": [{"uri": url} for url in sorted(engine.catalog.definitions.codesystems)],
    }


def _resource(engine: Engine, type: str, mode: str) -> Json:
    several = engine.rules.conditional_delete_limit > 1
    resource: dict[str, Any] = {
        "type": type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{type}",
        "interaction": _codes(
            row
            for row in INTERACTIONS
            if not row.shape.startswith("system") and type not in row.without
        ),
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "multiple" if several else "single",
        "referencePolicy": ["literal", "logical"]
        + ["enforced"] * engine.rules.referential_integrity,
        "searchParam": _parameters(engine, type),
    }
    operations = [_operation(row) for row in OPERATIONS if type in row.types]
    if operations:
        resource["operation"] = operations
    if mode == "full":
        return resource
    return {name: value for name, value in resource.items() if name not in _TRIAL_USE}


def _codes(rows: Iterable[Interaction]) -> list[Json]:
    return [{"code": code} for code in dict.fromkeys(row.code for row in rows)]


def _parameters(engine: Engine, type: str) -> list[Json]:
    served = searchable(engine.catalog.registry, type)
    return [
        {"name": code, "definition": parameter.url, "type": parameter.type}
        for code, parameter in sorted(engine.catalog.definitions.search_parameters_of(type).items())
        if code in served
    ]


def _operation(row: Operation) -> Json:
    return {"name": row.name, "definition": row.definition}
