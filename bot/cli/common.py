"""What the commands share: settings, an open database, and errors as sentences. It imports little by itself,
because `--help` is over soon."""

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from djangobot.bot.settings import Settings


def with_database(work: Callable[[], Coroutine[Any, Any, Any]], *, looks_only: bool = False) -> Any:
    """Runs `work` on an open database and returns its result. The database is migrated first, unless the work
    `looks_only`. A service may use it at the same time."""
    from djangobot.db import conf, migrate

    settings = read_settings()

    async def do() -> Any:
        await conf.open_database(settings.database_url, create=not looks_only)
        try:
            if looks_only:
                await migrate.refuse_other_version()
            elif work is not migrate.run:
                await migrate.run()
            return await work()
        finally:
            await conf.close_database()

    return run_to_end(do(), settings)


def read_settings() -> "Settings":
    """The settings. Ends the program when they are not right."""
    from djangobot.bot.settings import load

    return unless_wrong(load)


def prepared(settings: "Settings") -> "Settings":
    """The settings with a data folder and its secrets. Ends the program when they can't be had."""
    return unless_wrong(settings.prepared)


def unless_wrong(make: "Callable[[], Settings]") -> "Settings":
    """What `make` returns. Ends the program with the problems when there are any."""
    from djangobot.bot.environment import SettingsError

    try:
        return make()
    except SettingsError as exc:
        fail("These settings are not right:\n" + "\n".join(f"  {problem}" for problem in exc.problems))


def run_to_end(work: Coroutine[Any, Any, Any], settings: "Settings") -> Any:
    """Runs `work` to its end on uvloop. An expected error is shown as a sentence, not as a traceback."""
    import uvloop

    from djangobot.bot import log
    from djangobot.bot.environment import SettingsError
    from djangobot.bot.startup import StartError
    from djangobot.db.engine.address import without_secrets
    from djangobot.db.engine.checks import DatabaseRefused
    from djangobot.db.errors import DatabaseUnavailable, DjangoBotError, reason

    log.set_up(settings.log_format)
    try:
        return uvloop.run(work)
    except (StartError, SettingsError) as exc:
        fail(str(exc))
    except DatabaseRefused as exc:
        fail(f"{exc}.")
    except DatabaseUnavailable as exc:
        where = without_secrets(settings.database_url)
        fail(f"{exc} ({where}: {reason(exc)}; DATABASE_URL says where the database is)")
    except DjangoBotError as exc:
        fail(f"{exc} ({exc.__cause__ or 'no further detail'})")


def fail(words: str) -> NoReturn:
    """Ends the program with this sentence and exit status 1."""
    click.echo(words, err=True)
    sys.exit(1)
