"""GET and POST /people, GET /bots: everyone there is."""

from typing import Any

from djangobot.bot.sandbox.server import TelegramServer
from djangobot.bot.sandbox.web.errors import Problem
from djangobot.bot.sandbox.web.lookups import bot_of, person_of
from djangobot.bot.sandbox.web.requests import NewPerson
from djangobot.bot.sandbox.web.views import chat_view, message_view, person_view
from djangobot.bot.sandbox.world import Refused, User

# Unread messages are counted up to this number; the page shows it as "99+".
MAX_UNREAD = 100


class People:
    """People and bots."""

    def __init__(self, telegram: TelegramServer) -> None:
        self._telegram = telegram
        self._world = telegram.world

    def add(self, order: NewPerson) -> User:
        """A new person; with an id that is known, their new names."""
        try:
            person = self._world.accounts.person(
                order.id, order.first_name, order.last_name, order.username, order.language
            )
        except Refused as exc:
            raise Problem(409, str(exc)) from exc
        self._telegram.commit_soon()
        return person

    def deactivate(self, person: int) -> User:
        """The person deletes their account."""
        user = person_of(self._world, person)
        user.deleted = True
        self._world.accounts.save(user)
        self._telegram.commit_soon()
        return user

    def all(self, bot: int | None) -> list[dict[str, Any]]:
        """Everyone, with the state of their chat with the bot."""
        accounts = self._world.accounts
        number = bot_of(self._world, bot) if bot is not None or accounts.bots else 0
        return [
            {
                **person_view(user),
                **chat_view(self._world.chats.get((number, user.id))),
                **self._newest(number, user.id),
            }
            for user in accounts.users.values()
            if not user.bot
        ]

    def bots(self) -> list[dict[str, Any]]:
        """The bots, the default one first."""
        accounts = self._world.accounts
        return [
            {
                "id": bot.id,
                "first_name": bot.first_name,
                "username": bot.username,
                "connected": self._telegram.connected(bot.id),
            }
            for bot in (accounts.users[number] for number in accounts.bots)
        ]

    def _newest(self, bot: int, person: int) -> dict[str, Any]:
        """How many messages of the chat are unread, and its last message."""
        chat = self._world.chats.get((bot, person))
        unread, last = 0, None
        for message in reversed(self._world.history(bot, person)):
            if last and (
                chat is None or message.person_side_id <= chat.read_by_person or unread >= MAX_UNREAD
            ):
                break
            if message.deleted:
                continue
            last = last or message
            unread += message.from_bot and chat is not None and message.person_side_id > chat.read_by_person
        return {"unread": unread, "last": message_view(self._world, last) if last else None}
