"""Incoming: what people do in Telegram, as our own values. Pyrogram's updates end here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from pyrogram import raw
from pyrogram.raw.core import TLObject

from djangobot.bot.telegram.gateway import Peer


class Person(msgspec.Struct, frozen=True):
    """A person's present name, and the access hash by which this bot addresses them."""

    access_hash: int = 0
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_tag: str = ""


class Message(msgspec.Struct, frozen=True):
    """A person wrote to the bot in their private chat. `person` is None if Telegram did not describe them."""

    id: int
    person_id: int
    person: Person | None
    text: str
    time: datetime


class Callback(msgspec.Struct, frozen=True):
    """A person pressed the button with `data` under message `message_id`."""

    query_id: int
    person_id: int
    person: Person | None
    data: str
    message_id: int


class BotStopped(msgspec.Struct, frozen=True):
    """A person stopped the bot, or started it again."""

    person_id: int
    stopped: bool


class GroupMessage(msgspec.Struct, frozen=True):
    """Somebody wrote in a group or a channel that the bot is in. `language_tag` is the writer's."""

    peer: Peer
    language_tag: str


Incoming = Message | Callback | BotStopped | GroupMessage
Users = Mapping[int, Any]
"""Pyrogram's users of an update by their id. Groups and channels have negative ids."""


def read(update: TLObject, users: Users) -> Incoming | None:
    """What the update says. None if it says nothing that we answer."""
    if isinstance(update, raw.types.UpdateNewMessage | raw.types.UpdateNewChannelMessage):
        return _message(update.message, users)
    if isinstance(update, raw.types.UpdateBotCallbackQuery):
        data = (update.data or b"").decode("utf-8", "replace")
        person = _person(users.get(update.user_id))
        return Callback(update.query_id, update.user_id, person, data, update.msg_id)
    if isinstance(update, raw.types.UpdateBotStopped):
        return BotStopped(update.user_id, update.stopped)
    return None


def _message(message: Any, users: Users) -> Message | GroupMessage | None:
    if isinstance(message, raw.types.MessageEmpty) or message.out:
        return None
    if not isinstance(message.peer_id, raw.types.PeerUser):
        writer = _person(users.get(getattr(message.from_id, "user_id", 0)))
        return GroupMessage(_peer(message.peer_id, users), writer.language_tag if writer else "")
    if not isinstance(message, raw.types.Message):
        return None
    person_id = message.peer_id.user_id
    time = datetime.fromtimestamp(message.date, UTC)
    return Message(message.id, person_id, _person(users.get(person_id)), message.message or "", time)


def _peer(peer: Any, users: Users) -> Peer:
    if isinstance(peer, raw.types.PeerChat):
        return Peer(peer.chat_id, 0, "group")
    access_hash = getattr(users.get(-peer.channel_id), "access_hash", None) or 0
    return Peer(peer.channel_id, access_hash, "channel")


def _person(user: Any) -> Person | None:
    """A user may be given without some of these (UserEmpty), or with None for them."""
    if user is None:
        return None
    names = ("first_name", "last_name", "username")
    known = {name: getattr(user, name, None) or "" for name in names}
    return Person(
        access_hash=getattr(user, "access_hash", None) or 0,
        language_tag=getattr(user, "lang_code", None) or "",
        **known,
    )
