"""What all ways of sending share: the chat, repeats, the last checks, the answer."""

from dataclasses import dataclass
from typing import Any

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import chat_of, message_in, started, user_of, writable_chat
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Chat, Event, Extras, File, Message
from djangobot.bot.sandbox.world.records import new_message


@dataclass(slots=True)
class NewMessage:
    """A checked message that is not stored yet."""

    random_id: int
    text: str
    entities: tuple[TL, ...] = ()
    markup: TL | None = None
    file: File | None = None
    spoiler: bool = False
    grouped: int = 0
    extras: Extras | None = None


def destination(call: Call, peer: TL) -> Chat:
    """The chat to send to. A block is checked later, because a repeat is answered first."""
    refuse_to_schedule(call)
    me, other = call.user, user_of(call, peer)
    if me.bot and not other.bot and not started(call, me, other):
        raise RpcError(400, "PEER_ID_INVALID")
    return chat_of(call, peer)


def refuse_to_schedule(call: Call) -> None:
    """Telegram schedules for people alone; the sandbox for nobody."""
    if call.get("schedule_date"):
        raise RpcError(400, "SCHEDULE_BOT_NOT_ALLOWED" if call.user.bot else "SCHEDULE_DATE_INVALID")


def other_side(call: Call, chat: Chat) -> int:
    """The account that the caller writes to."""
    return chat.person if call.user.id == chat.bot else chat.bot


def first_with(call: Call, chat: Chat, random_id: int) -> Message | None:
    """The message that this random_id has sent before, if there is one; the journal counts it."""
    if not random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    known = call.world.sent_with(call.user.id, other_side(call, chat), random_id)
    if known is None:
        return None
    call.server.journal.count("repeats", "recognised")
    if call.server.settings.repeats == "error":
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    return known


def repeat(call: Call, chat: Chat, random_id: int) -> TL | None:
    """The answer to a random_id that came before: the first message's id, or RANDOM_ID_DUPLICATE."""
    known = first_with(call, chat, random_id)
    return sent(call, [], before=[known]) if known else None


def store(call: Call, chat: Chat, message: NewMessage) -> Message:
    """Stores one message, after the last checks, and tells the other side."""
    return store_all(call, chat, [message])[0]


def store_all(call: Call, chat: Chat, messages: list[NewMessage]) -> list[Message]:
    """Stores all or none."""
    me = call.user
    if call.method != "messages.startBot":
        writable_chat(call, call.get("peer") or call["to_peer"])
    check_rate(call, chat, len(messages))
    answered = _reply_to(call, chat)
    kept = [_store(call, chat, message, answered) for message in messages]
    for message in kept:
        call.world.announce(message, skip=me.id)
    return kept


def check_rate(call: Call, chat: Chat, count: int) -> None:
    """Counts what a bot sends or edits; FLOOD_WAIT when it is too fast."""
    if call.user.bot and (broken := call.server.limits.check(call.user.id, chat.person, count)):
        limit, seconds = broken
        call.server.journal.count("limits_broken", limit)
        raise RpcError(420, f"FLOOD_WAIT_{seconds}")


def _store(call: Call, chat: Chat, message: NewMessage, answered: int | None) -> Message:
    return call.world.store(
        chat.bot,
        chat.person,
        from_bot=call.user.bot,
        text=message.text,
        random_id=message.random_id,
        entities=message.entities,
        markup=message.markup,
        file=message.file.id if message.file else None,
        spoiler=message.spoiler,
        grouped=message.grouped,
        extras=message.extras,
        reply_to=answered,
        silent=bool(call.get("silent")),
        no_preview=bool(call.get("no_webpage")),
    )


def _reply_to(call: Call, chat: Chat) -> int | None:
    """The bot's side id of the message this one answers; layer 158 and later ones say it differently."""
    asked = call.get("reply_to_msg_id")
    reply: Any = call.get("reply_to")
    if isinstance(reply, dict) and reply["_"] == "inputReplyToMessage":
        asked = reply["reply_to_msg_id"]
    return message_in(call, chat, asked, "REPLY_MESSAGE_ID_INVALID").id if asked else None


def sent_short(call: Call, message: Message) -> TL:
    """updateShortSentMessage: what the real server answers to a plain text in a private chat."""
    me = call.user.id
    result: TL = {
        "_": "updateShortSentMessage",
        "out": True,
        "id": message.id_for(me),
        "pts": message.pts_for(me),
        "pts_count": 1,
        "date": message.date,
    }
    if message.entities:
        result["entities"] = list(message.entities)
    return result


def sent(call: Call, messages: list[Message], *, before: list[Message] | None = None) -> TL:
    """The answer for messages just stored, and for those that were stored before: these move no pts."""
    me, before = call.user.id, before or []
    first = [
        {"_": "updateMessageID", "id": message.id_for(me), "random_id": message.random_id}
        for message in [*before, *messages]
    ]
    pts = call.world.box(me).pts
    events = [Event(kind="new", pts=pts, count=0, bot=known.bot, message=known.id) for known in before]
    events += [new_message(message, me) for message in messages]
    return render.updates(call.world, me, events, call.schema, first=first)
