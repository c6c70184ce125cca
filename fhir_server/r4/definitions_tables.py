"""Read the compiled definition tables that lie beside this module."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

_TABLES = Path(__file__).parent / "tables"


def read_table(name: str) -> Any:
    """The rows of one table, as compile_definitions.py wrote them."""
    with gzip.open(_TABLES / f"{name}.json.gz") as file:
        return json.load(file)["table"]
