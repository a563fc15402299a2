"""Sending one message: a text, a file with a caption, a copy of another one."""

from djangobot.bot.sandbox.api import attached, markup, text
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.entities import automatic
from djangobot.bot.sandbox.api.files import files
from djangobot.bot.sandbox.api.messages.sending import (
    NewMessage,
    destination,
    first_with,
    repeat,
    sent,
    sent_short,
    store,
    store_all,
)
from djangobot.bot.sandbox.api.peers import user_of, writable_chat
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Extras, Message


def send_message(call: Call) -> TL:
    """Sends a text."""
    chat = destination(call, call["peer"])
    if answer := repeat(call, chat, call["random_id"]):
        return answer
    content, entities = text.checked(call, call["message"], call.get("entities"))
    if not content:
        raise RpcError(400, "MESSAGE_EMPTY")
    keyboard = markup.stored(call, call.get("reply_markup"))
    message = store(call, chat, NewMessage(call["random_id"], content, entities, keyboard))
    short = call.server.settings.answers == "telegram" and keyboard is None
    return sent_short(call, message) if short else sent(call, [message])


def send_media(call: Call) -> TL:
    """Sends a file with a caption."""
    chat = destination(call, call["peer"])
    if answer := repeat(call, chat, call["random_id"]):
        return answer
    caption, entities = text.checked_caption(call, call["message"], call.get("entities"))
    keyboard = markup.stored(call, call.get("reply_markup"))
    writable_chat(call, call["peer"])
    if call["media"]["_"] in attached.KINDS:
        extras = Extras(attached=attached.stored(call["media"]))
        return sent(call, [store(call, chat, NewMessage(call["random_id"], "", (), keyboard, extras=extras))])
    file = files.file_of(call, call["media"])
    message = NewMessage(call["random_id"], caption, entities, keyboard, file)
    message.spoiler = bool(call["media"].get("spoiler"))
    return sent(call, [store(call, chat, message)])


def forward_messages(call: Call) -> TL:
    """Copies messages into another chat, with their first author unless `drop_author` is set."""
    chat = destination(call, call["to_peer"])
    if len(call["id"]) != len(call["random_id"]):
        raise RpcError(400, "RANDOM_ID_INVALID")
    known: list[Message] = []
    copies: list[NewMessage] = []
    for number, random_id in zip(call["id"], call["random_id"], strict=True):
        source = call.world.box(call.user.id).messages.get(number)
        if source is None or source.deleted:
            raise RpcError(400, "MESSAGE_ID_INVALID")
        if before := first_with(call, chat, random_id):
            known.append(before)
            continue
        file = None if source.file is None else call.world.files.get(source.file)
        copy = NewMessage(random_id, source.text, source.entities, None, file, source.spoiler)
        copy.extras = _forwarded(source, named=not call.get("drop_author"))
        copies.append(copy)
    return sent(call, store_all(call, chat, copies) if copies else [], before=known)


def _forwarded(source: Message, *, named: bool) -> Extras | None:
    """What a copy takes over from its source."""
    before = source.extras or Extras()
    first = {"person": source.sides[0], "name": "", "date": source.date}
    kept = Extras(attached=before.attached, forwarded=(before.forwarded or first) if named else None)
    return kept if kept.attached or kept.forwarded else None


def start_bot(call: Call) -> TL:
    """A person presses Start, perhaps with a parameter."""
    bot = user_of(call, call["bot"])
    if not bot.bot:
        raise RpcError(400, "BOT_INVALID")
    chat = call.world.chat(bot.id, call.user.id)
    content = f"/start {call['start_param']}".strip()
    if answer := repeat(call, chat, call["random_id"]):
        return answer
    return sent(call, [store(call, chat, NewMessage(call["random_id"], content, automatic(content)))])
