"""Commands that run something until it is stopped: run, demo, sandbox."""

import os
import sys
from pathlib import Path

import click

from djangobot.bot.cli.common import fail, prepared, read_settings, run_to_end, unless_wrong

UNTIL_STDIN_CLOSES = "--until-stdin-closes"
"""`demo` gives this option to the sandbox, and holds the other end of the sandbox's stdin."""


@click.command()
@click.option("--no-bot", is_flag=True, help="The HTTP door alone: a further process on a shared PostgreSQL.")
def run(no_bot: bool) -> None:
    """Run the service."""
    settings = read_settings()
    missing = [] if no_bot else settings.missing_for_telegram()
    if missing:
        fail(
            "Telegram's settings are missing:\n"
            + "\n".join(f"  {name}" for name in missing)
            + "\nAPI id and hash come from https://my.telegram.org, the bot token from @BotFather."
            + "\nTo try everything without an account: djangobot demo"
        )
    if no_bot and settings.database_url.startswith("sqlite"):
        fail("--no-bot is for further processes on a shared PostgreSQL: set DATABASE_URL to postgresql://…")
    from djangobot.bot import app

    run_to_end(app.serve(prepared(settings), bot=not no_bot), settings)


@click.command()
@click.option("--walkthrough", is_flag=True, help="Play the README's five steps, print them, exit.")
@click.option("--http-port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--web-port", type=click.IntRange(1, 65535), default=8081, show_default=True, help="The chat page."
)
@click.option("--telegram-port", type=click.IntRange(1, 65535), default=8443, show_default=True)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to keep everything in.  [default: data/demo; the walkthrough: one that is deleted after it]",
)
def demo(walkthrough: bool, http_port: int, web_port: int, telegram_port: int, data: Path | None) -> None:
    """Everything at once on loopback, with a Telegram of our own: no account needed."""
    from djangobot.bot.cli import demo

    ports = demo.Ports(http=http_port, web=web_port, telegram=telegram_port)
    with demo.folder(data, throw_away=walkthrough) as kept_in:
        settings = unless_wrong(lambda: demo.settings(kept_in, ports))
        run_to_end(demo.play(settings, ports, walkthrough=walkthrough), settings)


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """A Telegram of our own on loopback, alone, to test bots with."""
    from djangobot.bot.sandbox.app import main as run_sandbox

    if UNTIL_STDIN_CLOSES in arguments:
        _stop_when_stdin_closes()
    sys.exit(run_sandbox([argument for argument in arguments if argument != UNTIL_STDIN_CLOSES]))


def _stop_when_stdin_closes() -> None:
    """Stops this process when its stdin closes. Its parent holds the other end, which closes even if the
    parent is killed."""
    import signal
    import threading

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
