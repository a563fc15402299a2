# Pyrogram's raw types do not inherit from the bases their parameters are annotated with.
# pyright: reportArgumentType=false
"""Gateway: the only place that calls Telegram for us. It turns Telegram's answers into our own terms.

A call returns, or fails in one of the ways of bot/telegram/errors.py.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import msgspec
from pyrogram import raw
from pyrogram.errors import MessageNotModified, QueryIdInvalid, RandomIdDuplicate, RPCError
from pyrogram.raw.core import TLObject

from djangobot.bot.telegram import library
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.connection import ConnectionLost, NeedsNewConnection, NotConnected
from djangobot.bot.telegram.entities import entities_of
from djangobot.bot.telegram.error_meanings import our_error
from djangobot.bot.telegram.errors import (
    AnswerLost,
    Cut,
    Unasked,
    Undone,
)
from djangobot.bot.telegram.files.albums import Albums
from djangobot.bot.telegram.files.uploads import File, Uploads
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID, sent_id
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.delivery.random_ids import derived_id


class Peer(msgspec.Struct, frozen=True):
    """A person, or sometimes a group or a channel, as Telegram addresses them. The hash is valid for this bot
    alone."""

    id: int
    access_hash: int
    kind: Literal["person", "group", "channel"] = "person"


class Gateway:
    """Calls Telegram through `client`."""

    def __init__(self, client: TelegramClient) -> None:
        self.client = client
        self.uploads = Uploads(self._ask)
        self.albums = Albums(self._ask, self.uploads)

    @property
    def online(self) -> asyncio.Event:
        """Set while calls can be answered."""
        return self.client.online

    @property
    def may_call(self) -> bool:
        """Whether this process may call Telegram. Another process may lead now."""
        return self.client.may_call()

    async def send(self, peer: Peer, text: Text, random_id: int) -> int:
        """Sends once per `random_id`, however often it is called. Returns the message's id in the chat.

        Returns `UNKNOWN_TELEGRAM_ID` when Telegram has had this random_id but does not name the message.
        """
        if text.document is not None:
            file = File(text.document.name, text.document.mime, text.document.text.encode())
            return await self.send_file(peer, file, text, random_id)
        query = raw.functions.messages.SendMessage(
            peer=_input_peer(peer),
            message=text.text,
            random_id=random_id,
            **library.reply_to(text.reply_to),
            silent=text.silent or None,
            no_webpage=not text.preview,
            entities=entities_of(text.spans),
            reply_markup=_markup(text),
        )
        return await self._sent(query, random_id)

    async def send_file(self, peer: Peer, file: File, caption: Text, random_id: int) -> int:
        """Sends a file once per `random_id`, as `send` does a text. Telegram limits a caption to 1024
        characters.

        Raises ValueError for an empty file and for one of more than FILE_LIMIT bytes.
        """
        query = raw.functions.messages.SendMedia(
            peer=_input_peer(peer),
            media=file.as_media(await self.uploads.upload(file, random_id)),
            message=caption.text,
            random_id=random_id,
            **library.reply_to(caption.reply_to),
            silent=caption.silent or None,
            entities=entities_of(caption.spans),
            reply_markup=_markup(caption),
        )
        try:
            return await self._sent(query, random_id)
        finally:
            self.uploads.forget(random_id)

    async def _sent(self, query: TLObject, random_id: int) -> int:
        """Sends, and returns the message's id in the chat. A repeat is no error."""
        try:
            answer = await self._ask(query)
        except RandomIdDuplicate:
            return UNKNOWN_TELEGRAM_ID
        return sent_id(answer, random_id)

    async def send_media(self, peer: Peer, text: Text, random_id: int) -> list[int]:
        """Sends the files of a text once per `random_id`, with the text under the first. Returns their ids in
        the chat. Raises FileGone."""
        others = range(1, len(text.media))
        random_ids = [random_id, *(derived_id(random_id, "file", number) for number in others)]
        return await self.albums.send(_input_peer(peer), text, random_ids, _markup(text))

    async def copy(self, peer: Peer, message_ids: Sequence[int], random_id: int) -> None:
        """Shows messages of the chat once more, with their files, once per `random_id`. Several of an album
        stay one."""
        random_ids = [derived_id(random_id, "copy", number) for number in range(len(message_ids))]
        query = raw.functions.messages.ForwardMessages(
            from_peer=_input_peer(peer),
            to_peer=_input_peer(peer),
            id=list(message_ids),
            random_id=random_ids,
            drop_author=True,
        )
        with suppress(RandomIdDuplicate):
            await self._ask(query)

    async def edit(self, peer: Peer, message_id: int, text: Text, file: File | None = None) -> None:
        """Replaces a message, and with `file` also its file. A message that already looks so is no error."""
        media: Any = None
        if file is not None:
            media = file.as_media(await self.uploads.upload(file))
        query = raw.functions.messages.EditMessage(
            peer=_input_peer(peer),
            id=message_id,
            message=text.text,
            no_webpage=not text.preview,
            media=media,
            entities=entities_of(text.spans),
            reply_markup=_markup(text),
        )
        with suppress(MessageNotModified):
            await self._ask(query)

    async def edit_media(self, peer: Peer, message_ids: Sequence[int], text: Text, key: int) -> None:
        """Replaces messages by the files of a text, one for each, with the text under the first. Under the
        same key, a repeat goes on with the uploads. Raises FileGone."""
        keys = [derived_id(key, "edit", number) for number in range(len(text.media))]
        await self.albums.replace(_input_peer(peer), message_ids, text, keys, _markup(text))

    async def edit_buttons(self, peer: Peer, message_id: int, rows: Sequence[Sequence[Button]]) -> None:
        """Replaces the buttons under a message. Its content stays."""
        query = raw.functions.messages.EditMessage(
            peer=_input_peer(peer), id=message_id, reply_markup=_markup(Text("", (), _rows(rows)))
        )
        with suppress(MessageNotModified):
            await self._ask(query)

    async def delete(self, peer: Peer, message_ids: Sequence[int]) -> None:
        """Deletes messages for both sides. Messages that are gone are no error. Telegram lets a bot do so
        within 48 hours."""
        for start in range(0, len(message_ids), 100):  # core.telegram.org/method/messages.deleteMessages
            ids = list(message_ids[start : start + 100])
            await self._ask(raw.functions.messages.DeleteMessages(id=ids, revoke=True))

    async def answer(self, query_id: int, text: str = "", *, alert: bool = False) -> None:
        """Ends the waiting state of a pressed button. A button that no longer waits is no error."""
        query = raw.functions.messages.SetBotCallbackAnswer(
            query_id=query_id, cache_time=0, message=text or None, alert=alert
        )
        try:
            await self._ask(query)
        except QueryIdInvalid:
            return

    async def set_commands(
        self, commands: Sequence[tuple[str, str]], language: str = "", peer: Peer | None = None
    ) -> None:
        """Sets the menu that people see, for one language or for all languages without their own menu. With
        `peer`, sets the menu of one person."""
        scope: Any = raw.types.BotCommandScopeUsers()
        if peer is not None:
            scope = raw.types.BotCommandScopePeer(peer=_input_peer(peer))
        await self._ask(
            raw.functions.bots.SetBotCommands(
                scope=scope,
                lang_code=language,
                commands=[raw.types.BotCommand(command=name, description=text) for name, text in commands],
            )
        )

    async def _ask(self, query: TLObject, *, within: float | None = None) -> Any:
        """Makes one attempt. Raises our errors for Telegram's, except those that callers treat as success."""
        try:
            answer = await self.client.ask(query, within)
        except (RandomIdDuplicate, MessageNotModified, QueryIdInvalid):
            raise
        except NotConnected as exc:
            raise Unasked(str(exc)) from exc
        except NeedsNewConnection as exc:
            raise Undone(str(exc)) from exc
        except ConnectionLost as exc:
            raise Cut(str(exc)) from exc
        except OSError as exc:
            raise AnswerLost(str(exc) or type(exc).__name__) from exc
        except RPCError as exc:
            raise our_error(exc, query) from exc
        if isinstance(answer, raw.types.BadMsgNotification):
            raise AnswerLost(f"bad_msg_notification {answer.error_code}")
        return answer


def _input_peer(peer: Peer) -> Any:
    match peer.kind:
        case "group":
            return raw.types.InputPeerChat(chat_id=peer.id)
        case "channel":
            return raw.types.InputPeerChannel(channel_id=peer.id, access_hash=peer.access_hash)
    return raw.types.InputPeerUser(user_id=peer.id, access_hash=peer.access_hash)


def _rows(rows: Sequence[Sequence[Button]]) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(row) for row in rows)


def _markup(text: Text) -> Any:
    if not text.buttons:
        return None
    return library.inline_keyboard(text.buttons)
