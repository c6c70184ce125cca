"""Our own load client: one event loop, raw bytes out, one request in flight per connection.

Run as a process of its own, so that its CPU time can be told from the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.outcome import MARK, Outcome
from benchmarks.percentiles import percentile
from benchmarks.script import Queue, Request, read_script
from benchmarks.wire import Answer, WireError, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable

# Case is lost in the head that read_answer hands on, so the raw buffer is searched.
LOCATION = re.compile(rb"\r\n(?i:location):[^\r]*?([A-Z][A-Za-z]+/[A-Za-z0-9.-]+)/_history/")
GRACE = 30.0  # seconds for answers still under way when the time is up; then they are broken


@dataclass(slots=True)
class Tally:
    """Counts and latencies (seconds) of all connections."""

    latencies: list[float] = field(default_factory=list[float])
    status: int = 0
    broken: int = 0
    wrong: int = 0
    deleted: int = 0


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one is answered, until the time is up."""

    def __init__(self, queue: Queue, tally: Tally, expect: bytes, deadline: float) -> None:
        self.queue = queue
        self.tally = tally
        self.expect = expect
        self.deadline = deadline
        self.closed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.request: Request | None = None
        self.sent_at = 0.0
        self.tracks = any(request.kind == "delete" for request in queue.requests)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin at once."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one but in name
        self.send()

    def send(self) -> None:
        """Send the next request, or hang up when the time is up."""
        self.sent_at = perf_counter()
        if self.sent_at >= self.deadline:
            self.transport.close()
            return
        self.request = self.queue.next()
        self.transport.write(self.request.raw)

    def data_received(self, data: bytes) -> None:
        """Wait for a whole answer, note it and go on."""
        self.buffer = self.buffer + data if self.buffer else data
        try:
            answer = read_answer(self.buffer)
        except (WireError, ValueError):
            self.transport.abort()
            return
        if answer is None:
            return
        self.note(answer)
        self.buffer = b""
        self.request = None
        if answer.keep_alive:
            self.send()
        else:
            self.transport.close()

    def note(self, answer: Answer) -> None:
        """Count an answer."""
        tally = self.tally
        tally.latencies.append(perf_counter() - self.sent_at)
        if not 200 <= answer.status < 300:
            tally.status += 1
        elif self.expect and self.expect not in answer.body:
            tally.wrong += 1
        elif self.tracks and self.request is not None:
            self.track(self.request, answer)

    def track(self, request: Request, answer: Answer) -> None:
        """Remember what was created, for a delete to come."""
        if request.kind == "delete":
            self.tally.deleted += 1
        elif answer.status == 201:
            found = LOCATION.search(self.buffer)
            if found is None:
                self.tally.wrong += 1
            else:
                self.queue.created.append(found[1].decode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was under way as broken."""
        if self.request is not None or exc is not None:
            self.tally.broken += 1
        if not self.closed.done():
            self.closed.set_result(True)


@dataclass(frozen=True, slots=True)
class Load:
    """One run: where to, what, how wide and how long (seconds)."""

    url: str
    script: Path
    connections: int
    seconds: float
    start: int = 0
    expect: str = ""


async def run(load: Load) -> Outcome:
    """Keep the connections busy for the given time and count what came back."""
    tally = Tally()
    queue = Queue(read_script(load.script), load.start)
    began = perf_counter()
    deadline = began + load.seconds

    def protocol() -> Connection:
        return Connection(queue, tally, load.expect.encode(), deadline)

    lanes = (_lane(load.url, protocol, tally, deadline) for _ in range(load.connections))
    await asyncio.gather(*lanes)
    return _outcome(tally, queue, perf_counter() - began)


async def _lane(
    url: str, protocol: Callable[[], Connection], tally: Tally, deadline: float
) -> None:
    """One connection's worth of load; reconnects where the server closes after an answer."""
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    loop = asyncio.get_running_loop()
    while (left := deadline - perf_counter()) > 0:
        broken = tally.broken
        try:
            _, connection = await loop.create_connection(
                protocol, parts.hostname or "", parts.port or 0, ssl=secure
            )
        except OSError:
            if not tally.latencies:
                raise
            tally.broken += 1
            return
        try:
            await asyncio.wait_for(asyncio.shield(connection.closed), left + GRACE)
        except TimeoutError:
            connection.transport.abort()
            await connection.closed
        if tally.broken > broken:
            await asyncio.sleep(0.05)  # a server that hangs up must not be hammered


def _outcome(tally: Tally, queue: Queue, seconds: float) -> Outcome:
    ordered = sorted(1000 * latency for latency in tally.latencies)
    return Outcome(
        requests=len(ordered),
        seconds=seconds,
        p50=percentile(ordered, 50),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
        status=tally.status,
        broken=tally.broken,
        wrong=tally.wrong,
        created=len(queue.created),
        deleted=tally.deleted,
    )


def main() -> None:
    """Run one load and print its outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("script", type=Path)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--expect", default="")
    load = Load(**vars(parser.parse_args()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            outcome = runner.run(run(load))
        except OSError as error:
            sys.exit(f"unable to connect to {load.url}: {error}")
    sys.stdout.write(MARK + json.dumps(asdict(outcome)) + "\n")


if __name__ == "__main__":
    main()
