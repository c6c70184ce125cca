"""The FHIR API as a bare ASGI application: HTTP in and out, nothing else.

https://hl7.org/fhir/R4/http.html
https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_server.context import Context
from fhir_server.interactions.address import METADATA, Address, no_such_address, parse_path
from fhir_server.interactions.body import BINARY
from fhir_server.interactions.ids import uuid7
from fhir_server.interactions.table import BY_ADDRESS
from fhir_server.operations.table import dispatch
from fhir_server.r4.outcome import FhirError
from fhir_server.rest.body import Gone, read_body
from fhir_server.rest.capabilities import Capabilities
from fhir_server.rest.errors import described, outcome_of, unexpected
from fhir_server.rest.negotiate import FORM
from fhir_server.rest.options import check_method, options
from fhir_server.rest.respond import ANY_JSON, Headers, Response, refuse, respond, send
from fhir_server.rest.routes import (
    check_subset,
    content_of,
    form_parameters,
    header_of,
    locate,
    parameters,
    request_of,
    wants_content,
    wish_of,
)
from smart_auth.grant import Everything, Grant

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.interactions.engine import Engine

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = Mapping[bytes, bytes]

_CLIENT_ID = re.compile(rb"[A-Za-z0-9._\-]{1,100}")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Caller(msgspec.Struct, frozen=True):
    """On whose behalf a request is made."""

    grant: Grant
    agent: str


class Access(msgspec.Struct, frozen=True):
    """One line of the access log; never an id, a query or a body, which may be PHI."""

    request_id: str
    tenant: str
    agent: str
    method: str
    interaction: str
    type: str
    status: int
    seconds: float
    sent: int
    fault: str = ""


Authenticate = Callable[[Header], Awaitable[Caller]]
Log = Callable[[Access], None]
Observe = Callable[[str, int, float], None]
Clock = Callable[[], "datetime"]

_ANYBODY = Caller(Everything(), "anonymous")


async def anybody(header: Header) -> Caller:  # noqa: ARG001 - the signature of Authenticate
    """Everyone may do everything: what serves until authorization is configured."""
    return _ANYBODY


class Hooks(msgspec.Struct, frozen=True):
    """What the application is given from above.

    ``clock`` gives the aware UTC instant, ``observe`` takes (interaction, status, seconds).
    """

    clock: Clock
    authenticate: Authenticate = anybody
    log: Log | None = None
    observe: Observe | None = None


class _Exchange:
    """One request and its response on the way."""

    __slots__ = (
        "agent", "fault", "head", "header", "interaction", "method", "request_id", "tenant", "type",
        "wish",
    )  # fmt: skip

    def __init__(self, header: Header, method: str, request_id: str) -> None:
        self.header = header
        self.head = method == "HEAD"
        self.method = "GET" if self.head else method
        self.request_id = request_id
        self.tenant = ""
        self.agent = ""
        self.interaction = "unknown"
        self.type = ""
        self.fault = ""
        self.wish = ANY_JSON


class FhirApp:
    """Serves /fhir, and /t/{tenant}/fhir for the other tenants."""

    def __init__(
        self, engines: Mapping[str, Engine], default: str, hooks: Hooks, max_body: int
    ) -> None:
        self._engines = engines
        self._default = default
        self._capabilities = {name: Capabilities(engine) for name, engine in engines.items()}
        self._hooks = hooks
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send_message: Send) -> None:
        """Answers one request, whatever happens."""
        started = perf_counter()
        now = self._hooks.clock()
        header = header_of(scope["headers"])
        exchange = _Exchange(header, scope["method"], uuid7(now))
        try:
            response = await self._guarded(exchange, scope, receive, now)
        except Gone:
            return
        extra: Headers = [(b"x-request-id", exchange.request_id.encode())]
        theirs = header.get(b"x-request-id")
        if theirs is not None and _CLIENT_ID.fullmatch(theirs):
            extra.append((b"x-correlation-id", theirs))
        await send(send_message, response, extra, head=exchange.head)
        self._tell(exchange, response, perf_counter() - started)

    async def _guarded(
        self, exchange: _Exchange, scope: Scope, receive: Receive, now: datetime
    ) -> Response:
        try:
            return await self._answered(exchange, scope, receive, now)
        except FhirError as error:
            outcome = outcome_of(error, exchange.request_id)
            return refuse(error.status, error.headers, outcome, exchange.wish)
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - the one place that turns faults into a 500
            exchange.fault = described(error)
            failure = unexpected(exchange.request_id)
            return refuse(500, {}, outcome_of(failure, exchange.request_id), exchange.wish)

    async def _answered(
        self, exchange: _Exchange, scope: Scope, receive: Receive, now: datetime
    ) -> Response:
        engine, address = self._located(exchange, scope["path"])
        header, method = exchange.header, exchange.method
        if method == "OPTIONS":
            return options(address)
        check_method(address, method)
        params = parameters(scope["query_string"])
        native = address.type == BINARY and wants_content(params, header)
        if not native:
            exchange.wish = wish_of(params, header)
        body, content_type = b"", ""
        if method in _WITH_BODY:
            content_type = content_of(address, method, header)
            body = await read_body(receive, header, self._max_body)
        if content_type == FORM:
            params += form_parameters(body)
            exchange.wish = wish_of(params, header)
        if params:
            check_subset(address, params, exchange.wish)
        request = request_of(
            address, method, params, header, body=body, content_type=content_type, native=native
        )
        caller = await self._hooks.authenticate(header)
        exchange.agent = caller.agent
        context = Context(exchange.tenant, caller.grant, now, caller.agent, exchange.request_id)
        if address.shape == METADATA:
            answer = self._capabilities[exchange.tenant].answer(request)
        else:
            answer = await dispatch(engine, context, request)
        return respond(engine, request, answer, exchange.wish)

    def _located(self, exchange: _Exchange, path: str) -> tuple[Engine, Address]:
        found = locate(path)
        tenant = found[0] or self._default if found else ""
        engine = self._engines.get(tenant)
        if found is None or engine is None:
            raise no_such_address(path)
        exchange.tenant = tenant
        address = parse_path(found[1])
        exchange.type = address.type if address.type in engine.types else ""
        row = BY_ADDRESS.get((exchange.method, address.shape))
        exchange.interaction = row.name if row else address.shape
        return engine, address

    def _tell(self, exchange: _Exchange, response: Response, seconds: float) -> None:
        hooks = self._hooks
        if hooks.observe is not None:
            hooks.observe(exchange.interaction, response.status, seconds)
        if hooks.log is not None:
            hooks.log(
                Access(
                    exchange.request_id,
                    exchange.tenant,
                    exchange.agent,
                    "HEAD" if exchange.head else exchange.method,
                    exchange.interaction,
                    exchange.type,
                    response.status,
                    seconds,
                    len(response.body),
                    exchange.fault,
                )
            )


def fhir_app(
    engines: Mapping[str, Engine], *, default: str, hooks: Hooks, max_body: int
) -> FhirApp:
    """The application: ``engines`` by tenant, ``default`` is the tenant served at /fhir."""
    return FhirApp(engines, default, hooks, max_body)
