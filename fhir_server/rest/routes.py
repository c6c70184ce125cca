"""From path, headers and body to a Request.

https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.address import (
    SYSTEM_SEARCH,
    TYPE,
    TYPE_SEARCH,
    Address,
    parse_query,
)
from fhir_server.interactions.body import BINARY, FHIR_TYPES
from fhir_server.interactions.request import FHIR_JSON, Request
from fhir_server.interactions.subset import subset_of
from fhir_server.r4.outcome import FhirError, Issue, invalid, malformed
from fhir_server.rest.negotiate import (
    FORM,
    answer_type,
    body_type,
    media_type,
    preferences,
    wants_resource,
)
from fhir_server.rest.preconditions import if_modified_since
from fhir_server.rest.respond import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Params = tuple[tuple[str, str], ...]

DEFAULT_PREFIX = "/fhir"
TENANT_PREFIX = "/t/"

_SEARCHES = frozenset({TYPE_SEARCH, SYSTEM_SEARCH})
_WITH_RESOURCE = frozenset({"POST", "PUT"})
_TRUE_FALSE = {"true": True, "false": False}


def locate(path: str) -> tuple[str, str] | None:
    """(tenant, path below the service base); the tenant is "" for the one served at /fhir."""
    if path.startswith("/fhir/"):
        return "", path[6:]
    if path == DEFAULT_PREFIX:
        return "", ""
    if not path.startswith(TENANT_PREFIX):
        return None
    tenant, _, below = path[3:].partition("/")
    if below == "fhir" or below.startswith("fhir/"):
        return tenant, below[5:]
    return None


def header_of(lines: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; lines of the same name are one list, as HTTP has it."""
    header = dict(lines)
    if len(header) == len(lines):
        return header
    joined: dict[bytes, bytes] = {}
    for name, value in lines:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined


def parameters(query: bytes) -> Params:
    """The decoded query."""
    return parse_query(query.decode("latin-1")) if query else ()


def wish_of(params: Params, header: Mapping[bytes, bytes]) -> Wish:
    """The form of the answer; 406 where it cannot be served, 400 for a bad value."""
    accept = header.get(b"accept", b"").decode("latin-1")
    packed = b"gzip" in header.get(b"accept-encoding", b"")
    if not params:
        return Wish(answer_type(accept, ""), gzip=packed)
    given = dict(params)
    pretty = given.get("_pretty", "false")
    if pretty not in _TRUE_FALSE:
        raise malformed(f"_pretty is true or false, not {pretty!r}")
    return Wish(
        answer_type(accept, given.get("_format", "")),
        pretty=_TRUE_FALSE[pretty],
        gzip=packed,
        subset=subset_of(params),
    )


def wants_content(params: Params, header: Mapping[bytes, bytes]) -> bool:
    """Whether a Binary is asked for as what it contains."""
    return not wants_resource(_text(header, b"accept"), dict(params).get("_format", ""))


def check_subset(address: Address, params: Params, wish: Wish) -> None:
    """Raises 400 for a subset that makes no sense here, before anything is done."""
    searches = address.shape in {TYPE, TYPE_SEARCH}
    if not searches and ("_summary", "count") in params:
        raise invalid("_summary", "_summary=count is for searches")
    if wish.subset is not None and address.type:
        wish.subset.check(address.type)


def request_of(  # noqa: PLR0913 - what HTTP gives
    address: Address,
    method: str,
    params: Params,
    header: Mapping[bytes, bytes],
    *,
    body: bytes,
    content_type: str,
    native: bool,
) -> Request:
    """The interaction that is asked for."""
    return Request(
        shape=address.shape,
        method=method,
        type=address.type,
        id=address.id,
        vid=address.vid,
        operation=address.operation,
        params=params,
        body=body,
        content_type=content_type,
        if_match=_condition(header, b"if-match"),
        if_none_match=_condition(header, b"if-none-match"),
        if_none_exist=_condition(header, b"if-none-exist"),
        if_modified_since=if_modified_since(_text(header, b"if-modified-since")),
        prefer=preferences(_text(header, b"prefer")),
        security_context=_text(header, b"x-security-context"),
        native=native,
    )


def content_of(address: Address, method: str, header: Mapping[bytes, bytes]) -> str:
    """The media type of the body; 415 for one that the interaction does not read."""
    sent = _text(header, b"content-type")
    if address.shape in _SEARCHES and method == "POST":
        if sent and media_type(sent).name != FORM:
            text = f"A search is posted as {FORM}, not {media_type(sent).name}"
            raise FhirError(415, [Issue("not-supported", text)])
        return FORM
    if address.type == BINARY and method in _WITH_RESOURCE:
        return _binary_type(sent)
    if method in _WITH_RESOURCE or method == "PATCH":
        return body_type(sent, patch=method == "PATCH")
    return FHIR_JSON


def form_parameters(body: bytes) -> Params:
    """The parameters of a posted search."""
    try:
        return parse_query(body.decode("ascii").strip())
    except UnicodeDecodeError:
        raise malformed("A form is percent-encoded ASCII") from None


def _binary_type(sent: str) -> str:
    return FHIR_JSON if media_type(sent).name in FHIR_TYPES else sent


def _condition(header: Mapping[bytes, bytes], name: bytes) -> str:
    """A condition that is empty is a condition all the same: "?" is refused where it is read."""
    return _text(header, name) or ("?" if name in header else "")


def _text(header: Mapping[bytes, bytes], name: bytes) -> str:
    value = header.get(name)
    return value.decode("latin-1") if value else ""
