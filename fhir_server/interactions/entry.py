"""Entries of a Bundle as requests, and what became of them as entries of the response.

https://hl7.org/fhir/R4/http.html#transaction
https://hl7.org/fhir/R4/http.html#transaction-response
"""

from __future__ import annotations

from base64 import b64decode
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from fhir_server.interactions.address import SYSTEM, TYPE, parse_path, parse_query
from fhir_server.interactions.request import FHIR_JSON, JSON_PATCH, Request
from fhir_server.interactions.subset import subset_of
from fhir_server.r4.dates import date_range
from fhir_server.r4.json import encode
from fhir_server.r4.outcome import (
    FhirError,
    Issue,
    invalid,
    malformed,
    operation_outcome,
    unknown_type,
)
from fhir_server.store.rows import instant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fhir_server.interactions.address import Address
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Answer, Prefer, Return
    from fhir_server.r4.bundle import Entry
    from fhir_server.r4.json import Json

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def request_of(engine: Engine, entry: Entry, prefer: Prefer) -> Request:
    """The request that an entry stands for; FhirError where it would be refused by itself."""
    address = parse_path(entry.path)
    if address.type and address.type not in engine.types:
        raise unknown_type(address.type)
    if entry.method == "POST" and address.shape == SYSTEM:
        raise invalid(f"{entry.place}.request.url", "A Bundle cannot be an entry to be processed")
    params = parse_query(entry.query)
    _check_subset(entry, address, params)
    patches = entry.method == "PATCH" and (entry.resource or {}).get("resourceType") == "Binary"
    return Request(
        shape=address.shape,
        method="GET" if entry.method == "HEAD" else entry.method,
        type=address.type,
        id=address.id,
        vid=address.vid,
        operation=address.operation,
        params=params,
        resource=None if patches else entry.resource,
        body=_json_patch_of(entry) if patches else b"",
        content_type=JSON_PATCH if patches else FHIR_JSON,
        if_match=entry.if_match,
        if_none_match=entry.if_none_match,
        if_none_exist=entry.if_none_exist.removeprefix("?"),
        if_modified_since=_instant_of(entry),
        prefer=prefer,
    )


def located(error: FhirError, entry: Entry) -> FhirError:
    """An entry's error as one of the whole Bundle: each issue says where it belongs."""
    issues = [_located(issue, entry) for issue in error.issues]
    return FhirError(error.status, issues, error.headers)


def responded(engine: Engine, entry: Entry, answer: Answer, returning: Return) -> bytes:
    """The entry of the response, as JSON; without preference a write answers as "minimal"."""
    shown = b""
    if entry.method == "GET" or (entry.method != "HEAD" and returning == "representation"):
        shown = _shown(entry, answer)
    parts: list[bytes] = []
    if shown:
        if answer.id:
            parts.append(f'"fullUrl":"{engine.base_url}/{answer.type}/{answer.id}"'.encode())
        parts.append(b'"resource":' + shown)
    issues = answer.issues if returning == "OperationOutcome" else None
    parts.append(b'"response":' + encode(_response(answer, issues)))
    return b"{" + b",".join(parts) + b"}"


def refused(error: FhirError) -> bytes:
    """The entry of a batch that failed."""
    response: Json = {"status": _status(error.status)}
    if "ETag" in error.headers:
        response["etag"] = error.headers["ETag"]
    response["outcome"] = operation_outcome(error.issues)
    return b'{"response":' + encode(response) + b"}"


def bundle_of(kind: str, listed: list[bytes]) -> bytes:
    """The response Bundle."""
    head = f'{{"resourceType":"Bundle","type":"{kind}"'.encode()
    return head + (b',"entry":[' + b",".join(listed) + b"]}" if listed else b"}")


def _shown(entry: Entry, answer: Answer) -> bytes:
    if answer.body is None:
        return b""
    body = answer.body if isinstance(answer.body, bytes) else encode(answer.body)
    subset = subset_of(parse_query(entry.query)) if entry.query and answer.type else None
    return body if subset is None or entry.method != "GET" else subset.apply(body)


def _check_subset(entry: Entry, address: Address, params: Iterable[tuple[str, str]]) -> None:
    """Raises 400 for a part of the resource that cannot be given, before anything is done."""
    if entry.method != "GET" or not address.type:
        return
    if address.shape != TYPE and ("_summary", "count") in params:
        raise invalid(f"{entry.place}.request.url", "_summary=count is for searches")
    subset = subset_of(params)
    if subset is not None:
        subset.check(address.type)


def _response(answer: Answer, issues: tuple[Issue, ...] | None) -> Json:
    response: Json = {"status": _status(answer.status)}
    if answer.location:
        response["location"] = f"{answer.type}/{answer.id}/_history/{answer.vid}"
    etag = answer.etag or (f'W/"{answer.vid}"' if answer.vid else "")
    if etag:
        response["etag"] = etag
    if answer.updated is not None:
        response["lastModified"] = instant(answer.updated)
    if issues is not None:
        response["outcome"] = operation_outcome(issues)
    return response


def _status(status: int) -> str:
    return f"{status} {_PHRASES.get(status, '')}".strip()


def _located(issue: Issue, entry: Entry) -> Issue:
    place = issue.expression
    if place.startswith(entry.place):
        return issue
    resource = f"{entry.place}.resource"
    type_ = str((entry.resource or {}).get("resourceType", ""))
    if type_ and (place == type_ or place.startswith((f"{type_}.", f"{type_}["))):
        place = resource + place.removeprefix(type_)
    elif place and entry.resource is not None and not place.startswith("http"):
        place = f"{resource}.{place}"
    else:
        place = entry.place
    return Issue(issue.code, issue.diagnostics, place, issue.severity)


def _json_patch_of(entry: Entry) -> bytes:
    """https://hl7.org/fhir/R4/http.html#patch: in a Bundle, a JSON Patch travels as a Binary."""
    binary = cast("Json", entry.resource)
    kind: object = binary.get("contentType")
    if kind != JSON_PATCH:
        raise invalid(
            "Binary.contentType", f"A patch in a Binary is of type {JSON_PATCH}, not {kind!r}"
        )
    data: object = binary.get("data")
    try:
        return b64decode(data, validate=True) if isinstance(data, str) else b""
    except ValueError:
        raise malformed("The data of the Binary is not base64", "Binary.data") from None


def _instant_of(entry: Entry) -> datetime | None:
    if not entry.if_modified_since:
        return None
    try:
        return date_range(entry.if_modified_since).low
    except ValueError as error:
        place = f"{entry.place}.request.ifModifiedSince"
        raise invalid(place, str(error)) from None
