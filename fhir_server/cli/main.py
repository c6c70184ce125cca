"""The `hestia` command: everyday verbs, and nouns with verbs of their own."""

from __future__ import annotations

import sys

import typer

from fhir_server.cli import api, config, demo, doctor, installation, jobs, load, serve, worker
from fhir_server.cli.console import FAILED, console
from fhir_server.settings import SettingsError

app = typer.Typer(
    name="hestia",
    help="Hestia, the FHIR-native interoperability server.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(serve.serve)
app.command()(load.load)
app.command()(demo.demo)
app.command()(config.config)
app.command()(doctor.doctor)
app.add_typer(jobs.jobs, name="jobs")
app.command("migrate")(installation.migrate_command)
app.command("api")(api.api_worker)
app.command("worker")(worker.background_worker)


def main() -> None:
    """Run the command; settings that cannot be used are an error, not a traceback."""
    try:
        app()
    except SettingsError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
