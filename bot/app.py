"""The composition root: which parts the process has, how it starts and how it stops."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from hashlib import sha256

import structlog
from pyrogram.errors import RPCError

from djangobot import __version__
from djangobot.bot.backoff import Backoff
from djangobot.bot.delivery.pacing import Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.dispatch import commands
from djangobot.bot.dispatch.dispatcher import Dispatcher
from djangobot.bot.jobs import log_level
from djangobot.bot.jobs.alerts import Alerts, Memory
from djangobot.bot.jobs.broadcasts import Broadcasts
from djangobot.bot.jobs.scheduler import Scheduler
from djangobot.bot.rendering.replies import LANGUAGES
from djangobot.bot.settings import Settings
from djangobot.bot.startup import StartError, alone_on, listen, only_one
from djangobot.bot.telegram import refusals
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway, GatewayError, Refused
from djangobot.bot.telegram.server import use_server
from djangobot.bot.telegram.session import SessionLocked, SessionStorage, open_session
from djangobot.bot.telegram.updates import Inbox
from djangobot.db import purge, state
from djangobot.db.admin import admins
from djangobot.db.clock import utc_now
from djangobot.db.conf import close_database, migrate, open_database
from djangobot.db.delivery import leader, pubsub, quotas, scheduled, wakeups
from djangobot.db.delivery.leader import Leadership
from djangobot.db.engine.address import is_sqlite
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import search
from djangobot.db.people import chats
from djangobot.http.app import Application, Bounds, Config, Server, create_app

log = structlog.get_logger(__name__)

VISIT_GRACE = 5.0
MENU_PAUSE = 5.0
DUTY_PAUSE = 1.0
ACCEPTED_AFTER = 60.0
"""Seconds after which a sign-in counts as accepted. A session that Telegram refuses sooner counts as a
refused sign-in."""
MARK_LENGTH = 6
"""Hexadecimal digits kept of a secret's digest."""
SWITCH_INTERVAL = 0.0005
"""Seconds that a thread keeps Python's lock while another waits for it. Python's own figure is ten times
that."""


async def serve(
    settings: Settings, *, bot: bool = True, once_up: Callable[[], Awaitable[bool]] | None = None
) -> None:
    """Runs the service until SIGTERM, Ctrl-C, or until `once_up` returns True. `once_up` is called when all
    parts run.

    Raises StartError. Parts that had started by then are stopped in order.
    """
    stop = _stop_on_signals()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(only_one(settings.data))
        stack.enter_context(alone_on(settings.database_url))
        listening = stack.enter_context(
            listen(settings.http_host, settings.http_port, "DJANGOBOT_HTTP_PORT", "DJANGOBOT_HTTP_HOST")
        )
        await stack.enter_async_context(_database(settings))
        await stack.enter_async_context(log_level.kept())
        await stack.enter_async_context(pubsub.connected(utc_now))
        await stack.enter_async_context(purge.kept_up())
        running: list[asyncio.Task[None]] = []
        post = BotState() if bot else None
        if post is not None:
            running.append(await stack.enter_async_context(_bot(settings, post)))
        running.append(await stack.enter_async_context(_http(settings, listening, post)))
        log.info("up", version=__version__, http=f"{settings.listening}/api/")
        if post is not None and once_up is not None:
            running.append(await stack.enter_async_context(_once_up(post, once_up, stop)))
        await _first_end(running, stop)
        log.info("stopping")


@contextlib.asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[None]:
    quotas.bound(
        quotas.Bounds(
            settings.limit_waiting,
            settings.limit_waiting_mib * quotas.MIB,
            settings.limit_waiting_account,
            settings.limit_waiting_account_mib * quotas.MIB,
            settings.disk_floor * quotas.MIB,
        )
    )
    await open_database(settings.database_url)
    try:
        for migration in await migrate():
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


class BotState:
    """The state of the bot in this process: leading, standing by or connecting."""

    def __init__(self) -> None:
        self.client: TelegramClient | None = None
        self.leading = asyncio.Event()
        self.standing_by = False

    def take(self, client: TelegramClient) -> None:
        """Records that this process leads, with this client."""
        self.client = client
        self.standing_by = False
        self.leading.set()

    def stand_by(self) -> None:
        """Records that another process leads."""
        if not self.standing_by:
            log.info("standing by", reason="another process delivers")
        self.standing_by = True

    def leave(self) -> None:
        """Records that this process leads no more. Another process may lead now."""
        self.client = None
        self.leading.clear()

    @property
    def telegram(self) -> str:
        """The state as /health shows it."""
        if self.standing_by:
            return "standby"
        if self.client is None:
            return "connecting"
        return "connected" if self.client.online.is_set() and self.client.caught_up.is_set() else "connecting"


@contextlib.asynccontextmanager
async def _bot(settings: Settings, post: BotState) -> AsyncIterator[asyncio.Task[None]]:
    """Runs the Telegram side in the background: it leads, or stands by until this process is elected."""
    if settings.telegram_server and settings.telegram_key:
        use_server(*settings.telegram_server, settings.telegram_key)
    task = asyncio.create_task(_stand_by_and_lead(settings, post))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _stand_by_and_lead(settings: Settings, post: BotState) -> None:
    await _session(settings)  # reports a wrong key before it is needed
    memory = Memory()
    while True:
        try:
            await memory.save(utc_now())
            async with (
                leader.elected(post.stand_by) as ours,
                _lead(settings, ours, memory) as (client, tasks),
            ):
                post.take(client)
                try:
                    await _first_end(tasks, ours.lost)
                finally:
                    post.leave()
            log.warning("no longer on duty", reason="the connection that held the lock has ended")
        except DatabaseUnavailable as exc:
            log.error("database not available to the bot", reason=str(exc.__cause__ or exc))
            await asyncio.sleep(DUTY_PAUSE)


async def _session(settings: Settings) -> SessionStorage:
    bot_id = int(settings.bot_token.partition(":")[0])
    try:
        return await open_session(bot_id, settings.session_key)
    except SessionLocked as exc:
        raise StartError(
            "The Telegram session in the database was sealed under another key. Give every process on it "
            "the same DJANGOBOT_SESSION_KEY (by default the content of <data>/session_key). Is that key "
            "lost, sign in anew: DELETE FROM telegram_session"
        ) from exc


@contextlib.asynccontextmanager
async def _lead(
    settings: Settings, ours: Leadership, memory: Memory
) -> AsyncIterator[tuple[TelegramClient, list[asyncio.Task[None]]]]:
    """Runs the connection, the dispatcher and the worker. Signing in continues in the background."""
    client = TelegramClient(await _session(settings), settings.api_id, settings.api_hash, settings.bot_token)
    client.may_call = ours.sure
    gateway = Gateway(client)
    reception = Dispatcher(gateway, commands.on_message, commands.on_callback, settings)
    inbox = Inbox(client, reception.receive)
    delivery = Worker(
        gateway,
        Pacing(settings.rate_chat, settings.rate_total),
        concurrency=settings.concurrency,
        safe_to_repeat=timedelta(hours=settings.safe_to_repeat),
    )
    connecting = asyncio.create_task(_keep_signed_in(client, gateway, inbox, settings))
    delivering = asyncio.create_task(delivery.run(), context=ours.context())
    keeping = asyncio.create_task(inbox.keep())
    tidying = asyncio.create_task(Scheduler(reception, commands.CHORES).run())
    alarms = Alerts(gateway, settings, reception.now, memory)
    alarming = asyncio.create_task(alarms.run())
    casting = asyncio.create_task(Broadcasts(gateway, reception.now).run(), context=ours.context())
    indexing = asyncio.create_task(search.keep_up())
    try:
        yield client, [connecting, delivering, keeping, tidying, casting, alarming, indexing]
    except DatabaseUnavailable:
        ours.lost.set()  # or soon will be: the lock's connection ends too
        raise
    finally:
        delivery.stop(at_once=ours.lost.is_set())
        tidying.cancel()
        casting.cancel()
        alarming.cancel()
        await asyncio.gather(delivering, tidying, casting, alarming, return_exceptions=True)
        await reception.stop(VISIT_GRACE)
        for task in (connecting, keeping, indexing):
            task.cancel()
        await asyncio.gather(connecting, keeping, indexing, return_exceptions=True)
        if ours.lost.is_set():
            # All else has stopped. An alert has the same random_id in whichever process sends it.
            client.may_call = lambda: True
            await alarms.last_look()
        await client.stop()
        await inbox.save()


async def _keep_signed_in(client: TelegramClient, gateway: Gateway, inbox: Inbox, settings: Settings) -> None:
    """Signs in, and signs in again whenever Telegram no longer accepts the session. Raises StartError when
    Telegram refuses the first sign-in. A later one is tried again, while messages are still accepted."""
    backoff = Backoff()
    while True:
        try:
            await asyncio.sleep(await state.flood_left(utc_now(), "sign_in_until"))
            await client.start()
        except RPCError as exc:
            await _after_refusal(exc, client, backoff)
            continue
        log.info("signed in", bot=client.bot_name)
        began = time.monotonic()
        await inbox.open(client.bot_id)
        await _set_menus(gateway, settings)
        await client.key_forgotten.wait()
        if time.monotonic() - began > ACCEPTED_AFTER:
            backoff.reset()
        else:  # the session was refused soon after the sign-in
            await asyncio.sleep(backoff.next_pause())


async def _after_refusal(exc: RPCError, client: TelegramClient, backoff: Backoff) -> None:
    """Waits until the next sign-in makes sense. Raises StartError when the bot was never signed in."""
    word = refusals.word(exc)
    match refusals.meaning(exc):
        case "wait":
            seconds = refusals.seconds_of(exc)
            log.warning("flood wait of the sign-in", seconds=seconds)
            await state.note_flood(timedelta(seconds=seconds), utc_now(), "sign_in_until")
        case "again":
            log.warning("telegram did not sign us in yet", reason=str(exc))
            await asyncio.sleep(backoff.next_pause())
        case _ if client.bot_id:
            log.error("telegram refuses the bot; what waits goes on waiting", reason=word)
            await asyncio.sleep(backoff.next_pause())
        case _:
            raise StartError(
                f"Telegram refused the sign-in: {exc.ID or exc}. "
                "Check DJANGOBOT_BOT_TOKEN (from @BotFather), "
                "DJANGOBOT_API_ID and DJANGOBOT_API_HASH (my.telegram.org)"
            ) from exc


async def _set_menus(gateway: Gateway, settings: Settings) -> None:
    """Sets the commands in Telegram's menu for each language. People with any other language get English."""
    for language in LANGUAGES:
        code = "" if language == "en" else language
        while True:
            try:
                await gateway.set_commands(commands.menu(language), code)
            except Refused as exc:
                log.error("command menu refused", reason=exc.reason)
            except GatewayError as exc:
                log.warning("command menu not set yet", reason=str(exc))
                await asyncio.sleep(MENU_PAUSE)
                continue
            break
    for admin in await admins.every(settings.admins):
        if await chats.get(admin) is not None:
            await scheduled.put(admin, "menu", 0, "", utc_now())


def tune_python() -> None:
    """Tunes Python once the process is up. It must have been started without a garbage collector (cli.main).

    Objects that exist by now are never collected. Otherwise each full garbage collection would walk
    Pyrogram's half a million objects, and every request in progress would wait 100 ms for that. A database
    thread with a finished answer gets Python's lock within SWITCH_INTERVAL, even while the event loop is
    busy. So outcomes and claims do not wait for the loop.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    sys.setswitchinterval(SWITCH_INTERVAL)


def http_server(app: Application, bounds: Bounds | None = None, trusted: Sequence[str] = ()) -> Server:
    """Returns the server that every door runs on."""
    tune_python()
    return Server(app, bounds, trusted)


@contextlib.asynccontextmanager
async def _http(
    settings: Settings, listening: socket.socket, post: BotState | None
) -> AsyncIterator[asyncio.Task[None]]:
    door = Config(
        jwt_secret=settings.jwt_secret,
        send_wait=settings.send_wait,
        limit_send=settings.limit_send,
        registration=settings.registration,
        public_url=settings.public_url,
        version=__version__,
        telegram=lambda: "off" if post is None else post.telegram,
    )
    bounds = Bounds(idle=settings.http_idle, connections=settings.http_connections)
    server = http_server(create_app(door), bounds, settings.trusted_proxies)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield serving
    finally:
        server.stop()
        wakeups.release_waiters()
        await asyncio.gather(serving, return_exceptions=True)


@contextlib.asynccontextmanager
async def _once_up(
    post: BotState, call: Callable[[], Awaitable[bool]], stop: asyncio.Event
) -> AsyncIterator[asyncio.Task[None]]:
    async def until_true() -> None:
        await post.leading.wait()
        if post.client is not None:
            await post.client.online.wait()
        if await call():
            stop.set()
        await stop.wait()

    task = asyncio.create_task(until_true())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _first_end(running: list[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """Waits for the request to stop. If a part ends before that, its error stops the process."""
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done:
        if task is not stopping:
            task.result()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
