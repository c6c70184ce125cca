"""Sends Bundles to a FHIR server and reads what became of each entry.

https://hl7.org/fhir/R4/http.html#transaction-response
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import httpx

from fhir_server.r4.json import decode
from fhir_server.r4.outcome import FhirError

if TYPE_CHECKING:
    from fhir_server.cli.load_sources import Portion
    from fhir_server.r4.json import Json

Fate = Literal["created", "updated", "matched", "failed"]

ATTEMPTS = 6
FIRST_PAUSE = 0.5
_AGAIN = frozenset({429, 502, 503, 504})
_HEADERS = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}


class UnreachableError(Exception):
    """The server does not answer."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a portion: (resource type, fate) per entry, and every failure in words."""

    fates: tuple[tuple[str, Fate], ...]
    failures: tuple[str, ...]


class Sender:
    """One server; ``url`` is its FHIR base."""

    def __init__(self, url: str, *, token: str = "", connections: int = 4) -> None:
        headers = _HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(300, connect=10),
            limits=httpx.Limits(max_connections=connections),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, portion: Portion) -> Sent:
        """Post a portion; raises UnreachableError when the server stays away.

        When a Bundle made here from single resources is refused as a whole, its entries are sent
        again as a batch, so that one bad resource does not keep out the others.
        """
        if not portion.entries:
            return Sent((), portion.faults)
        response = await self._post(portion.body)
        if response.status_code >= 400 and portion.cut:
            head, _, rest = portion.body.partition(b'"type":"transaction"')
            response = await self._post(head + b'"type":"batch"' + rest)
        return _read(portion, response)

    async def _post(self, body: bytes) -> httpx.Response:
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = await self._client.post(self._url, content=body)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise UnreachableError(
                        f"{self._url}: {error or type(error).__name__}"
                    ) from None
            else:
                if response.status_code not in _AGAIN or attempt == ATTEMPTS:
                    return response
                pause = max(pause, _retry_after(response))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)
        raise AssertionError


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), 30.0) if text.isdigit() else 0.0


def _read(portion: Portion, response: httpx.Response) -> Sent:
    try:
        answer = decode(response.content)
    except FhirError:
        answer = {}
    if response.status_code >= 400 or answer.get("resourceType") != "Bundle":
        texts = _diagnostics(answer) or [f"HTTP {response.status_code} without an OperationOutcome"]
        failures = tuple(f"{portion.label}: {response.status_code} {text}" for text in texts)
        return Sent(
            tuple((type, "failed") for type, _ in portion.entries), portion.faults + failures
        )
    return _read_entries(portion, cast("list[Json]", answer.get("entry", [])))


def _read_entries(portion: Portion, entries: list[Json]) -> Sent:
    fates: list[tuple[str, Fate]] = []
    failures = list(portion.faults)
    for number, ((type, method), entry) in enumerate(zip(portion.entries, entries, strict=False)):
        response: Json = entry.get("response", {})
        status = str(response.get("status", ""))
        fates.append((type, _fate(status, method)))
        if fates[-1][1] == "failed":
            text = "; ".join(_diagnostics(response.get("outcome", {})))
            failures.append(f"{portion.label}: entry {number} ({type}): {status} {text}")
    missing = len(portion.entries) - len(fates)
    if missing:
        failures.append(f"{portion.label}: {missing} entries are missing in the response")
    return Sent(tuple(fates), tuple(failures))


def _fate(status: str, method: str) -> Fate:
    if status.startswith("201"):
        return "created"
    if not status.startswith("2"):
        return "failed"
    # 200 for a POST is a conditional create that found its match.
    return "matched" if method == "POST" else "updated"


def _diagnostics(outcome: Json) -> list[str]:
    if outcome.get("resourceType") != "OperationOutcome":
        return []
    return [_sentence(issue) for issue in cast("list[Json]", outcome.get("issue", []))]


def _sentence(issue: Json) -> str:
    details: Json = issue.get("details", {})
    text = str(issue.get("diagnostics") or details.get("text") or issue.get("code", ""))
    place = ", ".join(cast("list[str]", issue.get("expression", [])))
    return text if not place or place in text else f"{place}: {text}"
