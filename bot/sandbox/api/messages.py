"""Sending, editing, deleting: the rules of Telegram for one message."""

from typing import Any

from djangobot.bot.sandbox.api import markup, render, text, upload
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.entities import automatic
from djangobot.bot.sandbox.api.peers import chat_of, started, user_of, writable_chat
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Chat, Event, Message, World
from djangobot.bot.sandbox.world.records import new_message

# core.telegram.org/bots/api#sendmediagroup: an album has 2-10 items.
MAX_ALBUM = 10


def send_message(call: Call) -> TL:
    """Sends a text."""
    chat = _chat(call, call["peer"])
    if repeat := _repeat(call, chat, call["random_id"]):
        return repeat
    content, entities = text.checked(call, call["message"], call.get("entities"))
    if not content:
        raise RpcError(400, "MESSAGE_EMPTY")
    keyboard = markup.stored(call, call.get("reply_markup"))
    message = _store(call, chat, call["random_id"], content, entities, markup=keyboard)
    short = call.server.settings.answers == "telegram" and keyboard is None
    return _sent_short(call, message) if short else _sent(call, [message])


def send_media(call: Call) -> TL:
    """Sends a file with a caption."""
    chat = _chat(call, call["peer"])
    if repeat := _repeat(call, chat, call["random_id"]):
        return repeat
    caption, entities = text.checked_caption(call, call["message"], call.get("entities"))
    keyboard = markup.stored(call, call.get("reply_markup"))
    writable_chat(call, call["peer"])
    file = upload.file_of(call, call["media"])
    return _sent(
        call, [_store(call, chat, call["random_id"], caption, entities, markup=keyboard, file=file.id)]
    )


def send_multi_media(call: Call) -> TL:
    """Sends an album."""
    chat = _chat(call, call["peer"])
    items = call["multi_media"]
    if not 1 <= len(items) <= MAX_ALBUM:
        raise RpcError(400, "MULTI_MEDIA_TOO_LONG")
    grouped = items[0]["random_id"]
    sent: list[Message] = []
    prepared: list[tuple[Any, ...]] = []
    for item in items:
        known = call.world.repeats.get((call.user.id, _other(call, chat), item["random_id"]))
        if known:
            sent.append(known)
            continue
        caption, entities = text.checked_caption(call, item["message"], item.get("entities"))
        prepared.append((item["random_id"], caption, entities, upload.file_of(call, item["media"])))
    for random_id, caption, entities, file in prepared:
        sent.append(_store(call, chat, random_id, caption, entities, file=file.id, grouped=grouped))
    return _sent(call, sent)


def upload_media(call: Call) -> TL:
    """Stores a file without sending it."""
    file = upload.file_of(call, call["media"])
    return render.media(call.world, call.user.id, file, call.schema)


def forward_messages(call: Call) -> TL:
    """Copies messages into another chat; their first author is not stored here."""
    chat = _chat(call, call["to_peer"])
    if len(call["id"]) != len(call["random_id"]):
        raise RpcError(400, "RANDOM_ID_INVALID")
    sent = []
    for number, random_id in zip(call["id"], call["random_id"], strict=True):
        source = call.world.box(call.user.id).messages.get(number)
        if source is None or source.deleted:
            raise RpcError(400, "MESSAGE_ID_INVALID")
        known = call.world.repeats.get((call.user.id, _other(call, chat), random_id))
        sent.append(known or _store(call, chat, random_id, source.text, source.entities, file=source.file))
    return _sent(call, sent)


def start_bot(call: Call) -> TL:
    """A person presses Start, perhaps with a parameter."""
    bot = user_of(call, call["bot"])
    if not bot.bot:
        raise RpcError(400, "BOT_INVALID")
    chat = call.world.chat(bot.id, call.user.id)
    content = f"/start {call['start_param']}".strip()
    if repeat := _repeat(call, chat, call["random_id"]):
        return repeat
    return _sent(call, [_store(call, chat, call["random_id"], content, automatic(content))])


def edit_message(call: Call) -> TL:
    """Changes text or keyboard of the caller's own message. Without reply_markup the keyboard is removed."""
    chat = chat_of(call, call["peer"])
    message = _own(call, chat, call["id"])
    keyboard = markup.stored(call, call.get("reply_markup"))
    content, entities = message.text, message.entities
    if call.get("message") is not None:
        check = text.checked if message.file is None and not call.get("media") else text.checked_caption
        content, entities = check(call, call["message"], call.get("entities"))
    elif call.get("reply_markup") is None and call.get("media") is None:
        raise RpcError(400, "MESSAGE_EMPTY")
    if not content and message.file is None:
        raise RpcError(400, "MESSAGE_EMPTY")
    file = upload.file_of(call, call["media"]).id if call.get("media") else message.file
    if (content, entities, keyboard, file) == (message.text, message.entities, message.markup, message.file):
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    message.text, message.entities, message.markup, message.file = content, entities, keyboard, file
    me = call.user.id
    event = call.world.edit(message, skip=me)
    if me != message.bot:
        event = call.world.box(me).log[-1]
    return render.updates(call.world, me, [event], call.schema)


def delete_messages(call: Call) -> TL:
    """Deletes messages on both sides. Unknown ids are ignored, as by the real server."""
    me = call.user.id
    box = call.world.box(me)
    found = [box.messages[number] for number in call["id"] if number in box.messages]
    event = call.world.delete(me, found, skip=me)
    count = event.count if event else 0
    return {"_": "messages.affectedMessages", "pts": box.pts, "pts_count": count}


def set_typing(call: Call) -> bool:
    """Shows the other side that the caller is typing."""
    chat = writable_chat(call, call["peer"])
    me = call.user.id
    name = call["action"]["_"]
    action = name if name == "sendMessageCancelAction" else "sendMessageTypingAction"
    call.world.notify(_other(call, chat), Event(kind="typing", person=me, action=action))
    return True


def say(world: World, bot: int, person: int, content: str) -> Message:
    """A person's message without a client: POST /chats/{id}/say of the JSON API."""
    content = content.strip()
    message = world.store(bot, person, from_bot=False, text=content, random_id=0, entities=automatic(content))
    world.announce(message)
    return message


def _chat(call: Call, peer: TL) -> Chat:
    """The chat to send to. A block is checked later, because a repeat is answered first."""
    me, other = call.user, user_of(call, peer)
    if me.bot and not other.bot and not started(call, me, other):
        raise RpcError(400, "PEER_ID_INVALID")
    return chat_of(call, peer)


def _other(call: Call, chat: Chat) -> int:
    return chat.person if call.user.id == chat.bot else chat.bot


def _repeat(call: Call, chat: Chat, random_id: int) -> TL | None:
    """The answer to a random_id that came before: the first message's id, or RANDOM_ID_DUPLICATE."""
    if not random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    me = call.user.id
    known = call.world.repeats.get((me, _other(call, chat), random_id))
    if known is None:
        return None
    call.server.journal.count("repeats", "recognised")
    if call.server.settings.repeats == "error":
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    event = Event(kind="new", pts=call.world.box(me).pts, count=0, bot=known.bot, message=known.id)
    first = [{"_": "updateMessageID", "id": known.id_for(me), "random_id": random_id}]
    return render.updates(call.world, me, [event], call.schema, first=first)


def _store(
    call: Call, chat: Chat, random_id: int, content: str, entities: tuple[TL, ...], **rest: Any
) -> Message:
    """Checks that the chat can be written to, stores the message, and tells the other side."""
    me = call.user
    peer = call.args.get("peer") or call.args.get("to_peer")
    if peer is not None and call.method != "messages.startBot":
        writable_chat(call, peer)
    if not random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    if me.bot and (broken := call.server.limits.check(me.id, chat.person)):
        limit, seconds = broken
        call.server.journal.count("limits_broken", limit)
        raise RpcError(420, f"FLOOD_WAIT_{seconds}")
    message = call.world.store(
        chat.bot,
        chat.person,
        from_bot=me.bot,
        text=content,
        entities=entities,
        random_id=random_id,
        reply_to=_reply_to(call, chat),
        silent=bool(call.get("silent")),
        **rest,
    )
    call.world.announce(message, skip=me.id)
    return message


def _reply_to(call: Call, chat: Chat) -> int | None:
    """The bot's side id of the message this one answers; layer 158 and later ones say it differently."""
    asked = call.get("reply_to_msg_id")
    reply: Any = call.get("reply_to")
    if isinstance(reply, dict) and reply["_"] == "inputReplyToMessage":
        asked = reply["reply_to_msg_id"]
    if not asked:
        return None
    answered = call.world.box(call.user.id).messages.get(asked)
    if answered is None or answered.deleted or (answered.bot, answered.person) != (chat.bot, chat.person):
        raise RpcError(400, "REPLY_MESSAGE_ID_INVALID")
    return answered.id


def _own(call: Call, chat: Chat, number: int) -> Message:
    message = call.world.box(call.user.id).messages.get(number)
    if message is None or message.deleted or (message.bot, message.person) != (chat.bot, chat.person):
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if message.from_bot != call.user.bot:
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    return message


def _sent_short(call: Call, message: Message) -> TL:
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


def _sent(call: Call, messages: list[Message]) -> TL:
    me = call.user.id
    first = [
        {"_": "updateMessageID", "id": message.id_for(me), "random_id": message.random_id}
        for message in messages
    ]
    events = [new_message(message, me) for message in messages]
    return render.updates(call.world, me, events, call.schema, first=first)
