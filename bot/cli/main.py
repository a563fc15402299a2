"""The command line. `djangobot demo` needs no settings; `djangobot run` names those that are missing."""

import gc
import os
import sys

import click

from djangobot import __version__
from djangobot.bot.cli import keep, run

OWNER_ONLY = 0o077
EPILOG = "Settings are environment variables or lines of a .env file: see docs/settings.md."


def main() -> None:
    """The `djangobot` program."""
    os.umask(OWNER_ONLY)
    gc.disable()  # until the process is up: nearly all objects made before stay, so collecting is useless
    cli.main(prog_name="djangobot")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(__version__, prog_name="djangobot")
def cli() -> None:
    """Programs send messages to people in Telegram with one HTTP call."""


@cli.command()
@click.option("--no-bot", is_flag=True, help="As a door of `run --no-bot` needs it: without Telegram.")
def doctor(no_bot: bool) -> None:
    """Check settings, database and Telegram, and say what to do. Nothing is made or changed."""
    import uvloop

    from djangobot.bot import log
    from djangobot.bot.cli.doctor import examine
    from djangobot.bot.environment import SettingsError
    from djangobot.bot.settings import load

    try:
        settings = load()
    except SettingsError as exc:
        for problem in exc.problems:
            click.echo(f"✗ settings: {problem}")
        sys.exit(1)
    log.set_up(settings.log_format)
    healthy = True
    for finding in uvloop.run(examine(settings, bot=not no_bot)):
        healthy = healthy and finding.good
        click.echo(f"{'✓' if finding.good else '✗'} {finding.about}: {finding.says}")
    sys.exit(0 if healthy else 1)


@cli.command()
def health() -> None:
    """Ask the service that runs with these settings whether it accepts messages; what is not 0 means no."""
    from djangobot.bot.cli.common import read_settings
    from djangobot.bot.cli.health import ask

    accepts, says = ask(read_settings())
    click.echo(says, err=not accepts)
    sys.exit(0 if accepts else 1)


for command in (
    *(run.run, run.demo, run.sandbox),
    *(keep.migrate_database, keep.stats, keep.backup, keep.restore, keep.admin),
):
    cli.add_command(command)
