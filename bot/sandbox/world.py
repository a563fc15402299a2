"""The world the sandbox plays: people, bots, their private chats, messages and updates.

Rules of Telegram that concern one message's text or one method's arguments live in `api/`; here is what
must stay consistent: ids, message boxes with their pts, who may write to whom, what was said.

Every account (a bot or a person) has its own box: message ids and pts run through all its chats, as
they do in Telegram. A message therefore has two ids, one on each side; the JSON API speaks of the bot's.
"""

import asyncio
import bisect
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec

from djangobot.bot.sandbox.state import State

TL = dict[str, Any]

# Keys of accounts made here begin after these; a person's id may also be chosen freely.
FIRST_PERSON = 1001


class User(msgspec.Struct, kw_only=True):
    """A person or a bot."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language: str = ""
    phone: str = ""
    bot: bool = False
    deleted: bool = False
    about: str = ""
    description: str = ""


class File(msgspec.Struct, kw_only=True):
    """A stored file; its bytes lie in the state folder's `files/<id>`."""

    id: int
    name: str
    mime: str
    size: int
    kind: str
    date: int
    width: int = 0
    height: int = 0
    attributes: list[TL] = []
    spoiler: bool = False


class Message(msgspec.Struct, kw_only=True, gc=False):
    """One message of a private chat between a bot and a person.

    A sandbox may hold a million; as nothing in them refers back to one, the garbage collector need not walk
    them, which would stop everything for as long.
    """

    bot: int
    person: int
    id: int
    """The id on the bot's side."""
    person_side_id: int
    from_bot: bool
    date: int
    text: str
    entities: tuple[TL, ...] = ()
    markup: TL | None = None
    file: int | None = None
    reply_to: int | None = None
    """The bot's side id of the message this one answers."""
    random_id: int = 0
    edited: int = 0
    deleted: bool = False
    silent: bool = False
    grouped: int = 0
    pts: int = 0
    person_side_pts: int = 0


class Chat(msgspec.Struct, kw_only=True):
    """A private chat: has the person started the bot, blocked it, how far has each side read."""

    bot: int
    person: int
    started: bool = False
    blocked: bool = False
    read_by_person: int = 0
    read_by_bot: int = 0


class Event(msgspec.Struct, kw_only=True, gc=False):
    """A change of a box: what `updates.getDifference` lists and what is pushed. As many as messages."""

    kind: str
    """new, edit, delete, read_inbox, read_outbox (these move pts); stopped (moves qts); callback, typing."""
    pts: int = 0
    count: int = 0
    bot: int = 0
    message: int = 0
    ids: tuple[int, ...] = ()
    person: int = 0
    date: int = 0
    stopped: bool = False
    query: int = 0
    data: bytes = b""
    qts: int = 0
    action: str = ""


class Box:
    """An account's message box."""

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.last_id = 0
        self.pts = 1
        self.qts = 1
        self.log: list[Event] = []
        self.messages: dict[int, Message] = {}

    def since(self, pts: int) -> list[Event]:
        """The events after `pts`, oldest first."""
        return self.log[bisect.bisect_right(self.log, pts, key=lambda event: event.pts) :]


class Query:
    """A pressed button that waits for the bot's answer."""

    def __init__(self, number: int, bot: int, person: int, message: int, data: bytes) -> None:
        self.id = number
        self.bot = bot
        self.person = person
        self.message = message
        self.data = data
        self.made = time.monotonic()
        self.answer: asyncio.Future[TL] = asyncio.get_running_loop().create_future()


class Refused(Exception):
    """Something a person cannot do in this world; the text says why."""


class World:
    """People, bots, chats and messages; `notify(owner, event)` is called for every change of a box."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.users: dict[int, User] = {}
        self.bots: list[int] = []
        self.chats: dict[tuple[int, int], Chat] = {}
        self.boxes: dict[int, Box] = {}
        self.files: dict[int, File] = {}
        self.repeats: dict[tuple[int, int, int], Message] = {}
        """(sender, the other side, random_id): the message stored under it."""
        self.commands: dict[tuple[int, str, str], list[tuple[str, str]]] = {}
        """(bot, scope, language): what bots.setBotCommands set."""
        self.queries: dict[int, Query] = {}
        self.notify: Callable[[int, Event], None] = lambda owner, event: None
        self.changed: Callable[[str, Message], None] = lambda what, message: None
        self._waiting: dict[tuple[int, int], list[asyncio.Future[None]]] = {}
        self._by_chat: dict[tuple[int, int], list[Message]] = {}
        self._secret = b""
        self._load()

    # ---- people and bots

    def person(
        self,
        number: int | None,
        first_name: str,
        last_name: str = "",
        username: str = "",
        language: str = "",
        phone: str = "",
    ) -> User:
        """A new person, or new names for the one who has this id."""
        if number is None:
            number = (
                max((user.id for user in self.users.values() if not user.bot), default=FIRST_PERSON - 1) + 1
            )
            while number in self.users:
                number += 1
        known = self.users.get(number)
        if known and known.bot:
            raise Refused(f"{number} is a bot")
        if username and (taken := self.by_username(username)) and taken.id != number:
            raise Refused(f"the username {username} is taken")
        phone = phone or (known.phone if known else f"999{number}")
        if any(user.phone == phone and user.id != number for user in self.users.values() if not user.bot):
            raise Refused(f"the phone number {phone} is taken")
        user = User(
            id=number,
            first_name=first_name,
            last_name=last_name,
            username=username,
            language=language,
            phone=phone,
        )
        self._keep_user(user)
        return user

    def bot(self, number: int) -> User:
        """The bot with this id; it comes into being with its first sign-in."""
        user = self.users.get(number)
        if user is None:
            user = User(id=number, first_name=f"Bot {number}", username=f"sandbox_{number}_bot", bot=True)
            self._keep_user(user)
        if not user.bot:
            raise Refused(f"{number} is a person")
        if number not in self.bots:
            self.bots.append(number)
            self.state.put("bots", "order", self.bots)
        return user

    def keep_user(self, user: User) -> None:
        """Stores a changed user."""
        self._keep_user(user)

    def by_username(self, username: str) -> User | None:
        """Whoever has this username, in any case of its letters."""
        username = username.lower()
        return next((u for u in self.users.values() if u.username and u.username.lower() == username), None)

    def by_phone(self, phone: str) -> User | None:
        """The person with this phone number."""
        digits = "".join(c for c in phone if c.isdigit())
        return next((u for u in self.users.values() if not u.bot and u.phone == digits), None)

    def access_hash(self, viewer: int, user: int) -> int:
        """What `viewer` must present for `user`: different for each viewer, the same after a restart."""
        digest = hashlib.sha256(self._secret + f"{viewer}:{user}".encode()).digest()
        return int.from_bytes(digest[:8], "little", signed=True) or 1

    # ---- chats

    def chat(self, bot: int, person: int) -> Chat:
        """Their chat; made when they have none."""
        chat = self.chats.get((bot, person))
        if chat is None:
            chat = Chat(bot=bot, person=person)
            self.chats[bot, person] = chat
            self._keep_chat(chat)
        return chat

    def history(self, bot: int, person: int) -> list[Message]:
        """Their messages, oldest first, deleted ones too."""
        return self._by_chat.get((bot, person), [])

    def box(self, owner: int) -> Box:
        """An account's box."""
        box = self.boxes.get(owner)
        if box is None:
            box = self.boxes[owner] = Box(owner)
        return box

    def block(self, bot: int, person: int, blocked: bool) -> bool:
        """The person blocks or unblocks the bot, which is told; False when nothing changed."""
        chat = self.chat(bot, person)
        if chat.blocked == blocked:
            return False
        chat.blocked = blocked
        self._keep_chat(chat)
        box = self.box(bot)
        box.qts += 1
        event = Event(kind="stopped", person=person, date=_now(), stopped=blocked, qts=box.qts)
        self.state.put("stopped", f"{bot}/{box.qts}", event)
        self._stopped.setdefault(bot, []).append(event)
        self.notify(bot, event)
        return True

    def stopped_since(self, bot: int, qts: int) -> list[Event]:
        """Who blocked or unblocked the bot after this qts."""
        return [event for event in self._stopped.get(bot, []) if event.qts > qts]

    # ---- messages

    def store(
        self, bot: int, person: int, *, from_bot: bool, text: str, random_id: int, **rest: Any
    ) -> Message:
        """Adds a message to both boxes; the sender's random_id is remembered for ever."""
        here, there = self.box(bot), self.box(person)
        here.last_id += 1
        there.last_id += 1
        here.pts += 1
        there.pts += 1
        message = Message(
            bot=bot,
            person=person,
            id=here.last_id,
            person_side_id=there.last_id,
            from_bot=from_bot,
            date=_now(),
            text=text,
            random_id=random_id,
            pts=here.pts,
            person_side_pts=there.pts,
            **rest,
        )
        self._place(message)
        self._keep(message)
        if not from_bot:
            chat = self.chat(bot, person)
            if not chat.started:
                chat.started = True
                self._keep_chat(chat)
        self._wake(message, "new")
        return message

    def announce(self, message: Message, *, skip: int = 0) -> None:
        """Tells both sides of a new message, but for the account `skip`, which got it as its answer."""
        if skip != message.bot:
            self.notify(
                message.bot, Event(kind="new", pts=message.pts, count=1, bot=message.bot, message=message.id)
            )
        if skip != message.person:
            event = Event(
                kind="new", pts=message.person_side_pts, count=1, bot=message.bot, message=message.id
            )
            self.notify(message.person, event)

    def edit(self, message: Message, *, skip: int = 0) -> Event:
        """Records that a message was changed; answers the event in the editor's box."""
        message.edited = _now()
        self._keep(message)
        events = {}
        for owner in (message.bot, message.person):
            events[owner] = self._log(owner, Event(kind="edit", count=1, bot=message.bot, message=message.id))
            if owner != skip:
                self.notify(owner, events[owner])
        self._wake(message, "edit")
        return events[message.bot]

    def delete(self, owner: int, messages: list[Message], *, skip: int = 0) -> Event | None:
        """Deletes messages on both sides; answers the event in `owner`'s box."""
        gone = [message for message in messages if not message.deleted]
        for message in gone:
            message.deleted = True
            self._keep(message)
        sides: dict[int, list[int]] = {}
        for message in gone:
            sides.setdefault(message.bot, []).append(message.id)
            sides.setdefault(message.person, []).append(message.person_side_id)
        answer = None
        for side, ids in sides.items():
            event = self._log(side, Event(kind="delete", count=len(ids), ids=tuple(ids)))
            if side == owner:
                answer = event
            if side != skip:
                self.notify(side, event)
        for message in gone:
            self._wake(message, "delete")
        return answer

    def read(self, reader: int, bot: int, person: int, max_id: int) -> Event | None:
        """`reader` has read the chat up to `max_id` (its own side's id)."""
        chat = self.chat(bot, person)
        if reader == bot:
            if max_id <= chat.read_by_bot:
                return None
            chat.read_by_bot = max_id
        else:
            if max_id <= chat.read_by_person:
                return None
            chat.read_by_person = max_id
        self._keep_chat(chat)
        other = person if reader == bot else bot
        return self._log(reader, Event(kind="read_inbox", count=1, person=other, ids=(max_id,)))

    def side_id(self, message: Message, viewer: int) -> int:
        """The message's id on the viewer's side."""
        return message.id if viewer == message.bot else message.person_side_id

    async def wait_for_message(self, bot: int, person: int, seconds: float) -> None:
        """Returns when something changes in the chat, or when the time is over."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault((bot, person), [])
        waiting.append(future)
        try:
            await asyncio.wait([future], timeout=seconds)
        finally:
            waiting.remove(future)

    # ---- pressed buttons

    def press(self, bot: int, person: int, message: Message, data: bytes) -> Query:
        """The person presses a button; the bot is told."""
        now = time.monotonic()
        for number, old in list(self.queries.items()):
            # Telegram forgets unanswered queries after a while; a minute suffices for a late answer.
            if now - old.made > 75:
                del self.queries[number]
        query = Query(secrets.randbits(62) | 1, bot, person, message.id, data)
        self.queries[query.id] = query
        self.notify(bot, self.query_event(query))
        return query

    def query_event(self, query: Query) -> Event:
        """What the bot is told of a pressed button."""
        return Event(
            kind="callback", query=query.id, person=query.person, message=query.message, data=query.data
        )

    # ---- files

    def add_file(self, file: File) -> None:
        """Stores a file's description."""
        self.files[file.id] = file
        self.state.put("file", file.id, file)

    # ---- commands

    def set_commands(
        self, bot: int, scope: str, language: str, commands: list[tuple[str, str]] | None
    ) -> None:
        """Sets, or with None removes, a bot's commands for a scope and language."""
        key = (bot, scope, language)
        if commands is None:
            self.commands.pop(key, None)
            self.state.drop("commands", "/".join(map(str, key)))
        else:
            self.commands[key] = commands
            self.state.put("commands", "/".join(map(str, key)), (key, commands))

    def commands_for(self, bot: int, person: User | None) -> list[tuple[str, str]]:
        """What the person sees: the narrowest scope first, in each their language first."""
        scopes = [f"peer:{person.id}", "users", "default"] if person else ["default"]
        languages = [person.language.split("-")[0], ""] if person and person.language else [""]
        for scope in scopes:
            for language in languages:
                if (bot, scope, language) in self.commands:
                    return self.commands[bot, scope, language]
        return []

    # ---- inside

    def _log(self, owner: int, event: Event) -> Event:
        box = self.box(owner)
        box.pts += event.count
        event.pts = box.pts
        box.log.append(event)
        self.state.put("event", f"{owner}/{event.pts}", (owner, event))
        return event

    def _place(self, message: Message) -> None:
        here, there = self.box(message.bot), self.box(message.person)
        here.messages[message.id] = message
        there.messages[message.person_side_id] = message
        here.log.append(Event(kind="new", pts=message.pts, count=1, bot=message.bot, message=message.id))
        there.log.append(
            Event(kind="new", pts=message.person_side_pts, count=1, bot=message.bot, message=message.id)
        )
        self._by_chat.setdefault((message.bot, message.person), []).append(message)
        if message.random_id:
            sender, other = (
                (message.bot, message.person) if message.from_bot else (message.person, message.bot)
            )
            self.repeats[sender, other, message.random_id] = message

    def _wake(self, message: Message, what: str) -> None:
        self.changed(what, message)
        for future in self._waiting.get((message.bot, message.person), []):
            if not future.done():
                future.set_result(None)

    def _keep(self, message: Message) -> None:
        self.state.put("message", f"{message.bot}/{message.id}", message)

    def _keep_chat(self, chat: Chat) -> None:
        self.state.put("chat", f"{chat.bot}/{chat.person}", chat)

    def _keep_user(self, user: User) -> None:
        self.users[user.id] = user
        self.state.put("user", user.id, user)

    def _load(self) -> None:
        state = self.state
        secret = dict(state.all("secret", bytes)).get("access_hash")
        self._secret = secret or os.urandom(32)
        if secret is None:
            state.put("secret", "access_hash", self._secret)
        self.users = {user.id: user for _, user in state.all("user", User)}
        self.bots = dict(state.all("bots", list[int])).get("order", [])
        self.chats = {(chat.bot, chat.person): chat for _, chat in state.all("chat", Chat)}
        self.files = {file.id: file for _, file in state.all("file", File)}
        self.commands = {
            key: commands
            for _, (key, commands) in state.all(
                "commands", tuple[tuple[int, str, str], list[tuple[str, str]]]
            )
        }
        for message in sorted((m for _, m in state.all("message", Message)), key=lambda m: (m.bot, m.id)):
            self._place(message)
        for _, (owner, event) in state.all("event", tuple[int, Event]):
            self.box(owner).log.append(event)
        self._stopped: dict[int, list[Event]] = {}
        for key, event in state.all("stopped", Event):
            self._stopped.setdefault(int(key.split("/")[0]), []).append(event)
        for bot, events in self._stopped.items():
            events.sort(key=lambda event: event.qts)
            self.box(bot).qts = events[-1].qts
        for box in self.boxes.values():
            box.log.sort(key=lambda event: event.pts)
            box.last_id = max(box.messages, default=0)
            box.pts = box.log[-1].pts if box.log else 1


def _now() -> int:
    return int(time.time())
