"""Dispatcher: handles what people do in the chat, one thing after another for each person.

Each update becomes a `Context`, which goes to the handler that the command table names.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from cachetools import LRUCache

from djangobot.bot.backoff import Backoff
from djangobot.bot.context import Context, Handler
from djangobot.bot.dispatch.throttle import Throttle
from djangobot.bot.rendering.replies import formatted
from djangobot.bot.settings import Settings
from djangobot.bot.telegram.errors import Blocked, GatewayError
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.incoming import BotStopped, Callback, GroupMessage, Incoming, Message, Person
from djangobot.db.clock import utc_now
from djangobot.db.delivery.random_ids import derived_id
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.people import chats
from djangobot.db.people.chat_settings import language_of
from djangobot.db.people.chats import Chat
from djangobot.db.tasks import Tasks

log = structlog.get_logger(__name__)

WAITING_MOST = 50
"""Things that one person may have waiting to be handled. Further ones are dropped."""
TURNED_AWAY_MOST = 10_000

Task = Callable[[], Awaitable[None]]
Queue = deque[tuple[Task, asyncio.Future[None]]]
"""What one person waits for, and the futures that are done with it."""


class Dispatcher:
    """Handles every update: one at a time and in order for each person, many people at once. `on_message` and
    `on_callback` are those of commands.py."""

    def __init__(
        self,
        gateway: Gateway,
        on_message: Handler,
        on_callback: Handler,
        settings: Settings,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.gateway = gateway
        self.settings = settings
        self.on_message = on_message
        self.on_callback = on_callback
        self.now = now
        self.throttle = Throttle()
        self.turned_away: LRUCache[Peer, bool] = LRUCache(TURNED_AWAY_MOST)
        """Groups and channels that have been told already."""
        self.waiting: dict[int, Queue] = {}
        self.busy = Tasks()

    def receive(self, incoming: Incoming) -> asyncio.Future[None] | None:
        """Accepts what a person did. Returns a future that is done when it has been handled, or None when
        there is nothing to handle."""
        match incoming:
            case Message():
                return self._on_message(incoming)
            case Callback():
                return self._on_callback(incoming)
            case BotStopped():
                return self.enqueue(incoming.person_id, lambda: self._on_stopped(incoming))
            case GroupMessage():
                return self._turn_away(incoming)

    def context(self, chat: Chat, key: str) -> Context:
        """Returns a context for what this person did, at the present time."""
        return Context(self.gateway, self.settings, chat, key, self.now())

    async def stop(self, grace: float) -> None:
        """Lets the answers in progress end, for `grace` seconds at most."""
        if self.busy:
            _, late = await asyncio.wait(set(self.busy), timeout=grace)
            for task in late:
                task.cancel()

    def _on_message(self, message: Message) -> asyncio.Future[None] | None:
        key = f"message {message.id}"

        async def handle() -> None:
            chat = await self._meet(message.person_id, message.person)
            if chat.banned:
                return
            context = self.context(chat, key)
            context.text = message.text
            context.number, context.written = message.id, message.time
            await self.on_message(context)

        return self._enqueue_throttled(message, handle, key)

    def _on_callback(self, callback: Callback) -> asyncio.Future[None] | None:
        key = f"press {callback.query_id}"

        async def handle() -> None:
            chat = await self._meet(callback.person_id, callback.person)
            context = self.context(chat, key)
            context.data = callback.data
            context.message_id = callback.message_id
            context.query_id = callback.query_id
            if chat.banned:
                return await context.answer()
            await self.on_callback(context)

        return self._enqueue_throttled(callback, handle, key)

    def _enqueue_throttled(
        self, incoming: Message | Callback, handle: Task, key: str
    ) -> asyncio.Future[None] | None:
        """Queues what a person did. In a flood the person is warned once that nothing is answered until it is
        over."""
        person_id = incoming.person_id

        async def warn() -> None:
            chat = await self._meet(person_id, incoming.person)
            if chat.banned:
                return
            warning = self.context(chat, key)
            await warning.reply(formatted(warning.language, "too-much"))

        match self.throttle.check(person_id, self.now()):
            case "answer":
                return self.enqueue(person_id, handle)
            case "warn":
                log.warning("person asks too much", chat=person_id)
                return self.enqueue(person_id, warn)
        return None

    def _turn_away(self, message: GroupMessage) -> asyncio.Future[None] | None:
        """Tells a group or a channel once that the bot works in private chats alone. A repeat has the same
        random_id."""
        peer = message.peer
        if peer in self.turned_away:
            return None
        self.turned_away[peer] = True
        text = formatted(language_of(message.language_tag), "private-only")
        random_id = derived_id("private only", peer.kind, peer.id)

        async def send() -> None:
            await self.gateway.send(peer, text, random_id)

        return self.enqueue(-peer.id, send)

    async def _on_stopped(self, change: BotStopped) -> None:
        note = chats.block if change.stopped else chats.unblock
        await note(change.person_id, self.now())

    async def _meet(self, person_id: int, person: Person | None) -> Chat:
        """Returns the person's chat, with their present name. Someone who writes or presses has not blocked
        us."""
        chat = await chats.get(person_id) if person is None else None
        if chat is None:
            known = person or Person()
            chat = await chats.meet(
                person_id,
                access_hash=known.access_hash,
                first_name=known.first_name,
                last_name=known.last_name,
                username=known.username,
                language=known.language_tag,
                now=self.now(),
            )
        if chat.blocked:
            await chats.unblock(person_id, self.now())
        return chat

    def enqueue(self, person_id: int, task: Task) -> asyncio.Future[None] | None:
        """Runs it after all earlier things of this person. Returns None when too many are waiting."""
        queue = self.waiting.get(person_id)
        if queue is not None and len(queue) >= WAITING_MOST:
            log.warning("person asks too much at once", chat=person_id)
            return None
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if queue is None:
            queue = self.waiting[person_id] = deque()
            self.busy.start(self._run_all(person_id, queue))
        queue.append((task, done))
        return done

    async def _run_all(self, person_id: int, queue: Queue) -> None:
        try:
            while queue:
                task, done = queue[0]
                await self._run(person_id, task)
                done.set_result(None)
                queue.popleft()
        finally:
            del self.waiting[person_id]

    async def _run(self, person_id: int, task: Task) -> None:
        """Runs it. When the database is unavailable, tries again until it answers."""
        backoff = Backoff()
        while True:
            try:
                await task()
                return
            except DatabaseUnavailable as exc:
                log.error("database not available to a handler", reason=str(exc.__cause__ or exc))
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
