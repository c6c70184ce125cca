"""FHIR history of an instance, a type and the system.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from fhir_server.interactions import cursor
from fhir_server.interactions.access import limited, listable, reach, visible
from fhir_server.interactions.body import BINARY
from fhir_server.interactions.opened import body_of
from fhir_server.interactions.read import read
from fhir_server.interactions.request import Answer
from fhir_server.interactions.subset import Subset, subset_of
from fhir_server.r4.dates import date_range
from fhir_server.r4.json import encode
from fhir_server.r4.outcome import Issue, invalid, not_found, unknown_parameter
from fhir_server.store.rows import instant

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_server.context import Context
    from fhir_server.interactions.engine import Engine
    from fhir_server.interactions.request import Request
    from fhir_server.store.rows import HistoryPage, Version

PAGE = "_page"
_OWN = frozenset({"_since", "_at", "_count"})
_KNOWN = _OWN | {PAGE, "_summary", "_elements"}
_ABOUT_THE_ANSWER = frozenset({"_format", "_pretty"})


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Which versions are asked for; ``at`` is a range of instants, ``before`` a position."""

    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    count: int
    before: int | None = None
    place: str
    subset: Subset | None = None
    warnings: tuple[Issue, ...] = ()


async def instance_history(engine: Engine, context: Context, request: Request) -> Answer:
    """The versions of one resource, newest first; 404 where none ever was, or is visible."""
    window = window_of(engine, context, request)
    predicate = visible(engine, context, request.type)
    if request.type == BINARY and limited(engine, context, BINARY):
        await read(engine, context, request)
    page = await engine.store.instance_history(
        context,
        predicate,
        request.type,
        request.id,
        since=window.since,
        at=window.at,
        count=window.count,
        before=window.before,
    )
    if not page.versions and window.before is None:
        known = await engine.store.read(context, predicate, request.type, request.id)
        if known is None:
            raise not_found(request.type, request.id)
    return _bundle(engine, context, window, page)


async def type_history(engine: Engine, context: Context, request: Request) -> Answer:
    """The versions of all resources of a type, newest first."""
    window = window_of(engine, context, request)
    predicate = visible(engine, context, request.type)
    listable(engine, context, request.type)
    page = await engine.store.type_history(
        context,
        predicate,
        request.type,
        since=window.since,
        at=window.at,
        count=window.count,
        before=window.before,
    )
    return _bundle(engine, context, window, page)


async def system_history(engine: Engine, context: Context, request: Request) -> Answer:
    """The versions of all resources that the grant reaches, newest first."""
    window = window_of(engine, context, request)
    types = engine.types - {BINARY} if limited(engine, context, BINARY) else engine.types
    reached = {type: reach(engine, context, type) for type in sorted(types)}
    page = await engine.store.system_history(
        context,
        {type: predicate for type, predicate in reached.items() if predicate is not None},
        since=window.since,
        at=window.at,
        count=window.count,
        before=window.before,
    )
    return _bundle(engine, context, window, page)


def window_of(engine: Engine, context: Context, request: Request) -> Window:
    """The parameters of a history; 400 for unknown ones, repeated ones and bad values."""
    given: dict[str, str] = {}
    warnings: list[Issue] = []
    for name, value in request.params:
        if name in _ABOUT_THE_ANSWER:
            continue
        if name not in _KNOWN:
            warnings.append(_unknown(name, request))
        elif name in given:
            raise invalid(name, f"{name} may be given once only")
        else:
            given[name] = value
    place = _place(engine, request, given)
    before = given.get(PAGE)
    return Window(
        since=_since(given.get("_since")),
        at=_at(given.get("_at")),
        count=_count(engine, given.get("_count")),
        before=None if before is None else cursor.opened(engine, context, place, before),
        place=place,
        subset=subset_of(given.items()),
        warnings=tuple(warnings),
    )


def _unknown(name: str, request: Request) -> Issue:
    known = ", ".join(sorted(_OWN))
    text = f"{name!r} is not a parameter of history: there are {known}"
    if request.prefer.handling != "lenient":
        raise unknown_parameter(text)
    return Issue("not-supported", text, severity="warning")


def _place(engine: Engine, request: Request, given: dict[str, str]) -> str:
    """The address with its parameters, apart from the page: the self link, and what pages bind."""
    path = "/".join(part for part in (request.type, request.id, "_history") if part)
    query = "&".join(f"{name}={quote(given[name])}" for name in sorted(given) if name != PAGE)
    return f"{engine.base_url}/{path}" + (f"?{query}" if query else "")


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = date_range(text)
    except ValueError as error:
        raise invalid("_since", f"_since: {error}") from None
    if not moment.zoned:
        raise invalid("_since", f"_since is an instant with a time zone, not {text!r}")
    return moment.low


def _at(text: str | None) -> tuple[datetime, datetime] | None:
    if text is None:
        return None
    try:
        moment = date_range(text)
    except ValueError as error:
        raise invalid("_at", f"_at: {error}") from None
    return moment.low, moment.high


def _count(engine: Engine, text: str | None) -> int:
    if text is None:
        return engine.catalog.pages.size
    if not text.isdecimal() or not 0 < len(text) < 10 or int(text) == 0:
        raise invalid("_count", f"_count is a whole number from 1, not {text[:20]!r}")
    return min(int(text), engine.catalog.pages.limit)


def _bundle(engine: Engine, context: Context, window: Window, page: HistoryPage) -> Answer:
    links = [{"relation": "self", "url": window.place}]
    if page.before is not None:
        token = cursor.sealed(engine, context, window.place, page.before)
        mark = "&" if "?" in window.place else "?"
        links.append({"relation": "next", "url": f"{window.place}{mark}{PAGE}={token}"})
    entries = [_entry(engine, context, version, window.subset) for version in page.versions]
    body = b'{"resourceType":"Bundle","type":"history","link":%b' % encode(links)
    if entries:
        body += b',"entry":[%b]' % b",".join(entries)
    return Answer(status=200, body=body + b"}", issues=window.warnings)


def _entry(engine: Engine, context: Context, version: Version, subset: Subset | None) -> bytes:
    address = f"{version.type}/{version.id}"
    # A patch is represented as an update.
    method = "PUT" if version.method == "PATCH" else version.method
    about = {
        "request": {"method": method, "url": version.type if method == "POST" else address},
        "response": {
            "status": _status(version),
            "etag": f'W/"{version.vid}"',
            "lastModified": instant(version.updated),
        },
    }
    first = b'{"fullUrl":"%b/%b",' % (engine.base_url.encode(), address.encode())
    if version.deleted:
        return first + encode(about)[1:]
    body = body_of(engine, context, version)
    if subset is not None:
        body = subset.apply(body)
    return first + b'"resource":%b,' % body + encode(about)[1:]


def _status(version: Version) -> str:
    if version.deleted:
        return "204"
    return "201" if version.method == "POST" or version.vid == 1 else "200"
