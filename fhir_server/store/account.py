"""The system account that runs the embedded PostgreSQL: ours, or a lent one when we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass

PREFERRED = ("hestia", "postgres")
LAST_RESORT = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    uid: int
    gid: int


def server_account(owner: int | None = None) -> Account:
    """Who runs PostgreSQL: this user; for root the owner of the cluster, or an account for it."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if owner:
        return _account(pwd.getpwuid(owner))
    for name in PREFERRED:
        if found := _named(name):
            return found
    if useradd := shutil.which("useradd"):
        subprocess.run(  # noqa: S603
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", PREFERRED[0]],
            check=False,
            capture_output=True,
        )
    return _named(PREFERRED[0]) or _account(pwd.getpwnam(LAST_RESORT))


def run_as(account: Account, command: list[str]) -> list[str]:
    """The command that runs ``command`` as that account.

    As root it keeps the right to read and traverse folders closed to others, since a checkout in
    /root is usual; the socket is open to the account and root alone.
    """
    if account.uid == os.geteuid():
        return command
    lend = "dac_read_search"
    setpriv = shutil.which("setpriv") or "setpriv"
    who = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    return [setpriv, *who, f"--inh-caps=+{lend}", f"--ambient-caps=+{lend}", *command]


def _named(name: str) -> Account | None:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        return None


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid)
