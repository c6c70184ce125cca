"""If-Match, If-None-Match and If-Modified-Since against the current version.

https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from fhir_server.r4.outcome import malformed, precondition_failed

if TYPE_CHECKING:
    from fhir_server.interactions.request import Request
    from fhir_server.store.rows import Version

ANY = frozenset({"*"})

_TAG = r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_TAGS = re.compile(rf"\s*{_TAG}\s*(?:,\s*{_TAG}\s*)*")
_EACH = re.compile(_TAG)
_SECOND = timedelta(seconds=1)


def entity_tags(header: str, name: str) -> frozenset[str]:
    """The opaque tags of a list; ``ANY`` for ``*``.

    Weak and strong tags compare alike: FHIR asks for weak comparison also where HTTP does not.
    Raises 400 for what is not a list of entity tags.
    """
    if header.strip() == "*":
        return ANY
    if not _TAGS.fullmatch(header):
        raise malformed(f'{name} must be * or a list of entity tags such as W/"3"')
    return frozenset(_EACH.findall(header))


def unchanged(request: Request, version: Version) -> bool:
    """Whether a conditional read is answered by 304."""
    if request.if_none_match:
        tags = entity_tags(request.if_none_match, "If-None-Match")
        return tags is ANY or str(version.vid) in tags
    since = request.if_modified_since
    # The header knows whole seconds only: a later fraction of that second has been seen.
    return since is not None and version.updated - since < _SECOND


def only_expected(request: Request) -> int | None:
    """The one version that If-Match names, None where the header is absent or needs a look."""
    if not request.if_match:
        return None
    tags = entity_tags(request.if_match, "If-Match")
    if len(tags) != 1 or tags is ANY:
        return None
    (tag,) = tags
    return int(tag) if tag.isdecimal() and 0 < len(tag) < 10 else -1


def check(request: Request, current: Version | None) -> None:
    """Raises 412 where If-Match or If-None-Match of a write does not hold."""
    live = current if current is not None and not current.deleted else None
    if request.if_match:
        tags = entity_tags(request.if_match, "If-Match")
        if live is None or not (tags is ANY or str(live.vid) in tags):
            raise precondition_failed(
                f"If-Match asks for version {request.if_match}, {_said(request, current)}"
            )
    if request.if_none_match and live is not None:
        tags = entity_tags(request.if_none_match, "If-None-Match")
        if tags is ANY or str(live.vid) in tags:
            raise precondition_failed(
                f"If-None-Match refuses version {request.if_none_match}, " + _said(request, current)
            )


def _said(request: Request, current: Version | None) -> str:
    address = f"{request.type}/{request.id}"
    if current is None:
        return f"{address} does not exist"
    if current.deleted:
        return f"{address} is deleted"
    return f'the current version of {address} is W/"{current.vid}"'
