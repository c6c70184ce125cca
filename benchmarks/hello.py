"""The bare ASGI answer that bounds what any application on the same HTTP server can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

BODY = b"hello, world"


async def app(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer every request with the same twelve bytes."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"12")],
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": BODY, "more_body": False})
