"""Commands that keep the database: migrate, stats, backup, restore, admin. They import little, because they
are over soon."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from djangobot.bot.cli.common import fail, read_settings, with_database
from djangobot.db.clock import utc_now

MACHINE = 0
"""The author of an audit entry when a command made the change: someone with access to the machine."""
JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.command("migrate")
def migrate_database() -> None:
    """Bring the database to this version's tables; `run` does it by itself."""
    from djangobot.db import migrate

    done: list[str] = with_database(migrate.run)
    click.echo("\n".join(f"migrated: {name}" for name in done) or "The database is up to date.")


@click.command()
@JSON
def stats(as_json: bool) -> None:
    """Count what there is: accounts, people, tokens, messages."""
    from djangobot.db.admin import stats

    counts = with_database(stats.counts, looks_only=True)
    if as_json:
        return _say_json(counts)
    click.echo(f"database  {counts.database}, {counts.size} bytes")
    for name in ("accounts", "chats", "tokens"):
        click.echo(f"{name:9} {getattr(counts, name)}")
    for status, messages in counts.messages.items():
        click.echo(f"messages  {messages} {status}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Put it in the place of a FILE that is there.")
@JSON
def backup(file: Path, force: bool, as_json: bool) -> None:
    """Copy the database into FILE, compressed; the service may run. No Telegram session and no generated
    secret is inside. PostgreSQL's by pg_dump, which must be installed."""
    from djangobot.db import migrate
    from djangobot.db.admin import backup

    url, known = read_settings().database_url, migrate.known()
    _say_backup(_unless_refused(backup.create(url, file, known, utc_now(), force=force)), as_json)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@JSON
def restore(file: Path, as_json: bool) -> None:
    """Put a backup in the place of the database, which is kept beside it. The service must be stopped, in
    every process on that database. PostgreSQL's by pg_restore, which must be installed."""
    from djangobot.bot.startup import StartError, alone_on
    from djangobot.db import migrate
    from djangobot.db.admin import backup

    url = read_settings().database_url
    try:
        with alone_on(url):
            done, kept = _unless_refused(backup.restore(url, file, migrate.known(), utc_now()))
    except StartError as exc:
        fail(str(exc))
    _say_backup(done, as_json)
    if kept is not None:
        click.echo(f"What was there before: {kept}", err=True)


def _unless_refused(work: Coroutine[Any, Any, Any]) -> Any:
    import uvloop

    from djangobot.db.admin.backup.files import BackupRefused

    try:
        return uvloop.run(work)
    except BackupRefused as exc:
        fail(f"Refused: {exc}.")
    except OSError as exc:
        fail(f"Refused: {exc.filename or 'the file'}: {exc.strerror or exc}.")


def _say_json(answer: Any) -> None:
    import msgspec

    click.echo(msgspec.json.encode(answer))


def _say_backup(done: Any, as_json: bool) -> None:
    if as_json:
        return _say_json(done)
    click.echo(f"{done.file}: {done.size} bytes")
    for table, rows in done.rows.items():
        click.echo(f"{table:9} {rows}")


@click.group()
def admin() -> None:
    """Say who runs the service from the chat."""


@admin.command()
@click.argument("telegram_id", type=click.IntRange(1, 2**52))
def add(telegram_id: int) -> None:
    """Appoint somebody by their Telegram id."""
    from djangobot.db.admin import admins

    new = with_database(lambda: admins.appoint(telegram_id, MACHINE, utc_now()))
    click.echo(f"{telegram_id} is an admin {'now' if new else 'already'}; /start shows them the commands.")


@admin.command()
@click.argument("telegram_id", type=click.IntRange(1, 2**52))
def remove(telegram_id: int) -> None:
    """Dismiss somebody who was appointed."""
    from djangobot.db.admin import admins

    of_settings = read_settings().admins
    became = with_database(lambda: admins.dismiss(telegram_id, MACHINE, of_settings, utc_now()))
    if became != "dismissed":
        why = {
            "no admin": "is no admin",
            "of the settings": "is an admin by DJANGOBOT_ADMINS: change that",
            "the last": "is the last admin: appoint another one first",
        }
        fail(f"{telegram_id} {why[became]}.")
    click.echo(f"{telegram_id} is no admin any more.")


@admin.command(name="list")
@JSON
def list_admins(as_json: bool) -> None:
    """Telegram ids, those of the settings first."""
    from djangobot.db.admin import admins

    of_settings = read_settings().admins
    every: list[int] = with_database(lambda: admins.every(of_settings), looks_only=True)
    if as_json:
        return _say_json(every)
    for one in every:
        click.echo(f"{one}{' (DJANGOBOT_ADMINS)' if one in of_settings else ''}")
