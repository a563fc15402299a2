"""The command line. `djangobot demo` needs no settings; `djangobot run` names those that are missing."""

import gc
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
import uvloop

from djangobot import __version__
from djangobot.bot import log
from djangobot.bot.settings import Settings, SettingsError, load
from djangobot.db.clock import utc_now
from djangobot.db.engine.address import without_secrets
from djangobot.db.errors import reason

OWNER_ONLY = 0o077
MACHINE = 0
"""The author of an audit entry when a command made the change: someone with access to the machine."""
UNTIL_STDIN_CLOSES = "--until-stdin-closes"
"""`demo` gives this option to the sandbox, and holds the other end of the sandbox's stdin."""
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
@click.option("--no-bot", is_flag=True, help="The HTTP door alone: a further process on a shared PostgreSQL.")
def run(no_bot: bool) -> None:
    """Run the service."""
    settings = _settings()
    missing = [] if no_bot else settings.missing_for_telegram()
    if missing:
        _fail(
            "Telegram's settings are missing:\n"
            + "\n".join(f"  {name}" for name in missing)
            + "\nAPI id and hash come from https://my.telegram.org, the bot token from @BotFather."
            + "\nTo try everything without an account: djangobot demo"
        )
    if no_bot and settings.database_url.startswith("sqlite"):
        _fail("--no-bot is for further processes on a shared PostgreSQL: set DATABASE_URL to postgresql://…")
    from djangobot.bot import app

    _run(app.serve(_prepared(settings), bot=not no_bot), settings)


@cli.command()
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
        settings = _unless_wrong(lambda: demo.settings(kept_in, ports))
        _run(demo.play(settings, ports, walkthrough=walkthrough), settings)


@cli.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """A Telegram of our own on loopback, alone, to test bots with."""
    from djangobot.bot.sandbox import main as run_sandbox

    if UNTIL_STDIN_CLOSES in arguments:
        _stop_when_stdin_closes()
    sys.exit(run_sandbox([argument for argument in arguments if argument != UNTIL_STDIN_CLOSES]))


@cli.command()
def migrate() -> None:
    """Bring the database to this version's tables; `run` does it by itself."""
    from djangobot.db import conf

    done: list[str] = _with_database(conf.migrate)
    click.echo("\n".join(f"migrated: {name}" for name in done) or "The database is up to date.")


@cli.command()
@click.option("--no-bot", is_flag=True, help="As a door of `run --no-bot` needs it: without Telegram.")
def doctor(no_bot: bool) -> None:
    """Check settings, database and Telegram, and say what to do. Nothing is made or changed."""
    from djangobot.bot.cli.doctor import examine

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


JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@cli.command()
@JSON
def stats(as_json: bool) -> None:
    """Count what there is: accounts, people, tokens, messages."""
    from djangobot.db.admin import stats

    counts = _with_database(stats.counts, looks_only=True)
    if as_json:
        return click.echo(msgspec.json.encode(counts))
    click.echo(f"database  {counts.database}, {counts.size} bytes")
    for name in ("accounts", "chats", "tokens"):
        click.echo(f"{name:9} {getattr(counts, name)}")
    for status, messages in counts.messages.items():
        click.echo(f"messages  {messages} {status}")


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Put it in the place of a FILE that is there.")
@JSON
def backup(file: Path, force: bool, as_json: bool) -> None:
    """Copy the database into FILE, compressed; the service may run. No Telegram session and no generated
    secret is inside. PostgreSQL's by pg_dump, which must be installed."""
    from djangobot.db import conf
    from djangobot.db.admin import backup

    url, known = _settings().database_url, conf.known_migrations()
    _say_backup(_unless_refused(backup.create(url, file, known, utc_now(), force=force)), as_json)


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON
def restore(file: Path, as_json: bool) -> None:
    """Put a backup in the place of the database, which is kept beside it. The service must be stopped, in
    every process on that database. PostgreSQL's by pg_restore, which must be installed."""
    from djangobot.bot.startup import StartError, alone_on
    from djangobot.db import conf
    from djangobot.db.admin import backup

    url = _settings().database_url
    try:
        with alone_on(url):
            done, kept = _unless_refused(backup.restore(url, file, conf.known_migrations(), utc_now()))
    except StartError as exc:
        _fail(str(exc))
    _say_backup(done, as_json)
    if kept is not None:
        click.echo(f"What was there before: {kept}", err=True)


def _unless_refused(work: Coroutine[Any, Any, Any]) -> Any:
    from djangobot.db.admin.backup.files import BackupRefused

    try:
        return uvloop.run(work)
    except BackupRefused as exc:
        _fail(f"Refused: {exc}.")
    except OSError as exc:
        _fail(f"Refused: {exc.filename or 'the file'}: {exc.strerror or exc}.")


def _say_backup(done: Any, as_json: bool) -> None:
    if as_json:
        return click.echo(msgspec.json.encode(done))
    click.echo(f"{done.file}: {done.size} bytes")
    for table, rows in done.rows.items():
        click.echo(f"{table:9} {rows}")


@cli.group()
def admin() -> None:
    """Say who runs the service from the chat."""


@admin.command()
@click.argument("telegram_id", type=click.IntRange(1, 2**52))
def add(telegram_id: int) -> None:
    """Appoint somebody by their Telegram id."""
    from djangobot.db.admin import admins

    new = _with_database(lambda: admins.appoint(telegram_id, MACHINE, utc_now()))
    click.echo(f"{telegram_id} is an admin {'now' if new else 'already'}; /start shows them the commands.")


@admin.command()
@click.argument("telegram_id", type=click.IntRange(1, 2**52))
def remove(telegram_id: int) -> None:
    """Dismiss somebody who was appointed."""
    from djangobot.db.admin import admins

    of_settings = _settings().admins
    became = _with_database(lambda: admins.dismiss(telegram_id, MACHINE, of_settings, utc_now()))
    if became != "dismissed":
        why = {
            "no admin": "is no admin",
            "of the settings": "is an admin by DJANGOBOT_ADMINS: change that",
            "the last": "is the last admin: appoint another one first",
        }
        _fail(f"{telegram_id} {why[became]}.")
    click.echo(f"{telegram_id} is no admin any more.")


@admin.command(name="list")
@JSON
def list_admins(as_json: bool) -> None:
    """Telegram ids, those of the settings first."""
    from djangobot.db.admin import admins

    of_settings = _settings().admins
    every: list[int] = _with_database(lambda: admins.every(of_settings), looks_only=True)
    if as_json:
        return click.echo(msgspec.json.encode(every))
    for one in every:
        click.echo(f"{one}{' (DJANGOBOT_ADMINS)' if one in of_settings else ''}")


def _with_database(work: Callable[[], Coroutine[Any, Any, Any]], *, looks_only: bool = False) -> Any:
    """Runs `work` on an open database and returns its result. The database is migrated first, unless the work
    `looks_only`. A service may use it at the same time."""
    from djangobot.db import conf

    settings = _settings()

    async def do() -> Any:
        await conf.open_database(settings.database_url, create=not looks_only)
        try:
            if looks_only:
                await conf.refuse_other_version()
            elif work is not conf.migrate:
                await conf.migrate()
            return await work()
        finally:
            await conf.close_database()

    return _run(do(), settings)


def _settings() -> Settings:
    return _unless_wrong(load)


def _prepared(settings: Settings) -> Settings:
    return _unless_wrong(settings.prepared)


def _unless_wrong(make: Callable[[], Settings]) -> Settings:
    try:
        return make()
    except SettingsError as exc:
        _fail("These settings are not right:\n" + "\n".join(f"  {problem}" for problem in exc.problems))


def _run(work: Coroutine[Any, Any, Any], settings: Settings) -> Any:
    """Runs `work` to its end on uvloop. An expected error is shown as a sentence, not as a traceback."""
    from djangobot.bot.startup import StartError
    from djangobot.db.engine.checks import DatabaseRefused
    from djangobot.db.errors import DatabaseUnavailable, DjangoBotError

    log.set_up(settings.log_format)
    try:
        return uvloop.run(work)
    except (StartError, SettingsError) as exc:
        _fail(str(exc))
    except DatabaseRefused as exc:
        _fail(f"{exc}.")
    except DatabaseUnavailable as exc:
        where = without_secrets(settings.database_url)
        _fail(f"{exc} ({where}: {reason(exc)}; DATABASE_URL says where the database is)")
    except DjangoBotError as exc:
        _fail(f"{exc} ({exc.__cause__ or 'no further detail'})")


def _fail(words: str) -> NoReturn:
    click.echo(words, err=True)
    sys.exit(1)


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
