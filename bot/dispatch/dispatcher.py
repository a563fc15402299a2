"""Dispatcher: handles what people do in the chat, one thing after another for each person.

Each update becomes a `Context`, which goes to the handler that the command table names. Answers carry a
random_id made from the update, so an update that comes twice is answered once.
"""

import asyncio
import re
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import count
from typing import Any, TypeVar

import structlog
from pyrogram import raw
from pyrogram.raw.core import TLObject

from djangobot.bot.backoff import Backoff
from djangobot.bot.dispatch.throttle import Throttle
from djangobot.bot.rendering.replies import formatted, language_of
from djangobot.bot.settings import Settings
from djangobot.bot.telegram.gateway import (
    UNKNOWN_TELEGRAM_ID,
    AnswerLost,
    Blocked,
    Button,
    File,
    FloodWait,
    Gateway,
    GatewayError,
    Peer,
    Text,
    derived_id,
)
from djangobot.db.clock import utc_now
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats
from djangobot.db.people.chats import Chat

log = structlog.get_logger(__name__)

WAITING_MOST = 50
"""Things that one person may have waiting to be handled. Further ones are dropped."""
TURNED_AWAY_MOST = 10_000
TRIES = 8
LONGEST_WAIT = 60
"""Seconds. An answer waits for a FLOOD_WAIT up to this long; a longer one ends it."""


Answer = TypeVar("Answer")
SPACE = re.compile("[\\s\u200b\u2060\ufeff]+")
"""White space of any kind, as phones and other programs put it between a command and its argument."""
DIGITS = 18
"""A number of this many digits always fits into the database's integers."""


def number_in(data: str) -> int:
    """The number in a part of a button's data. 0 if it is not a number."""
    return int(data) if data.isascii() and data.isdigit() and len(data) <= DIGITS else 0


def sender_in(data: str) -> int:
    """The number of a sender. It is negative for a token of a chat's own. 0 if it is not a number."""
    return -number_in(data[1:]) if data.startswith("-") else number_in(data)


def stripped(text: str) -> str:
    """The text without the white space around it, invisible kinds included."""
    return re.sub(rf"\A{SPACE.pattern}|{SPACE.pattern}\Z", "", text)


class Context:
    """One thing a person did: wrote `text`, or pressed a button with `data` under message `message_id`.

    `asked` is the question's part behind the colon, if the text answers one. `number` is Telegram's id of the
    message that the person wrote, `written` is its time there.
    """

    def __init__(self, gateway: Gateway, settings: Settings, chat: Chat, key: str, now: datetime) -> None:
        self.gateway = gateway
        self.settings = settings
        self.chat = chat
        self.key = key
        self.now = now
        self.text = ""
        self.data = ""
        self.asked = ""
        self.message_id = 0
        self.number = 0
        self.written = now
        self.query_id = 0
        self.replies = 0
        self.tries = TRIES

    @property
    def language(self) -> str:
        """The language in which we write to this person."""
        return language_of(self.chat.language_tag)

    @property
    def zone(self) -> tzinfo:
        """The person's time zone."""
        return self.chat.preferences.clock

    @property
    def argument(self) -> str:
        """The text behind a command's name or a button's prefix."""
        return self.data.partition(":")[2] if self.data else self.words[1]

    @property
    def words(self) -> tuple[str, str]:
        """The command without its slash and the bot's name, and the text behind it after any white space."""
        command, *rest = SPACE.split(stripped(self.text.removeprefix("/")), maxsplit=1)
        return command.partition("@")[0].lower(), rest[0] if rest else ""

    async def reply(self, text: Text) -> int:
        """Sends a new message. Returns its id in the chat, which may be UNKNOWN_TELEGRAM_ID."""
        random_id = self._next_random_id(text.text)
        return await self._insist(lambda: self.gateway.send(self._peer(), text, random_id))

    async def reply_file(self, file: File, caption: Text) -> int:
        """Sends a file or a picture as a new message. Returns its id in the chat."""
        random_id = self._next_random_id(file.name)
        return await self._insist(lambda: self.gateway.send_file(self._peer(), file, caption, random_id))

    async def replace(self, text: Text, file: File | None = None) -> None:
        """Replaces the message whose button was pressed, and its file if it shows one."""
        await self.edit(self.message_id, text, file)

    async def edit(self, message_id: int, text: Text, file: File | None = None) -> None:
        """Replaces a message of ours."""
        if message_id != UNKNOWN_TELEGRAM_ID:
            await self._insist(lambda: self.gateway.edit(self._peer(), message_id, text, file))

    async def replace_buttons(self, rows: Sequence[Sequence[Button]]) -> None:
        """Replaces the buttons under the message whose button was pressed."""
        if self.message_id != UNKNOWN_TELEGRAM_ID:
            await self._insist(lambda: self.gateway.edit_buttons(self._peer(), self.message_id, rows))

    async def answer(self, words: str = "") -> None:
        """Ends the waiting state of the button, and shows `words` for a moment."""
        await self._insist(lambda: self.gateway.answer(self.query_id, words))

    async def set_menu(self, names: Sequence[tuple[str, str]]) -> None:
        """Sets the commands in the menu that Telegram shows this person."""
        await self._insist(lambda: self.gateway.set_commands(names, peer=self._peer()))

    def _next_random_id(self, content: str) -> int:
        self.replies += 1
        return derived_id(self.chat.id, self.key, self.replies, content)

    async def _insist(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Repeats a call whose answer was lost. Every such call takes effect once."""
        backoff = Backoff()
        for attempt in count():
            last = attempt + 1 >= self.tries
            try:
                return await call()
            except AnswerLost:
                if last:
                    raise
                await asyncio.sleep(backoff.next_pause())
            except FloodWait as exc:
                if last or exc.seconds > LONGEST_WAIT:
                    raise
                await asyncio.sleep(exc.seconds)
        raise AssertionError("the last attempt returns or raises")

    def _peer(self) -> Peer:
        return Peer(self.chat.id, self.chat.access_hash)


Handler = Callable[[Context], Awaitable[None]]
Line = deque[tuple[Callable[[], Awaitable[None]], asyncio.Future[None]]]


class Dispatcher:
    """Handles every update: one at a time and in order for each person, many people at once."""

    def __init__(
        self,
        gateway: Gateway,
        write: Handler,
        press: Handler,
        settings: Settings,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.gateway = gateway
        self.settings = settings
        self.write = write
        self.press = press
        self.now = now
        self.calm = Throttle()
        self.turned_away: OrderedDict[Peer, None] = OrderedDict()
        """Groups and channels that have been told already."""
        self.waiting: dict[int, Line] = {}
        self.busy: set[asyncio.Task[None]] = set()

    def receive(self, update: TLObject, users: dict[int, Any]) -> asyncio.Future[None] | None:
        """Accepts an update. Returns a future that is done when the update has been handled, or None when
        there is nothing to handle."""
        if isinstance(update, raw.types.UpdateNewMessage | raw.types.UpdateNewChannelMessage):
            return self._on_message(update.message, users)
        if isinstance(update, raw.types.UpdateBotCallbackQuery):
            return self._on_press(update, users)
        if isinstance(update, raw.types.UpdateBotStopped):
            return self.enqueue(update.user_id, lambda: self._on_stopped(update))
        return None

    def visit(self, chat: Chat, key: str) -> Context:
        """Returns a context for this person, at the present time. `key` identifies what they did; it is the
        same when that comes again."""
        return Context(self.gateway, self.settings, chat, key, self.now())

    async def stop(self, grace: float) -> None:
        """Lets the answers in progress end, for `grace` seconds at most."""
        if self.busy:
            _, late = await asyncio.wait(set(self.busy), timeout=grace)
            for task in late:
                task.cancel()

    def _on_message(self, message: Any, users: dict[int, Any]) -> asyncio.Future[None] | None:
        if isinstance(message, raw.types.MessageEmpty) or message.out:
            return None
        if not isinstance(message.peer_id, raw.types.PeerUser):
            return self._turn_away(message, users)
        if not isinstance(message, raw.types.Message):
            return None
        person_id = message.peer_id.user_id

        async def visit() -> None:
            chat = await self._meet(person_id, users)
            if chat.banned:
                return
            visit = self.visit(chat, f"message {message.id}")
            visit.text = message.message or ""
            visit.number, visit.written = message.id, datetime.fromtimestamp(message.date, UTC)
            await self.write(visit)

        return self._take(person_id, visit, f"message {message.id}", users)

    def _on_press(self, update: Any, users: dict[int, Any]) -> asyncio.Future[None] | None:
        async def visit() -> None:
            chat = await self._meet(update.user_id, users)
            visit = self.visit(chat, f"press {update.query_id}")
            visit.data = (update.data or b"").decode("utf-8", "replace")
            visit.message_id = update.msg_id
            visit.query_id = update.query_id
            if chat.banned:
                return await visit.answer()
            await self.press(visit)

        return self._take(update.user_id, visit, f"press {update.query_id}", users)

    def _take(
        self, person_id: int, visit: Callable[[], Awaitable[None]], key: str, users: dict[int, Any]
    ) -> asyncio.Future[None] | None:
        """Queues what a person did. In a flood the person is warned once that nothing is answered until it is
        over."""

        async def warn() -> None:
            chat = await self._meet(person_id, users)
            if chat.banned:
                return
            warning = self.visit(chat, key)
            await warning.reply(formatted(warning.language, "too-much"))

        match self.calm.check(person_id, self.now()):
            case "answer":
                return self.enqueue(person_id, visit)
            case "warn":
                log.warning("person asks too much", chat=person_id)
                return self.enqueue(person_id, warn)
        return None

    def _turn_away(self, message: Any, users: dict[int, Any]) -> asyncio.Future[None] | None:
        """Tells a group or a channel once that the bot works in private chats alone. A repeat has the same
        random_id."""
        if isinstance(message.peer_id, raw.types.PeerChat):
            peer = Peer(message.peer_id.chat_id, 0, "group")
        else:
            number = message.peer_id.channel_id
            peer = Peer(number, getattr(users.get(-number), "access_hash", None) or 0, "channel")
        if peer in self.turned_away:
            return None
        self.turned_away[peer] = None
        if len(self.turned_away) > TURNED_AWAY_MOST:
            self.turned_away.popitem(last=False)
        writer = users.get(getattr(message.from_id, "user_id", 0))
        text = formatted(language_of(getattr(writer, "lang_code", None)), "private-only")
        random_id = derived_id("private only", peer.kind, peer.id)

        async def tell() -> None:
            await self.gateway.send(peer, text, random_id)

        return self.enqueue(-peer.id, tell)

    async def _on_stopped(self, update: Any) -> None:
        change = chats.block if update.stopped else chats.unblock
        await change(update.user_id, self.now())

    async def _meet(self, person_id: int, users: dict[int, Any]) -> Chat:
        """Returns the person's chat, with their present name. Someone who writes or presses has not blocked
        us."""
        user = users.get(person_id)
        chat = await chats.get(person_id) if user is None else None
        if chat is None:
            chat = await chats.meet(
                person_id,
                access_hash=getattr(user, "access_hash", None) or 0,
                first_name=getattr(user, "first_name", None) or "",
                last_name=getattr(user, "last_name", None) or "",
                username=getattr(user, "username", None) or "",
                language=getattr(user, "lang_code", None) or "",
                now=self.now(),
            )
        if chat.blocked:
            await chats.unblock(person_id, self.now())
        return chat

    def enqueue(self, person_id: int, visit: Callable[[], Awaitable[None]]) -> asyncio.Future[None] | None:
        """Runs it after all earlier things of this person. Returns None when too many are waiting."""
        line = self.waiting.get(person_id)
        if line is not None and len(line) >= WAITING_MOST:
            log.warning("person asks too much at once", chat=person_id)
            return None
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if line is None:
            line = self.waiting[person_id] = deque()
            task = asyncio.create_task(self._serve(person_id, line))
            self.busy.add(task)
            task.add_done_callback(self.busy.discard)
        line.append((visit, done))
        return done

    async def _serve(self, person_id: int, line: Line) -> None:
        try:
            while line:
                visit, done = line[0]
                await self._run(person_id, visit)
                done.set_result(None)
                line.popleft()
        finally:
            del self.waiting[person_id]

    async def _run(self, person_id: int, visit: Callable[[], Awaitable[None]]) -> None:
        """Runs it. When the database is unavailable, tries again until it answers."""
        backoff = Backoff()
        while True:
            try:
                await visit()
                return
            except DatabaseUnavailable as exc:
                log.error("database not available to a visit", reason=str(exc.__cause__ or exc))
                await asyncio.sleep(backoff.next_pause())
            except Blocked:
                await chats.block(person_id, self.now())
                return
            except GatewayError as exc:
                log.warning("person not answered", chat=person_id, reason=str(exc))
                return
            except Exception:
                log.exception("handler failed", chat=person_id)
                return
