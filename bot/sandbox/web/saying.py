"""POST /chats/{id}/say: what a person sends, made into a message."""

from djangobot.bot.sandbox.api import attached
from djangobot.bot.sandbox.api.call import RpcError
from djangobot.bot.sandbox.api.entities import automatic
from djangobot.bot.sandbox.api.files import files
from djangobot.bot.sandbox.api.text import MAX_CAPTION
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.web.errors import Problem
from djangobot.bot.sandbox.web.lookups import message_of, person_of
from djangobot.bot.sandbox.web.requests import Said
from djangobot.bot.sandbox.world import Extras, File, Message, World


def say(world: World, bot: int, person: int, order: Said) -> Message:
    """Stores the message and tells the bot; Problem when it is none."""
    text = order.text.strip()
    _check(order, text)
    if order.reply_to is not None:
        message_of(world, bot, person, order.reply_to)
    try:
        file = _file(world, person, order)
        extras = _extras(world, order)
    except RpcError as exc:
        raise Problem(400, f"Telegram does not take this: {exc.text}") from exc
    message = world.store(
        bot,
        person,
        from_bot=False,
        text=text,
        random_id=0,
        entities=automatic(text),
        file=file.id if file else None,
        reply_to=order.reply_to,
        extras=extras,
    )
    world.announce(message)
    return message


def _check(order: Said, text: str) -> None:
    carried = [thing for thing in (order.file, order.contact, order.location) if thing is not None]
    if len(carried) > 1:
        raise Problem(400, "a message has a file, a contact or a location, and one of them alone")
    if not carried and not text:
        raise Problem(400, "text must hold more than white space")
    if text and (order.contact or order.location):
        raise Problem(400, "a contact or a location has no text")
    if order.file and len(text) > MAX_CAPTION:
        raise Problem(400, f"the text of a file has at most {MAX_CAPTION} characters")


def _file(world: World, person: int, order: Said) -> File | None:
    sent = order.file
    if sent is None:
        return None
    return files.of_bytes(world, person, sent.name, sent.mime, sent.kind, sent.data)


def _extras(world: World, order: Said) -> Extras | None:
    carried: TL | None = None
    if order.contact is not None:
        given = order.contact
        carried = attached.contact(given.phone_number, given.first_name, given.last_name)
    if order.location is not None:
        carried = attached.location(order.location.latitude, order.location.longitude)
    first: TL | None = None
    if order.forwarded is not None:
        number = person_of(world, order.forwarded.person).id if order.forwarded.person else 0
        first = {"person": number, "name": order.forwarded.name, "date": world.now()}
    return Extras(attached=carried, forwarded=first) if carried or first else None
