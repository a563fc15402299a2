"""/chats/… and /commands: what people do in their chats, and what they see there."""

import asyncio
import time
from typing import Any

from djangobot.bot.sandbox.api.entities import automatic
from djangobot.bot.sandbox.api.messages import callbacks
from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.web import saying
from djangobot.bot.sandbox.web.errors import Problem
from djangobot.bot.sandbox.web.events import EventStream
from djangobot.bot.sandbox.web.lookups import bot_of, message_of, person_of
from djangobot.bot.sandbox.web.requests import Deleted, Edited, Pinned, Pressed, Reacted, Said
from djangobot.bot.sandbox.web.views import message_view
from djangobot.bot.sandbox.world import Message

# Seconds that GET /chats/{id}/messages?wait= holds at most.
MAX_WAIT = 60.0


class Chats:
    """The people's side of their chats with bots."""

    def __init__(self, telegram: TelegramServer, events: EventStream) -> None:
        self._telegram = telegram
        self._world = telegram.world
        self._events = events
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Ends what waits, so that the port can close."""
        self._stopped.set()

    def say(self, person: int, order: Said) -> dict[str, Any]:
        """The person writes to the bot."""
        bot = bot_of(self._world, order.bot)
        who = person_of(self._world, person)
        if who.deleted:
            raise Problem(409, "this account is deleted")
        if self._world.chat(bot, person).blocked:
            raise Problem(409, "the person has blocked the bot: unblock it first")
        return {"id": saying.say(self._world, bot, person, order).id}

    def edit(self, person: int, order: Edited) -> dict[str, Any]:
        """The person changes the text of a message of theirs."""
        message = self._message(person, order.bot, order.message_id)
        if message.from_bot:
            raise Problem(400, f"message {order.message_id} is the bot's")
        text = order.text.strip()
        if not text:
            raise Problem(400, "text must hold more than white space")
        message.text, message.entities = text, automatic(text)
        self._world.edit(message)
        return {"id": message.id}

    def delete(self, person: int, order: Deleted) -> dict[str, Any]:
        """The person deletes messages, their own and the bot's, for both sides."""
        found = [self._message(person, order.bot, number) for number in order.message_ids]
        self._world.delete(person, found)
        self._telegram.commit_soon()
        return {"deleted": len(found)}

    def react(self, person: int, order: Reacted) -> dict[str, Any]:
        """The person reacts to a message, or takes the reaction back."""
        message = self._message(person, order.bot, order.message_id)
        self._world.react(message, person, order.emoji or "")
        return message_view(self._world, message)

    def pin(self, person: int, order: Pinned) -> dict[str, Any]:
        """The person pins a message for both sides, or unpins it."""
        message = self._message(person, order.bot, order.message_id)
        self._world.pin([message], order.pinned)
        return message_view(self._world, message)

    def _message(self, person: int, bot: int | None, number: int) -> Message:
        known = bot_of(self._world, bot)
        person_of(self._world, person)
        return message_of(self._world, known, person, number)

    async def press(self, person: int, order: Pressed) -> dict[str, Any]:
        """The person presses an inline button; holds until the bot has answered."""
        message = self._message(person, order.bot, order.message_id)
        data = order.data.encode()
        if not callbacks.has_button(message, data):
            raise Problem(400, f"message {order.message_id} has no button with this data")
        query = self._world.press(message, data)
        wait = asyncio.ensure_future(
            self._world.callback_queries.wait_for_answer(query, self._telegram.settings.press_timeout)
        )
        stopped = asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait([wait, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        answer = wait.result() if wait.done() else None
        if answer is None:
            wait.cancel()
            return {"answer": None, "alert": False, "url": None, "timeout": True}
        return {
            "answer": answer["message"] or "",
            "alert": answer["alert"],
            "url": answer["url"],
            "timeout": False,
        }

    def block(self, person: int, bot: int | None, blocked: bool) -> dict[str, Any]:
        """The person blocks or unblocks the bot."""
        number = bot_of(self._world, bot)
        person_of(self._world, person)
        changed = self._world.block(number, person, blocked)
        self._events.publish({"kind": "blocked" if blocked else "unblocked", "bot": number, "chat": person})
        return {"blocked": blocked, "changed": changed}

    def read(self, person: int, bot: int | None) -> dict[str, Any]:
        """The person has read all of the chat."""
        number = bot_of(self._world, bot)
        person_of(self._world, person)
        history = self._world.history(number, person)
        event = self._world.read(person, number, person, history[-1].person_side_id) if history else None
        if event is not None:
            self._telegram.commit_soon()
            self._events.publish({"kind": "read", "bot": number, "chat": person})
        return {"changed": event is not None}

    async def messages(self, person: int, bot: int | None, after: int, wait: float) -> list[dict[str, Any]]:
        """The chat's messages after an id; with `wait`, holds until there is one."""
        number = bot_of(self._world, bot)
        person_of(self._world, person)
        deadline = time.monotonic() + min(max(wait, 0.0), MAX_WAIT)
        while True:
            found = [m for m in self._world.history(number, person) if m.id > after]
            left = deadline - time.monotonic()
            if found or left <= 0 or self._stopped.is_set():
                return [message_view(self._world, m) for m in found]
            await self._world.wait_for_message(number, person, min(left, 1.0))

    def newest(self, person: int, bot: int | None, before: int | None, limit: int) -> list[dict[str, Any]]:
        """The chat's newest messages (before an id), oldest first, without deleted ones."""
        number = bot_of(self._world, bot)
        person_of(self._world, person)
        found: list[Message] = []
        for message in reversed(self._world.history(number, person)):
            if len(found) >= limit:
                break
            if not message.deleted and (before is None or message.id < before):
                found.append(message)
        return [message_view(self._world, message) for message in reversed(found)]

    def commands(self, person: int | None, bot: int | None) -> list[dict[str, str]]:
        """The commands the bot has set for this person, or for everyone."""
        number = bot_of(self._world, bot)
        who = person_of(self._world, person) if person is not None else None
        commands = self._world.commands.shown_to(number, who)
        return [{"command": name, "description": text} for name, text in commands]
