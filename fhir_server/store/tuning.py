"""Settings of the embedded PostgreSQL, computed from the machine's memory and free disk."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB


def settings_file(data: Path, sockets: Path, port: int, overrides: Mapping[str, str]) -> str:
    """The text of the file that postgresql.conf includes; written anew at each start."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    values = {
        "listen_addresses": "",
        "port": str(port),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        **FIXED,
        **sized(memory, shutil.disk_usage(data).free),
        **overrides,
    }
    quoted = ((name, value.replace("'", "''")) for name, value in values.items())
    lines = [f"{name} = '{value}'" for name, value in quoted]
    return (
        "# Written by hestia at each start; changes here do not last.\n" + "\n".join(lines) + "\n"
    )


def sized(memory: int, free_disk: int) -> dict[str, str]:
    """Settings that follow the machine; bytes in, PostgreSQL units out."""
    shared = min(max(memory // 5, 128 * MIB), 4 * GIB)
    log = min(max(free_disk // 20, 256 * MIB), 4 * GIB)
    return {
        "shared_buffers": f"{shared // MIB}MB",
        "effective_cache_size": f"{memory // 2 // MIB}MB",
        "maintenance_work_mem": f"{min(max(memory // 32, 64 * MIB), GIB) // MIB}MB",
        "work_mem": f"{min(max(memory // 1024, 4 * MIB), 32 * MIB) // MIB}MB",
        "max_wal_size": f"{log // MIB}MB",
        "min_wal_size": f"{log // 4 // MIB}MB",
    }


FIXED = {
    "max_connections": "200",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",  # pglz halves the rate of creates
    "random_page_cost": "1.1",
    "jit": "off",  # every hot statement is shorter than its compilation
    "max_parallel_workers_per_gather": "0",
    # Index scans at the newest end pay for dead rows, so clean early and fast.
    "autovacuum_naptime": "20s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_limit": "1000",
    "idle_in_transaction_session_timeout": "5min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
    # Statements and details of errors may hold patients' data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
