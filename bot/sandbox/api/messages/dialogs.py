"""The list of a person's chats (core.telegram.org/api/folders)."""

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call
from djangobot.bot.sandbox.api.messages.history import with_people
from djangobot.bot.sandbox.api.peers import chat_of
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Chat, Message

# Chats in one answer. Our own choice.
MAX_PAGE = 100


def get_dialogs(call: Call) -> TL:
    """A page of the person's chats: the newest first, from after the offset. None is archived."""
    every = [] if call.get("folder_id") else _newest_first(call)
    rest = [(chat, message) for chat, message in every if _after_offset(call, message)]
    page = rest[: min(max(call["limit"], 0), MAX_PAGE)]
    whole = len(page) == len(every)
    return {
        "_": "messages.dialogs" if whole else "messages.dialogsSlice",
        "count": len(every),
        **_with_messages(call, [*page]),
    }


def get_peer_dialogs(call: Call) -> TL:
    """The chats that the peers name, one for each."""
    chats = [chat_of(call, asked["peer"]) for asked in call["peers"] if asked["_"] == "inputDialogPeer"]
    newest = [(chat, _newest(call, chat)) for chat in chats]
    return {
        "_": "messages.peerDialogs",
        **_with_messages(call, newest),
        "state": render.state(call.world.box(call.user.id)),
    }


def get_pinned_dialogs(call: Call) -> TL:
    """Nothing is pinned."""
    state = render.state(call.world.box(call.user.id))
    return {"_": "messages.peerDialogs", **_with_messages(call, []), "state": state}


def get_dialog_filters(call: Call) -> TL | list[TL]:
    """No folders; since layer 176 the answer is an object."""
    return {"_": "messages.dialogFilters", "filters": []} if "messages.dialogFilters" in call.schema else []


def _newest_first(call: Call) -> list[tuple[Chat, Message]]:
    me = call.user.id
    found = [(chat, _newest(call, chat)) for chat in call.world.chats.values() if chat.person == me]
    present = [(chat, message) for chat, message in found if message]
    return sorted(present, key=lambda pair: -pair[1].person_side_id)


def _newest(call: Call, chat: Chat) -> Message | None:
    history = call.world.history(chat.bot, chat.person)
    return next((message for message in reversed(history) if not message.deleted), None)


def _after_offset(call: Call, message: Message) -> bool:
    """Whether a chat with this last message is older than the last one the client has."""
    if call["offset_id"]:
        return bool(message.person_side_id < call["offset_id"])
    return not call["offset_date"] or message.date < call["offset_date"]


def _dialog(call: Call, chat: Chat, newest: Message | None) -> TL:
    unread = 0
    for message in reversed(call.world.history(chat.bot, chat.person)):
        if message.person_side_id <= chat.read_by_person:
            break
        unread += message.from_bot and not message.deleted
    top = newest.person_side_id if newest else 0
    return {
        "_": "dialog",
        "peer": render.peer(chat.bot),
        "top_message": top,
        "read_inbox_max_id": chat.read_by_person,
        "read_outbox_max_id": top,
        "unread_count": unread,
        "unread_mentions_count": 0,
        "unread_reactions_count": 0,
        "unread_poll_votes_count": 0,
        "notify_settings": {"_": "peerNotifySettings"},
    }


def _with_messages(call: Call, chats: list[tuple[Chat, Message | None]]) -> TL:
    """The part of an answer that holds these chats, each with its newest message."""
    messages = [message for _, message in chats if message]
    shown = [render.message(call.world, call.user.id, message, call.schema) for message in messages]
    dialogs = [_dialog(call, chat, message) for chat, message in chats]
    return {"dialogs": dialogs, **with_people(call, shown, messages)}
