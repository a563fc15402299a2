"""The world that the sandbox plays: people, bots, their private chats, messages and updates.

The rules for one message's text or one method's arguments are in `api/`. Here is what must stay consistent:
ids, message boxes and their pts, who may write to whom, what was said.
"""

from djangobot.bot.sandbox.world.accounts import Refused
from djangobot.bot.sandbox.world.boxes import Box
from djangobot.bot.sandbox.world.callback_queries import CallbackQuery
from djangobot.bot.sandbox.world.records import Chat, Event, Extras, File, Message, User
from djangobot.bot.sandbox.world.world import World

__all__ = ["Box", "CallbackQuery", "Chat", "Event", "Extras", "File", "Message", "Refused", "User", "World"]
