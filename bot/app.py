"""The composition root: which parts the process has, how it starts and how it stops.

Read it from top to bottom. `serve` opens what every process needs and runs the first table of background
workers. One of them is the bot: it waits until this process leads, and then runs the second table.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from hashlib import sha256

import structlog

from djangobot import __version__
from djangobot.bot import systemd
from djangobot.bot.background import BackgroundWorker, first_end, running
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.dispatch import commands
from djangobot.bot.dispatch.dispatcher import Dispatcher
from djangobot.bot.dispatch.menus import set_menus
from djangobot.bot.jobs import log_level
from djangobot.bot.jobs.alerts import Alerts, Memory
from djangobot.bot.jobs.broadcasts import Broadcasts
from djangobot.bot.jobs.scheduler import Scheduler
from djangobot.bot.settings import Settings
from djangobot.bot.startup import StartError, alone_on, listen, only_one
from djangobot.bot.state import BotState
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionLocked, SessionStorage, open_session
from djangobot.bot.telegram.sign_in import keep_signed_in
from djangobot.bot.telegram.updates import Inbox
from djangobot.db import migrate, purge, state
from djangobot.db.admin import growth
from djangobot.db.clock import utc_now
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import leader, outbox
from djangobot.db.delivery.leader import Leadership
from djangobot.db.delivery.limits import disk_floor, quotas
from djangobot.db.delivery.pubsub import changes, pubsub, waiters
from djangobot.db.engine.address import is_sqlite
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import edits
from djangobot.db.messages.files import files
from djangobot.db.messages.history import retention, search
from djangobot.db.people import guesses
from djangobot.db.programs import attempts
from djangobot.http.app import Application, Bounds, Config, Server, create_app, under, with_access_log

log = structlog.get_logger(__name__)

ANSWER_GRACE = 5.0
"""Seconds that answers to people get to end when the process stops."""
DATABASE_PAUSE = 1.0
"""Seconds until the bot tries again to lead, when the database was not available."""
MARK_LENGTH = 6
"""Hexadecimal digits kept of a secret's digest."""
SWITCH_INTERVAL = 0.0005
"""Seconds that a thread keeps Python's lock while another waits for it. Python's own figure is ten times
that."""

OnceUp = Callable[[], Awaitable[bool]]


async def serve(settings: Settings, *, bot: bool = True, once_up: OnceUp | None = None) -> None:
    """Runs the service until SIGTERM, Ctrl-C, or until `once_up` returns True. `once_up` is called when all
    parts run.

    Raises StartError. Parts that had started by then are stopped in order.
    """
    stop = _stop_on_signals()
    bot_state = BotState() if bot else None
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(only_one(settings.data))
        stack.enter_context(alone_on(settings.database_url))
        listening = stack.enter_context(
            listen(settings.http_host, settings.http_port, "DJANGOBOT_HTTP_PORT", "DJANGOBOT_HTTP_HOST")
        )
        await stack.enter_async_context(_database(settings))
        await log_level.apply_stored()
        await stack.enter_async_context(pubsub.connected(utc_now))
        workers = _process_workers(settings, listening, bot_state, once_up, stop)
        tasks = await stack.enter_async_context(running(workers))
        log.info("up", version=__version__, http=f"{settings.address}/api/", listening=settings.listening)
        systemd.notify(f"READY=1\nSTATUS=listening on {settings.listening}")
        await first_end(tasks, stop)
        systemd.notify("STOPPING=1")
        log.info("stopping")


def _process_workers(
    settings: Settings,
    listening: socket.socket,
    bot_state: BotState | None,
    once_up: OnceUp | None,
    stop: asyncio.Event,
) -> list[BackgroundWorker]:
    """What runs as long as the process."""
    server = _http_server(settings, bot_state)

    def stop_http() -> None:
        server.stop()
        waiters.release_waiters()
        changes.release_watches()

    workers = [
        BackgroundWorker(name="log level", run=log_level.keep_up, stops=4),
        BackgroundWorker(name="purge", run=purge.keep_up, stops=4),
        BackgroundWorker(name="files", run=files.keep_up, stops=4),
        BackgroundWorker(name="growth", run=growth.keep_up, stops=4),
        BackgroundWorker(name="old history", run=partial(retention.keep_up, settings.keep), stops=4),
        BackgroundWorker(name="old edits", run=edits.keep_up, stops=4),
        BackgroundWorker(name="old attempts", run=attempts.keep_up, stops=4),
        BackgroundWorker(name="old wrong codes", run=guesses.keep_up, stops=4),
    ]
    if patience := systemd.patience():
        feed = partial(systemd.keep_watchdog_fed, lambda: outbox.oldest_due(utc_now()), patience)
        workers.append(BackgroundWorker(name="watchdog", run=feed, stops=4))
    if bot_state is not None:
        workers.append(BackgroundWorker(name="bot", run=partial(_run_bot, settings, bot_state), stops=3))
    workers.append(
        BackgroundWorker(name="http", run=partial(server.serve, [listening]), stop=stop_http, stops=2)
    )
    if bot_state is not None and once_up is not None:
        workers.append(
            BackgroundWorker(name="once up", run=partial(_once_up, bot_state, once_up, stop), stops=1)
        )
    return workers


async def _run_bot(settings: Settings, bot_state: BotState) -> None:
    """Leads whenever this process is elected, and stands by otherwise."""
    if settings.telegram_server and settings.telegram_key:
        use_server(*settings.telegram_server, settings.telegram_key)
    await _open_session(settings)  # reports a wrong key before it is needed
    memory = Memory()
    while True:
        try:
            await memory.save(utc_now())
            async with (
                leader.elected(bot_state.stand_by) as leadership,
                _leading(settings, leadership, memory, bot_state) as tasks,
            ):
                await first_end(tasks, leadership.lost)
            log.warning("this process leads no more", reason="the connection that held the lock has ended")
        except DatabaseUnavailable as exc:
            log.error("database not available to the bot", reason=str(exc.__cause__ or exc))
            await asyncio.sleep(DATABASE_PAUSE)


@contextlib.asynccontextmanager
async def _leading(
    settings: Settings, leadership: Leadership, memory: Memory, bot_state: BotState
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Runs the workers of the leader. Signing in continues in the background."""
    client = TelegramClient(
        await _open_session(settings), settings.api_id, settings.api_hash, settings.bot_token
    )
    client.may_call = leadership.sure
    async with running(_leader_workers(settings, client, leadership, memory)) as tasks:
        bot_state.lead(client)
        try:
            yield tasks
        except DatabaseUnavailable:
            leadership.lost.set()  # or soon will be: the lock's connection ends too
            raise
        finally:
            bot_state.resign()


def _leader_workers(
    settings: Settings, client: TelegramClient, leadership: Leadership, memory: Memory
) -> list[BackgroundWorker]:
    """What runs while this process leads. At the stop nothing new is begun (1), answers in progress end (2),
    then everything else ends. The connection and the update state are last."""
    gateway = Gateway(client)
    dispatcher = Dispatcher(gateway, commands.on_message, commands.on_callback, settings)
    inbox = Inbox(client, dispatcher.receive)
    delivery = _delivery(settings, gateway)
    scheduler = Scheduler(dispatcher, commands.JOBS)
    alerts = Alerts(gateway, settings, dispatcher.now, memory)
    broadcasts = Broadcasts(gateway, dispatcher.now)
    sign_in = partial(keep_signed_in, client, partial(_on_signed_in, client, inbox, gateway, settings))
    stop_delivery = partial(_stop_delivery, delivery, leadership)
    stop_answers = partial(dispatcher.stop, ANSWER_GRACE)
    last_alert = partial(_last_alert, client, alerts, leadership)
    locked = leadership.context
    return [
        BackgroundWorker(name="sign-in", run=sign_in, stops=3),
        BackgroundWorker(name="delivery", run=delivery.run, stop=stop_delivery, stops=1, context=locked()),
        BackgroundWorker(name="update state", run=inbox.keep_saved, stops=3),
        BackgroundWorker(name="scheduler", run=scheduler.run, stops=1),
        BackgroundWorker(name="alerts", run=alerts.run, stops=1),
        BackgroundWorker(name="broadcasts", run=broadcasts.run, stops=1, context=locked()),
        BackgroundWorker(name="search index", run=search.keep_up, stops=3),
        BackgroundWorker(name="answers", stop=stop_answers, stops=2),
        BackgroundWorker(name="last alert", stop=last_alert, stops=4),
        BackgroundWorker(name="connection", stop=client.stop, stops=5),
        BackgroundWorker(name="last update state", stop=inbox.save, stops=6),
    ]


def _delivery(settings: Settings, gateway: Gateway) -> Worker:
    return Worker(
        gateway,
        Pacing(settings.rate_chat, settings.rate_total),
        concurrency=settings.concurrency,
        safe_to_repeat=timedelta(hours=settings.safe_to_repeat),
    )


def _stop_delivery(delivery: Worker, leadership: Leadership) -> None:
    delivery.stop(at_once=leadership.lost.is_set())


async def _on_signed_in(client: TelegramClient, inbox: Inbox, gateway: Gateway, settings: Settings) -> None:
    await inbox.open(client.bot_id)
    await set_menus(gateway, settings)


async def _last_alert(client: TelegramClient, alerts: Alerts, leadership: Leadership) -> None:
    """Says that the database is down, when that ended the leadership. All else has stopped. An alert has the
    same random_id in whichever process sends it."""
    if leadership.lost.is_set():
        client.may_call = lambda: True
        await alerts.last_check()
        client.may_call = leadership.sure


async def _open_session(settings: Settings) -> SessionStorage:
    bot_id = int(settings.bot_token.partition(":")[0])
    try:
        return await open_session(bot_id, settings.session_key)
    except SessionLocked as exc:
        raise StartError(
            "The Telegram session in the database was sealed under another key. Give every process on it "
            "the same DJANGOBOT_SESSION_KEY (by default the content of <data>/session_key). Is that key "
            "lost, sign in anew: DELETE FROM telegram_session"
        ) from exc


async def _once_up(bot_state: BotState, call: OnceUp, stop: asyncio.Event) -> None:
    await bot_state.leading.wait()
    if bot_state.client is not None:
        await bot_state.client.online.wait()
    if await call():
        stop.set()
    await stop.wait()


@contextlib.asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[None]:
    quotas.bound(
        quotas.Bounds(
            settings.limit_waiting,
            settings.limit_waiting_mib * quotas.MIB,
            settings.limit_waiting_account,
            settings.limit_waiting_account_mib * quotas.MIB,
            settings.limit_waiting_files_mib * quotas.MIB,
            settings.limit_waiting_account_files_mib * quotas.MIB,
        )
    )
    disk_floor.configure(settings.disk_floor * quotas.MIB)
    attempts.use_key(settings.session_key)
    files.configure(files.Rules(settings.data / "files", settings.file_limit * files.MIB))
    await open_database(settings.database_url)
    try:
        for migration in await migrate.run():
            log.info("database migrated", migration=migration)
        await _compare_secrets(settings)
        yield
    finally:
        await close_database()


async def _compare_secrets(settings: Settings) -> None:
    """Warns if this process signs with another secret than the first process on this database. Each door must
    accept the access tokens of the others. The stored mark tells secrets apart, but is too short to reveal
    them."""
    mark = sha256(b"djangobot jwt\0" + settings.jwt_secret.encode()).hexdigest()[:MARK_LENGTH]
    now = utc_now()
    if is_sqlite(settings.database_url):  # only one process can use it
        await state.put("jwt_secret", mark, now)
    elif await state.put_first("jwt_secret", mark, now) != mark:
        log.warning(
            "the first process on this database has another secret for access tokens than this one: tokens of"
            " either are refused by the other; give every process the same DJANGOBOT_JWT_SECRET. If it was "
            "changed on purpose and everywhere: DELETE FROM state WHERE name = 'jwt_secret'"
        )


def _http_server(settings: Settings, bot_state: BotState | None) -> Server:
    config = Config(
        jwt_secret=settings.jwt_secret,
        send_wait=settings.send_wait,
        limit_send=settings.limit_send,
        registration=settings.registration,
        inlets=settings.inlets,
        session_key=settings.session_key,
        public_url=settings.public_url,
        version=__version__,
        telegram=lambda: "off" if bot_state is None else bot_state.telegram,
    )
    bounds = Bounds(idle=settings.http_idle, connections=settings.http_connections)
    application = with_access_log(create_app(config), settings.access_log)
    return http_server(under(settings.base_path, application), bounds, settings.trusted_proxies)


def http_server(app: Application, bounds: Bounds | None = None, trusted: Sequence[str] = ()) -> Server:
    """Returns the server that every process runs on."""
    tune_python()
    return Server(app, bounds, trusted)


def tune_python() -> None:
    """Tunes Python once the process is up. cli.main starts it without a garbage collector.

    Objects that exist by now are never collected. Otherwise each full garbage collection would walk the
    libraries' objects, and every request in progress would wait for that. What could be freed after a start
    is half a megabyte, and to find it takes a tenth of the start: so nothing is collected then. A database
    thread with a finished answer gets Python's lock within SWITCH_INTERVAL, even while the event loop is
    busy. So outcomes and claims do not wait for the loop.
    """
    if gc.isenabled():  # not by cli.main: much may have run before
        gc.collect()
    gc.freeze()
    gc.enable()
    sys.setswitchinterval(SWITCH_INTERVAL)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
