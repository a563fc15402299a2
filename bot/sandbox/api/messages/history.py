"""Reading messages: by id, by chat, by what they say."""

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.peers import chat_of, user_of
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Message

# Messages in one answer of getHistory. Our own choice.
MAX_PAGE = 100
# Ids in one getMessages; further ones are ignored. Our own choice.
MAX_ASKED = 200
# The kinds of files that a search asks for; every other filter finds nothing here.
_FILTERS: dict[str, set[str]] = {
    "inputMessagesFilterEmpty": set(),
    "inputMessagesFilterPhotos": {"photo"},
    "inputMessagesFilterVideo": {"video"},
    "inputMessagesFilterPhotoVideo": {"photo", "video"},
    "inputMessagesFilterDocument": {"document"},
    "inputMessagesFilterGif": {"animation"},
    "inputMessagesFilterVoice": {"voice"},
    "inputMessagesFilterMusic": {"audio"},
    "inputMessagesFilterRoundVideo": {"video_note"},
    "inputMessagesFilterRoundVoice": {"voice", "video_note"},
}


def get_messages(call: Call) -> TL:
    """Messages by id, in the order asked; missing ones are messageEmpty."""
    me = call.user.id
    box = call.world.box(me)
    found: list[TL] = []
    known: list[Message] = []
    for asked in call["id"][:MAX_ASKED]:
        number = asked.get("id", 0)
        message = box.messages.get(number)
        if asked["_"] == "inputMessageReplyTo" and message is not None:
            answered = call.world.box(message.bot).messages.get(message.reply_to or 0)
            number, message = (answered.id_for(me), answered) if answered else (number, None)
        if message is None:
            found.append({"_": "messageEmpty", "id": number})
        else:
            known.append(message)
            found.append(render.message(call.world, me, message, call.schema))
    return {"_": "messages.messages", **with_people(call, found, known)}


def get_history(call: Call) -> TL:
    """A chat's messages, newest first."""
    if user_of(call, call["peer"]).bot == call.user.bot:
        return {"_": "messages.messages", **with_people(call, [], [])}
    chat = chat_of(call, call["peer"])
    every = [m for m in reversed(call.world.history(chat.bot, chat.person)) if not m.deleted]
    return _page(call, every)


def search(call: Call) -> TL:
    """The chat's messages that hold the text, newest first; of files, those of the kind asked for."""
    chat = chat_of(call, call["peer"])
    asked = call["q"].casefold()
    kinds = _FILTERS.get(call["filter"]["_"], {"nothing"})
    found = [
        message
        for message in reversed(call.world.history(chat.bot, chat.person))
        if not message.deleted
        and asked in message.text.casefold()
        and (not kinds or _kind(call, message) in kinds)
        and (not call["min_date"] or message.date > call["min_date"])
        and (not call["max_date"] or message.date < call["max_date"])
    ]
    return _page(call, found)


def _kind(call: Call, message: Message) -> str:
    file = call.world.files.get(message.file or 0)
    return file.kind if file else ""


def _page(call: Call, every: list[Message]) -> TL:
    """The part of these messages, newest first, that the offsets and the limit name."""
    me = call.user.id
    side = {id(m): m.id_for(me) for m in every}
    kept = [
        m
        for m in every
        if (not call["max_id"] or side[id(m)] < call["max_id"])
        and side[id(m)] > call["min_id"]
        and (not call.get("offset_date") or m.date < call["offset_date"])
    ]
    start = next((i for i, m in enumerate(kept) if side[id(m)] < call["offset_id"]), len(kept))
    start = max((start if call["offset_id"] else 0) + call["add_offset"], 0)
    part = kept[start : start + min(max(call["limit"], 0), MAX_PAGE)]
    shown = [render.message(call.world, me, m, call.schema) for m in part]
    name = "messages.messages" if len(part) == len(every) else "messages.messagesSlice"
    return {"_": name, "count": len(every), **with_people(call, shown, part)}


def read_history(call: Call) -> TL:
    """The person has read up to a message."""
    chat = chat_of(call, call["peer"])
    me = call.user.id
    newest = call.world.box(me).last_id
    event = call.world.read(me, chat.bot, chat.person, min(call["max_id"] or newest, newest))
    return {
        "_": "messages.affectedMessages",
        "pts": call.world.box(me).pts,
        "pts_count": event.count if event else 0,
    }


def received_messages(call: Call) -> list[TL]:
    """An acknowledgement that older clients send; it changes nothing."""
    if call["max_id"] < 0:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    return []


def with_people(call: Call, shown: list[TL], messages: list[Message]) -> TL:
    """The part of an answer that holds messages, with the users they speak of."""
    me = call.user.id
    numbers = dict.fromkeys([number for m in messages for number in (m.bot, m.person)])
    return {
        "messages": shown,
        "topics": [],
        "chats": [],
        "users": [render.user(call.world, me, call.world.accounts.users[number]) for number in numbers],
    }
