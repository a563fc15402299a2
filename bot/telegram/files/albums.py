# Pyrogram's raw types do not inherit from the bases their parameters are annotated with.
# pyright: reportArgumentType=false
"""Albums: a program's files on their way into a chat, one alone or several together.

A file is uploaded before the send that shows it. So a failure before the send leaves nothing in the chat, and
the send, with its random_id, can be repeated whatever became of the upload.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby
from typing import Any, TypeVar

import msgspec
import structlog
from cachetools import LRUCache
from pyrogram import raw
from pyrogram.errors import MessageNotModified, RandomIdDuplicate

from djangobot.bot.telegram import library
from djangobot.bot.telegram.entities import entities_of
from djangobot.bot.telegram.errors import GatewayError, NotYet, Refused, after_a_part
from djangobot.bot.telegram.files.uploads import Ask, Uploads
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID, sent_id
from djangobot.bot.telegram.text import ALBUM_OF, Media, MediaKind, Text
from djangobot.db.messages.files import files

log = structlog.get_logger(__name__)
T = TypeVar("T")

MEDIA_TIMEOUT = 60.0
"""Seconds until the answer to a call with a file counts as lost. Telegram puts the parts together first."""
UPLOAD_TRIES = 3
"""How often a file is uploaded whose parts Telegram has forgotten, before the message is put off."""
SHOWN_FROM = 1 << 20
"""Bytes. Telegram shows "sending a file…" while more than this is uploaded."""
SHOW_EVERY = 5.0
"""Seconds. Telegram shows it for six (core.telegram.org/method/messages.setTyping)."""
STORED_KEPT = 100
"""Files of albums that Telegram has stored and that are not sent yet."""
ACTIONS: dict[MediaKind, Callable[..., Any]] = {
    "photo": raw.types.SendMessageUploadPhotoAction,
    "video": raw.types.SendMessageUploadVideoAction,
    "animation": raw.types.SendMessageUploadVideoAction,
    "audio": raw.types.SendMessageUploadAudioAction,
    "voice": raw.types.SendMessageUploadAudioAction,
    "document": raw.types.SendMessageUploadDocumentAction,
}

_LOST = re.compile(r"FILE_PART_(X|\d+)_MISSING|FILE_PARTS?_INVALID|FILE_ID_INVALID|MD5_CHECKSUM_INVALID")
"""Telegram does not have the parts, or not all. Uploading them again helps."""
_UNSHOWABLE = re.compile(r"(PHOTO|IMAGE|VIDEO|AUDIO|VOICE)_\w+|MEDIA_INVALID")
"""Telegram does not take the file as what it was sent as. It takes every file as a document."""
_UNGROUPABLE = ("MEDIA_GROUPED_INVALID", "MULTI_MEDIA_TOO_LONG")


class Item(msgspec.Struct, frozen=True):
    """A file of an album, with its own random_id, and what is written under it. `stored`: how Telegram
    names the file that it has stored."""

    media: Media
    random_id: int
    caption: Text
    stored: Any = None

    @property
    def name(self) -> str:
        return self.media.name

    @property
    def size(self) -> int:
        return self.media.size

    async def read(self, offset: int, length: int) -> bytes:
        """Reads a piece of the file. Raises FileGone."""
        return await files.read(self.media.file, offset, length)

    def as_document(self) -> "Item":
        return msgspec.structs.replace(self, media=msgspec.structs.replace(self.media, kind="document"))


class Albums:
    """Sends files by calls of `ask`. In this process it remembers what was uploaded and not yet sent."""

    def __init__(self, ask: Ask, uploads: Uploads) -> None:
        self._ask = ask
        self._uploads = uploads
        self._stored: LRUCache[int, Item] = LRUCache(STORED_KEPT)

    async def send(self, peer: Any, text: Text, random_ids: Sequence[int], markup: Any) -> list[int]:
        """Sends the files of `text`, each once per random_id, and returns their ids in the chat."""
        items = _items(text, random_ids)
        async with self._shown(peer, items):
            if len(items) == 1:
                return [await self._send_file(peer, items[0], markup)]
            stored = [await self._store(peer, item) for item in items]
        ids: list[int] = []
        for _, album in groupby(stored, key=lambda item: ALBUM_OF[item.media.kind]):
            with after_a_part(sent=bool(ids)):
                ids += await self._send_album(peer, list(album))
        for item in items:
            self._stored.pop(item.random_id, None)
        return ids

    async def replace(
        self, peer: Any, message_ids: Sequence[int], text: Text, keys: Sequence[int], markup: Any
    ) -> None:
        """Puts the files of `text` in the place of those of messages, with the text under the first. What was
        uploaded under a key and not used is not uploaded again."""
        items = _items(text, keys)
        async with self._shown(peer, items):
            for item, message_id in zip(items, message_ids, strict=True):
                await self._replace_file(peer, message_id, item, markup if item is items[0] else None)

    async def _replace_file(self, peer: Any, message_id: int, item: Item, markup: Any) -> None:
        async def replace(media: Any) -> None:
            query = raw.functions.messages.EditMessage(
                peer=peer,
                id=message_id,
                message=item.caption.text,
                media=media,
                entities=entities_of(item.caption.spans),
                reply_markup=markup,
            )
            with suppress(MessageNotModified):
                await self._ask(query, within=MEDIA_TIMEOUT)

        await self._uploaded(item, replace)

    async def _send_file(self, peer: Any, item: Item, markup: Any) -> int:
        """Sends one file alone."""

        async def send(media: Any) -> int:
            return await self._send_media(peer, item, media, markup)

        telegram_id, _ = await self._uploaded(item, send)
        return telegram_id

    async def _send_media(self, peer: Any, item: Item, media: Any, markup: Any = None) -> int:
        query = raw.functions.messages.SendMedia(
            peer=peer,
            media=media,
            message=item.caption.text,
            random_id=item.random_id,
            **library.reply_to(item.caption.reply_to),
            silent=item.caption.silent or None,
            entities=entities_of(item.caption.spans),
            reply_markup=markup,
        )
        try:
            answer = await self._ask(query, within=MEDIA_TIMEOUT)
        except RandomIdDuplicate:
            return UNKNOWN_TELEGRAM_ID
        return sent_id(answer, item.random_id)

    async def _store(self, peer: Any, item: Item) -> Item:
        """Has Telegram store a file of an album, unless it has."""
        if (stored := self._stored.get(item.random_id)) is not None:
            return stored

        async def store(media: Any) -> Any:
            query = raw.functions.messages.UploadMedia(peer=peer, media=media)
            return await self._ask(query, within=MEDIA_TIMEOUT)

        answer, item = await self._uploaded(item, store)
        item = msgspec.structs.replace(item, stored=_reference(answer))
        self._stored[item.random_id] = item
        return item

    async def _uploaded(self, item: Item, use: Callable[[Any], Awaitable[T]]) -> tuple[T, Item]:
        """Uploads a file and uses it by a call. Uploads it again when Telegram has lost it. What Telegram
        does not take as a photo, a video or a sound, it gets as a document."""
        if not item.size:
            raise Refused("the file is empty")
        for _ in range(UPLOAD_TRIES):
            uploaded = await self._uploads.upload(item, item.random_id)
            try:
                result = await use(_input_media(item.media, uploaded))
            except Refused as exc:
                if _LOST.fullmatch(exc.reason):
                    self._uploads.forget(item.random_id)
                elif item.media.kind != "document" and _UNSHOWABLE.fullmatch(exc.reason):
                    log.info("file is sent as a document", kind=item.media.kind, reason=exc.reason)
                    return await self._uploaded(item.as_document(), use)
                else:
                    raise
            else:
                self._uploads.forget(item.random_id)
                return result, item
        raise NotYet("telegram forgets the parts of a file")

    async def _send_album(self, peer: Any, items: Sequence[Item]) -> list[int]:
        """Sends stored files together. If Telegram has had one of them, they are sent one by one: those that
        are in the chat are recognised, the others complete the album."""
        partly = False
        try:
            if len(items) > 1:
                return await self._send_together(peer, items)
        except RandomIdDuplicate:
            partly = True
        except Refused as exc:
            if exc.reason not in _UNGROUPABLE:
                raise
        ids: list[int] = []
        for item in items:
            with after_a_part(sent=partly or bool(ids)):
                ids.append(await self._send_media(peer, item, item.stored))
        return ids

    async def _send_together(self, peer: Any, items: Sequence[Item]) -> list[int]:
        query = raw.functions.messages.SendMultiMedia(
            peer=peer,
            multi_media=[
                raw.types.InputSingleMedia(
                    media=item.stored,
                    random_id=item.random_id,
                    message=item.caption.text,
                    entities=entities_of(item.caption.spans),
                )
                for item in items
            ],
            **library.reply_to(items[0].caption.reply_to),
            silent=items[0].caption.silent or None,
        )
        try:
            answer = await self._ask(query, within=MEDIA_TIMEOUT)
        except Refused as exc:
            if not exc.reason.startswith("FILE_REFERENCE_"):
                raise
            for item in items:
                self._stored.pop(item.random_id, None)
            raise NotYet("telegram forgot the files of an album") from exc
        return [sent_id(answer, item.random_id) for item in items]

    @asynccontextmanager
    async def _shown(self, peer: Any, items: Sequence[Item]) -> AsyncIterator[None]:
        """Meanwhile the person sees that a file is being sent, if it takes a while."""
        if sum(item.size for item in items) <= SHOWN_FROM:
            yield
            return
        showing = asyncio.create_task(self._show(peer, items))
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _show(self, peer: Any, items: Sequence[Item]) -> None:
        while True:
            item = next((one for one in items if one.random_id not in self._stored), items[-1])
            action = ACTIONS[item.media.kind](progress=self._uploads.percent(item.random_id))
            with suppress(GatewayError):  # nobody needs it
                await self._ask(raw.functions.messages.SetTyping(peer=peer, action=action))
            await asyncio.sleep(SHOW_EVERY)


def _items(text: Text, random_ids: Sequence[int]) -> list[Item]:
    """The files of a text, one for each random_id, with the text under the first."""
    captions = [text, *[Text("", silent=text.silent)] * (len(text.media) - 1)]
    return [Item(*one) for one in zip(text.media, random_ids, captions, strict=True)]


def _input_media(media: Media, uploaded: Any) -> Any:
    """An uploaded file as a message shows it."""
    if media.kind == "photo":
        return raw.types.InputMediaUploadedPhoto(file=uploaded)
    attributes: list[Any] = [raw.types.DocumentAttributeFilename(file_name=media.name)]
    if media.kind == "video":
        attributes.append(
            raw.types.DocumentAttributeVideo(
                duration=media.seconds, w=media.width, h=media.height, supports_streaming=True
            )
        )
    elif media.kind in ("audio", "voice"):
        voice = media.kind == "voice" or None
        attributes.append(raw.types.DocumentAttributeAudio(duration=media.seconds, voice=voice))
    elif media.kind == "animation":
        attributes.append(raw.types.DocumentAttributeAnimated())
    return raw.types.InputMediaUploadedDocument(
        file=uploaded,
        mime_type=media.mime,
        attributes=attributes,
        force_file=media.kind == "document" or None,
    )


def _reference(answer: Any) -> Any:
    """A stored file, as an album names it."""
    if isinstance(answer, raw.types.MessageMediaPhoto):
        photo: Any = answer.photo
        found = raw.types.InputPhoto(
            id=photo.id, access_hash=photo.access_hash, file_reference=photo.file_reference
        )
        return raw.types.InputMediaPhoto(id=found)
    document: Any = answer.document
    return raw.types.InputMediaDocument(
        id=raw.types.InputDocument(
            id=document.id, access_hash=document.access_hash, file_reference=document.file_reference
        )
    )
