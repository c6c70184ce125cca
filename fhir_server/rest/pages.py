"""The landing page, health and metrics: what a person or a machine asks beside /fhir.

Who may call: ``/``, ``/static``, ``/favicon.ico``, ``/health`` and ``/health/ready`` anyone;
``/health/detailed`` and ``/metrics`` only callers on this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

if TYPE_CHECKING:
    from fhir_server.rest.metrics import Metrics

STATIC = Path(__file__).parent / "static"
_PAGE = Template((STATIC / "landing.html").read_text("utf-8"))
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Status:
    """How the installation is.

    ``checks``: name → "ok" or what is wrong; ``counts``: live resources per type of the first
    tenant; ``facts``: what an operator wants to see, such as the size of the database.
    """

    checks: Mapping[str, str]
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    facts: Mapping[str, str | int | float] = field(default_factory=dict[str, str | int | float])

    @property
    def ready(self) -> bool:
        """Whether requests can be answered."""
        return all(result == "ok" for result in self.checks.values())


Ask = Callable[[], Awaitable[Status]]


def only_from_this_machine(request: Request) -> None:
    """403 for callers elsewhere."""
    host = request.client.host if request.client else ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    if not near:
        raise HTTPException(403, "Only callers on this machine may ask for this")


_Near = Annotated[None, Depends(only_from_this_machine)]


def pages(ask: Ask, metrics: Metrics, *, version: str, origin: str) -> FastAPI:
    """The application for everything that is not FHIR."""
    app = FastAPI(title="Hestia", version=version, docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", response_class=HTMLResponse)
    async def landing() -> HTMLResponse:
        """State, counts and links, for a person."""
        return HTMLResponse(_landing(await ask(), version, origin), headers=_HEADERS)

    @app.get("/favicon.ico")
    async def icon() -> FileResponse:
        """What browsers ask for beside any page, FHIR ones too."""
        return FileResponse(STATIC / "hestia.svg", media_type="image/svg+xml")

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "up"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        """Whether requests can be answered: 200, or 503 with what is wrong."""
        status = await ask()
        return JSONResponse(
            {"status": "ready" if status.ready else "not ready", "checks": dict(status.checks)},
            200 if status.ready else 503,
        )

    @app.get("/health/detailed")
    async def detailed(_: _Near) -> JSONResponse:
        """All that is known, for the operator on this machine."""
        status = await ask()
        return JSONResponse({"version": version, **asdict(status)}, 200 if status.ready else 503)

    @app.get("/metrics")
    async def prometheus(_: _Near) -> Response:
        """Prometheus text format."""
        status = await ask()
        gauges = {
            "hestia_ready": ("Whether requests can be answered.", float(status.ready)),
            "hestia_resources": ("Live resources.", float(sum(status.counts.values()))),
        }
        return Response(metrics.exposition(gauges), media_type="text/plain; version=0.0.4")

    return app


def _landing(status: Status, version: str, origin: str) -> str:
    rows = "".join(
        f'<tr><td><a href="/fhir/{name}">{escape(name)}</a></td><td>{count:,}</td></tr>'
        for name, count in sorted(status.counts.items(), key=lambda item: (-item[1], item[0]))
        if count
    )
    wrong = "".join(
        f"<li>{escape(name)}: {escape(result)}</li>"
        for name, result in status.checks.items()
        if result != "ok"
    )
    return _PAGE.substitute(
        version=escape(version),
        origin=escape(origin),
        state="ready" if status.ready else "not ready",
        wrong=f"<ul class=wrong>{wrong}</ul>" if wrong else "",
        total=f"{sum(status.counts.values()):,}",
        types=f"{sum(1 for count in status.counts.values() if count):,}",
        rows=rows or "<tr><td colspan=2>Nothing is stored yet.</td></tr>",
    )
