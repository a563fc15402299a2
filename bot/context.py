"""Context: one thing that a person did, and the ways to answer it.

Answers carry a random_id made from the update, so an update that comes twice is answered once.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo
from itertools import count
from typing import TypeVar

from djangobot.bot.backoff import Backoff
from djangobot.bot.callback_data.packing import Packed
from djangobot.bot.settings import Settings
from djangobot.bot.telegram.errors import AnswerLost, FloodWait
from djangobot.bot.telegram.files.uploads import File
from djangobot.bot.telegram.gateway import Gateway, Peer
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery.random_ids import derived_id
from djangobot.db.people import questions
from djangobot.db.people.chat_settings import language_of
from djangobot.db.people.chats import Chat

TRIES = 8
LONGEST_WAIT = 60
"""Seconds. An answer waits for a FLOOD_WAIT up to this long; a longer one ends it."""
Answer = TypeVar("Answer")
SPACE = re.compile("[\\s\u200b\u2060\ufeff]+")
"""White space of any kind, as phones and other programs put it between a command and its argument."""


def stripped(text: str) -> str:
    """The text without the white space around it, invisible kinds included."""
    return re.sub(rf"\A{SPACE.pattern}|{SPACE.pattern}\Z", "", text)


class Context:
    """One thing a person did: wrote `text`, or pressed a button with `data` under message `message_id`.

    `number` is Telegram's id of the message that the person wrote, `written` is its time there. `key`
    identifies what the person did; it is the same when that comes again.
    """

    def __init__(self, gateway: Gateway, settings: Settings, chat: Chat, key: str, now: datetime) -> None:
        self.gateway = gateway
        self.settings = settings
        self.chat = chat
        self.key = key
        self.now = now
        self.text = ""
        self.data = ""
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
        return self.chat.chat_settings.clock

    @property
    def argument(self) -> str:
        """The text after a command's name."""
        return self.words[1]

    @property
    def words(self) -> tuple[str, str]:
        """The command without its slash and the bot's name, and the text behind it after any white space."""
        command, *rest = SPACE.split(stripped(self.text.removeprefix("/")), maxsplit=1)
        return command.partition("@")[0].lower(), rest[0] if rest else ""

    async def reply(self, text: Text) -> int:
        """Sends a new message, with its files. Returns its id in the chat, which may be UNKNOWN_TELEGRAM_ID.
        Raises FileGone."""
        random_id = self._next_random_id(text.text)
        if text.media:
            return (await self._insist(lambda: self.gateway.send_media(self._peer(), text, random_id)))[0]
        return await self._insist(lambda: self.gateway.send(self._peer(), text, random_id))

    async def ask(self, question: Packed, text: Text) -> None:
        """Asks with this text. The person's next text is the answer to the question."""
        await questions.ask(self.chat.id, question.pack(), self.now)
        await self.reply(text)

    async def reply_file(self, file: File, caption: Text) -> int:
        """Sends a file or a picture as a new message. Returns its id in the chat."""
        random_id = self._next_random_id(file.name)
        return await self._insist(lambda: self.gateway.send_file(self._peer(), file, caption, random_id))

    async def copy(self, message_ids: Sequence[int]) -> None:
        """Shows messages of the chat once more. Raises Refused."""
        random_id = self._next_random_id(str(message_ids))
        await self._insist(lambda: self.gateway.copy(self._peer(), message_ids, random_id))

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

    async def delete(self, message_ids: Sequence[int]) -> None:
        """Deletes messages of ours. Raises Refused."""
        await self._insist(lambda: self.gateway.delete(self._peer(), message_ids))

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
