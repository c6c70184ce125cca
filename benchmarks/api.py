"""The few FHIR requests that seeding and checking need; never part of what is timed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.script import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.target import Target

Json = dict[str, Any]
FHIR_JSON = "application/fhir+json"


class ApiError(Exception):
    """The server refused a request that the benchmark cannot do without."""


class Api:
    """A keep-alive connection to the target."""

    def __init__(self, target: Target) -> None:
        self.base = target.base
        headers = {"Accept": FHIR_JSON, **dict(target.headers)}
        self.client = httpx.Client(headers=headers, timeout=120, trust_env=False)

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    def get(self, path: str) -> Json:
        """The JSON at a path below the base; numbers keep their digits as text."""
        return self._json(self.client.get(self._url(path)))

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """The JSON that a POST answers."""
        headers = {"Content-Type": FHIR_JSON}
        content = encode(body)
        return self._json(self.client.post(self._url(path), content=content, headers=headers))

    def count(self, type_: str) -> int:
        """How many resources of a type there are.

        https://hl7.org/fhir/R4/search.html#total
        """
        bundle = self.get(f"{type_}?_count=0&_total=accurate")
        if "total" not in bundle:
            raise ApiError(f"the server does not say how many {type_} it holds")
        return int(bundle["total"])

    def _url(self, path: str) -> str:
        return f"{self.base}/{path}" if path else self.base

    def _json(self, response: httpx.Response) -> Json:
        if not response.is_success:
            raise ApiError(
                f"{response.request.method} {response.request.url} gave"
                f" {response.status_code}: {response.text[:300]}"
            )
        return decode(response.content)


def decode(content: bytes) -> Json:
    """Decoded JSON whose numbers are their own text, so that 1.0 and 1.00 differ."""
    value = json.loads(content, parse_float=str, parse_int=str)
    if not isinstance(value, dict):
        raise ApiError("the answer is not a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]


def differences(sent: Mapping[str, Any], received: Mapping[str, Any]) -> list[str]:
    """Elements of a resource that did not come back as sent; id, meta and text are the server's."""
    expected = decode(encode(sent))
    ignored = {"id", "meta", "text"}
    names = (set(expected) | set(received)) - ignored
    return sorted(name for name in names if expected.get(name) != received.get(name))
