"""The bots, people and messages that requests name; a `Problem` when there is none."""

from djangobot.bot.sandbox.web.errors import Problem
from djangobot.bot.sandbox.world import Message, User, World


def bot_of(world: World, bot: int | None) -> int:
    """The bot's id; None means the first bot that has signed in."""
    bots = world.accounts.bots
    if bot is not None:
        if bot not in bots:
            raise Problem(404, f"no bot {bot} has signed in")
        return bot
    if not bots:
        raise Problem(409, "no bot has signed in yet")
    return bots[0]


def person_of(world: World, number: int) -> User:
    """The person with this id."""
    user = world.accounts.users.get(number)
    if user is None or user.bot:
        raise Problem(404, f"there is no person {number}: POST /people makes one")
    return user


def message_of(world: World, bot: int, person: int, number: int) -> Message:
    """The message with this id in the chat."""
    message = world.box(bot).messages.get(number)
    if message is None or message.deleted or message.person != person:
        raise Problem(404, f"there is no message {number} in this chat")
    return message
