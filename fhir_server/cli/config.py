"""`hestia config`: the options, their values and where they come from."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer
from rich.table import Table

from fhir_server import settings
from fhir_server.cli.console import out, results


def config(
    *,
    changed: Annotated[bool, typer.Option("--changed", help="Only options that were set.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print variable and value as JSON.")] = (
        False
    ),
) -> None:
    """Show every option with its value; secrets are masked.

    Options are environment variables, or files named by the variable with _FILE behind it.
    """
    shown = settings.load(os.environ).shown()
    given = {
        option.variable
        for option in settings.OPTIONS
        if {option.variable, option.variable + "_FILE"} & os.environ.keys()
    }
    options = [o for o in settings.OPTIONS if not changed or o.variable in given]
    if as_json:
        out(json.dumps({option.variable: shown[option.variable] for option in options}, indent=2))
        return
    table = Table("variable", "value", "meaning", show_lines=False)
    for option in options:
        style = "bold" if option.variable in given else ""
        table.add_row(option.variable, shown[option.variable], option.help, style=style)
    results.print(table)
