"""A transaction before it begins: its entries as requests, new ids, links, faults.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgspec

from fhir_server.interactions.address import INSTANCE, TYPE, TYPE_SEARCH, parse_query
from fhir_server.interactions.body import BINARY, required_id, resource_of
from fhir_server.interactions.conditional import criteria_of
from fhir_server.interactions.entry import located, request_of
from fhir_server.interactions.ids import uuid7
from fhir_server.interactions.preconditions import only_expected
from fhir_server.interactions.request import JSON_PATCH
from fhir_server.r4.bundle import Entry, duplicates, entries
from fhir_server.r4.json import decode_value, encode
from fhir_server.r4.links import (
    FullUrls,
    Links,
    Target,
    find,
    find_in_operations,
    is_conditional,
)
from fhir_server.r4.outcome import FhirError, Issue, malformed, method_not_allowed
from fhir_server.search.request import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_server.context import Context
    from fhir_server.interactions.conditional import Criteria
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Prefer, Request
    from fhir_server.r4.json import Json

_NAMED_BY_ID = frozenset({"PUT", "PATCH", "DELETE"})
_LOCAL = frozenset({INSTANCE, TYPE})


@dataclass(slots=True)
class Step:
    """One entry; what an attempt finds out about it stands in the attempt's ``Resolution``.

    ``criteria``  of a conditional interaction; ``target`` where links to this entry point, as
    far as that is known; ``operations`` of a JSON Patch
    """

    entry: Entry
    request: Request
    criteria: Criteria | None = None
    target: Target | None = None
    links: Links | None = None
    operations: list[object] | None = None

    @property
    def method(self) -> str:
        """HEAD counts as GET."""
        return self.request.method

    @property
    def where(self) -> str:
        """FHIRPath of the resource, for issues."""
        return f"{self.entry.place}.resource"


@dataclass(slots=True)
class Plan:
    """All steps in the order of the Bundle.

    ``references`` are the search URIs to resolve, with their type and criteria. ``simple``: one
    statement can write everything, nothing has to be looked up first.
    """

    steps: list[Step]
    references: dict[str, tuple[str, Criteria]]
    simple: bool
    prefer: Prefer


def plan_of(engine: Engine, context: Context, request: Request, bundle: Json) -> Plan:
    """Raises 400, or what the one faulty entry would be refused with, with every fault found."""
    listed = entries(bundle, engine.base_url)
    read = [entry for entry in listed if isinstance(entry, Entry)]
    issues = [issue for faults in listed if isinstance(faults, list) for issue in faults]
    issues += duplicates(read)
    steps, errors = _steps(engine, context, request, read)
    if issues:
        raise FhirError(400, [*issues, *(issue for error in errors for issue in error.issues)])
    if errors:
        statuses = {error.status for error in errors}
        status = statuses.pop() if len(statuses) == 1 else 400
        raise FhirError(status, [issue for error in errors for issue in error.issues])
    raise_if(repeated((step, (step.request.type, step.request.id)) for step in named(steps)))
    _find_links(steps)
    references = _references(engine, context, steps)
    simple = not references and all(map(_simple, steps))
    return Plan(steps, references, simple, request.prefer)


def repeated(claims: Iterable[tuple[Step, tuple[str, str]]]) -> list[Issue]:
    """Entries that change what another entry changes."""
    first: dict[tuple[str, str], Step] = {}
    issues: list[Issue] = []
    for step, key in claims:
        other = first.setdefault(key, step)
        if other is not step:
            text = f"{key[0]}/{key[1]} is changed by entry {other.entry.index} too"
            issues.append(step.entry.fault("", text, "duplicate"))
    return issues


def raise_if(issues: Sequence[Issue]) -> None:
    """400 with these issues, if there are any."""
    if issues:
        raise FhirError(400, issues)


def _steps(
    engine: Engine, context: Context, request: Request, read: Sequence[Entry]
) -> tuple[list[Step], list[FhirError]]:
    steps: list[Step] = []
    errors: list[FhirError] = []
    for entry in read:
        try:
            asked = request_of(engine, entry, request.prefer)
            steps.append(_step(engine, context, Step(entry, asked)))
        except FhirError as error:
            errors.append(located(error, entry))
    return steps, errors


def _step(engine: Engine, context: Context, step: Step) -> Step:
    request = step.request
    only_expected(request)
    if request.operation:
        raise malformed(f"${request.operation} is an operation: these are not for transactions")
    if step.method == "GET" or request.shape == TYPE_SEARCH:
        return step
    if request.shape not in _LOCAL:
        raise malformed(f"{step.method} {step.entry.path} is not possible in a transaction")
    if step.method == "POST":
        return _create(engine, context, step)
    if request.shape == INSTANCE:
        step.target = Target(request.type, request.id)
        if step.method == "PUT":
            required_id(resource_of(request), request)
    else:
        step.criteria = _criteria(engine, context, request.type, request.params)
    if step.method == "PATCH" and request.type == BINARY:
        raise method_not_allowed("PATCH is not defined for Binary", "GET, HEAD, PUT, DELETE")
    if step.method == "PATCH" and request.content_type == JSON_PATCH:
        step.operations = _operations_of(request)
    elif step.method == "PUT":
        resource_of(request)
    return step


def _create(engine: Engine, context: Context, step: Step) -> Step:
    request = step.request
    if request.shape != TYPE:
        raise malformed(f"POST goes to a type, not to {step.entry.path}")
    resource_of(request)
    if request.if_none_exist:
        params = parse_query(request.if_none_exist)
        step.criteria = _criteria(engine, context, request.type, params)
    step.target = Target(request.type, uuid7(context.now), 1)
    return step


def _criteria(engine: Engine, context: Context, type: str, params: Criteria) -> Criteria:
    """Read now, where the entry is known that is at fault."""
    criteria = criteria_of(params, type)
    if not parse(engine.catalog, type, criteria, context.now).criteria:
        raise malformed(f"The criteria for {type} name no search parameter with a value")
    return criteria


def _operations_of(request: Request) -> list[object]:
    operations = decode_value(request.body)
    if not isinstance(operations, list):
        raise malformed("A JSON Patch document is an array of operations", "Binary.data")
    return cast("list[object]", operations)


def named(steps: Sequence[Step]) -> list[Step]:
    """Steps that change a resource they name by its id."""
    return [step for step in steps if step.request.id and step.method in _NAMED_BY_ID]


def _simple(step: Step) -> bool:
    """Whether a step can be written without looking first."""
    request = step.request
    if step.method in {"GET", "PATCH"} or request.shape == TYPE_SEARCH or step.criteria:
        return False
    if step.links is not None and step.links.versioned:
        return False
    if request.if_none_match:
        return request.if_none_match.strip() == "*" and not request.if_match
    return not request.if_match or (only_expected(request) or 0) > 0


def _find_links(steps: Sequence[Step]) -> None:
    urls = FullUrls(step.entry.full_url for step in steps if step.entry.full_url)
    for step in steps:
        if step.operations is not None:
            step.links = find_in_operations(step.entry, step.operations, urls)
        elif step.request.resource is not None:
            step.links = find(step.entry, step.request.resource, urls)


def _references(
    engine: Engine, context: Context, steps: Sequence[Step]
) -> dict[str, tuple[str, Criteria]]:
    found: dict[str, tuple[str, Criteria]] = {}
    issues: list[Issue] = []
    for step in steps:
        for text in step.links.conditional() if step.links else ():
            parts = is_conditional(text)
            if text in found or parts is None:
                continue
            if parts[0] not in engine.types:
                issues.append(step.entry.fault(".resource", f"{text}: no type {parts[0]!r}"))
                continue
            try:
                params = parse_query(parts[1])
                found[text] = parts[0], _criteria(engine, context, parts[0], params)
            except FhirError as error:
                issues += located(error, step.entry).issues
    raise_if(issues)
    return found


def with_operations(step: Step) -> Request:
    """The request of a JSON Patch, its operations as they stand once links are pointed."""
    if step.operations is None or step.links is None or not step.links.references:
        return step.request
    return msgspec.structs.replace(step.request, body=encode(step.operations))
