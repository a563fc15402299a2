"""The world as a whole: private chats and their messages, and who is notified of a change."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world.accounts import Accounts
from djangobot.bot.sandbox.world.bot_commands import BotCommands
from djangobot.bot.sandbox.world.boxes import Box, Boxes, Numbers
from djangobot.bot.sandbox.world.callback_queries import CallbackQueries, CallbackQuery
from djangobot.bot.sandbox.world.files import Files
from djangobot.bot.sandbox.world.records import Chat, Event, Extras, Message, new_message


class World:
    """Accounts, chats and messages; `notify(owner, event)` is called for every change of a box."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.accounts = Accounts(state)
        self.commands = BotCommands(state)
        self.callback_queries = CallbackQueries()
        self.chats = {(chat.bot, chat.person): chat for _, chat in state.all("chat", Chat)}
        self.files = Files(state)
        self._date = 0
        self.clock_shift = 0.0
        """Seconds by which dates here are ahead of the machine's clock."""
        self._by_random_id: dict[int, Message | list[Message]] = {}
        """A list when several senders have chosen the same number."""
        self.notify: Callable[[int, Event], None] = lambda owner, event: None
        self.changed: Callable[[str, Message], None] = lambda what, message: None
        self._boxes = Boxes(state)
        self._numbers = Numbers()
        self._waiting: dict[tuple[int, int], list[asyncio.Future[None]]] = {}
        self._by_chat: dict[tuple[int, int], list[Message]] = {}
        self._load()

    def _load(self) -> None:
        stored = [message for _, message in self.state.all("message", Message)]
        stored.sort(key=lambda message: (message.bot, message.id))
        shared = self._numbers.shared
        for message in stored:
            message.id, message.person_side_id = shared(message.id), shared(message.person_side_id)
            message.pts, message.person_side_pts = shared(message.pts), shared(message.person_side_pts)
            self._index(message)
        self._boxes.load(stored)

    def now(self) -> int:
        """Seconds since 1970, as messages are dated here."""
        return int(time.time() + self.clock_shift)

    # ---- chats

    def chat(self, bot: int, person: int) -> Chat:
        """Their chat; a new one when they have none."""
        chat = self.chats.get((bot, person))
        if chat is None:
            chat = Chat(bot=bot, person=person)
            self.chats[bot, person] = chat
            self._save_chat(chat)
        return chat

    def history(self, bot: int, person: int) -> list[Message]:
        """Their messages, oldest first, deleted ones too."""
        return self._by_chat.get((bot, person), [])

    def box(self, owner: int) -> Box:
        """An account's message box."""
        return self._boxes.of(owner)

    def block(self, bot: int, person: int, blocked: bool) -> bool:
        """The person blocks or unblocks the bot, which is told; False when nothing changed."""
        chat = self.chat(bot, person)
        if chat.blocked == blocked:
            return False
        chat.blocked = blocked
        self._save_chat(chat)
        event = Event(kind="stopped", person=person, date=self.now(), stopped=blocked)
        self._boxes.log_by_qts(bot, event)
        self.notify(bot, event)
        return True

    def since_qts(self, bot: int, qts: int) -> list[Event]:
        """The blocks and reactions after this qts."""
        return self._boxes.since_qts(bot, qts)

    def read(self, reader: int, bot: int, person: int, max_id: int) -> Event | None:
        """`reader` has read the chat up to `max_id`, which is an id of the reader's side."""
        chat = self.chat(bot, person)
        if reader == bot:
            if max_id <= chat.read_by_bot:
                return None
            chat.read_by_bot = max_id
        else:
            if max_id <= chat.read_by_person:
                return None
            chat.read_by_person = max_id
        self._save_chat(chat)
        other = person if reader == bot else bot
        return self._boxes.log(reader, Event(kind="read_inbox", count=1, person=other, ids=(max_id,)))

    async def wait_for_message(self, bot: int, person: int, seconds: float) -> None:
        """Returns when something changes in the chat, or when the time is over."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault((bot, person), [])
        waiting.append(future)
        try:
            await asyncio.wait([future], timeout=seconds)
        finally:
            waiting.remove(future)

    # ---- messages

    def store(
        self, bot: int, person: int, *, from_bot: bool, text: str, random_id: int, **rest: Any
    ) -> Message:
        """Adds a message to both boxes; the sender's random_id is remembered for ever."""
        shared = self._numbers.shared
        here, there = self.box(bot), self.box(person)
        for box in (here, there):
            box.last_id, box.pts = shared(box.last_id + 1), shared(box.pts + 1)
        if (now := self.now()) != self._date:
            self._date = now
        message = Message(
            bot=bot,
            person=person,
            id=here.last_id,
            person_side_id=there.last_id,
            from_bot=from_bot,
            date=self._date,
            text=text,
            random_id=random_id,
            pts=here.pts,
            person_side_pts=there.pts,
            **rest,
        )
        self._boxes.place(message)
        self._index(message)
        self._save(message)
        if not from_bot:
            chat = self.chat(bot, person)
            if not chat.started:
                chat.started = True
                self._save_chat(chat)
        self._notify_waiting(message, "new")
        return message

    def sent_with(self, sender: int, receiver: int, random_id: int) -> Message | None:
        """The message that the sender has stored under this random_id."""
        found = self._by_random_id.get(random_id, [])
        known = found if isinstance(found, list) else [found]
        return next((message for message in known if message.sides == (sender, receiver)), None)

    def announce(self, message: Message, *, skip: int = 0) -> None:
        """Tells both sides of a new message. The account `skip` got it as the answer to its call."""
        for owner in (message.bot, message.person):
            if owner != skip:
                self.notify(owner, new_message(message, owner))

    def edit(self, message: Message, *, skip: int = 0) -> Event:
        """Records that a message was changed; returns the event of the bot's box."""
        message.edited = self.now()
        self._save(message)
        events = {}
        for owner in (message.bot, message.person):
            event = Event(kind="edit", count=1, bot=message.bot, message=message.id)
            events[owner] = self._boxes.log(owner, event)
            if owner != skip:
                self.notify(owner, events[owner])
        self._notify_waiting(message, "edit")
        return events[message.bot]

    def delete(self, owner: int, messages: list[Message], *, skip: int = 0) -> Event | None:
        """Deletes messages on both sides; returns the event of `owner`'s box."""
        gone = [message for message in messages if not message.deleted]
        for message in gone:
            message.deleted = True
            self._save(message)
        sides: dict[int, list[int]] = {}
        for message in gone:
            sides.setdefault(message.bot, []).append(message.id)
            sides.setdefault(message.person, []).append(message.person_side_id)
        answer = None
        for side, ids in sides.items():
            event = self._boxes.log(side, Event(kind="delete", count=len(ids), ids=tuple(ids)))
            if side == owner:
                answer = event
            if side != skip:
                self.notify(side, event)
        for message in gone:
            self._notify_waiting(message, "delete")
        return answer

    def pin(self, messages: list[Message], pinned: bool, *, skip: int = 0) -> dict[int, list[Event]]:
        """Pins or unpins messages of one chat on both sides; returns the event of each side's box."""
        changed = [m for m in messages if bool(m.extras and m.extras.pinned) != pinned]
        for message in changed:
            _extras(message).pinned = pinned
            self._save(message)
        events: dict[int, list[Event]] = {messages[0].bot: [], messages[0].person: []}
        for side, other in zip(events, reversed(events), strict=True):
            ids = tuple(message.id_for(side) for message in changed)
            if ids:
                event = Event(kind="pin", count=len(ids), ids=ids, person=other, fields={"pinned": pinned})
                events[side] = [self._boxes.log(side, event)]
                if side != skip:
                    self.notify(side, event)
        for message in changed:
            self._notify_waiting(message, "edit")
        return events

    def react(self, message: Message, who: int, emoji: str) -> None:
        """An account's reaction to a message; "" takes it back. The other side is told."""
        extras = _extras(message)
        before = extras.reactions.pop(who, "")
        if emoji:
            extras.reactions[who] = emoji
        if emoji == before:
            return
        self._save(message)
        if who == message.person:
            fields = {"old": before, "new": emoji}
            event = Event(kind="reaction", person=who, ids=(message.id,), date=self.now(), fields=fields)
            self._boxes.log_by_qts(message.bot, event)
            self.notify(message.bot, event)
        else:
            self.notify(message.person, Event(kind="reactions", bot=message.bot, message=message.id))
        self._notify_waiting(message, "edit")

    def press(self, message: Message, data: bytes) -> CallbackQuery:
        """The person presses a button; the bot is told."""
        query = self.callback_queries.add(message.bot, message.person, message.id, data)
        self.notify(message.bot, query.event())
        return query

    # ---- inside

    def _index(self, message: Message) -> None:
        """Has the message found by its chat and by its random_id."""
        self._by_chat.setdefault((message.bot, message.person), []).append(message)
        if message.random_id:
            same = self._by_random_id.setdefault(message.random_id, message)
            if isinstance(same, list):
                same.append(message)
            elif same is not message:
                self._by_random_id[message.random_id] = [same, message]

    def _notify_waiting(self, message: Message, what: str) -> None:
        self.changed(what, message)
        for future in self._waiting.get((message.bot, message.person), []):
            if not future.done():
                future.set_result(None)

    def _save(self, message: Message) -> None:
        self.state.put("message", f"{message.bot}/{message.id}", message)

    def _save_chat(self, chat: Chat) -> None:
        self.state.put("chat", f"{chat.bot}/{chat.person}", chat)


def _extras(message: Message) -> Extras:
    """The message's extras, made when it has none."""
    if message.extras is None:
        message.extras = Extras()
    return message.extras
