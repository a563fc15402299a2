"""Files for tests: real headers of pictures, uploads part by part, albums, all by raw calls of Pyrogram."""

import struct
import time
from typing import Any

from djangobot.bot.sandbox.testing import PATIENCE

from .pyrogram_bot import Bot, raw

PART = 512 << 10
functions, types = raw.functions, raw.types


def png(width: int, height: int, size: int = 100) -> bytes:
    """The head of a PNG of these dimensions, filled up to `size` bytes."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return head + bytes(size - len(head))


async def call(bot: Bot, query: Any) -> Any:
    """One call, not repeated by Pyrogram."""
    return await bot.client.session.send(query)


async def save_part(bot: Bot, upload: int, number: int, data: bytes, *, total: int | None = None) -> None:
    """One part of a file; of a big one when `total` is given."""
    if total is None:
        await call(bot, functions.upload.SaveFilePart(file_id=upload, file_part=number, bytes=data))
        return
    request = functions.upload.SaveBigFilePart(
        file_id=upload, file_part=number, file_total_parts=total, bytes=data
    )
    await call(bot, request)


async def uploaded(bot: Bot, upload: int, data: bytes, name: str = "data.bin", part: int = PART) -> Any:
    """Uploads a file and returns how a call names it."""
    pieces = [data[at : at + part] for at in range(0, len(data), part)]
    big = len(data) > 10 << 20
    for number, piece in enumerate(pieces):
        await save_part(bot, upload, number, piece, total=len(pieces) if big else None)
    if big:
        return types.InputFileBig(id=upload, parts=len(pieces), name=name)
    return types.InputFile(id=upload, parts=len(pieces), name=name, md5_checksum="")


def as_photo(file: Any, **rest: Any) -> Any:
    """An uploaded file as a photo."""
    return types.InputMediaUploadedPhoto(file=file, **rest)


def as_document(file: Any, mime: str = "", attributes: list[Any] | None = None, **rest: Any) -> Any:
    """An uploaded file as a document."""
    return types.InputMediaUploadedDocument(file=file, mime_type=mime, attributes=attributes or [], **rest)


async def send_media(bot: Bot, media: Any, random_id: int, caption: str = "", **rest: Any) -> Any:
    """One file as a message."""
    peer = await bot.client.resolve_peer(bot.person)
    request = functions.messages.SendMedia(
        peer=peer, media=media, message=caption, random_id=random_id, **rest
    )
    return await call(bot, request)


async def store_request(bot: Bot, media: Any) -> Any:
    """The call that stores a file without sending it."""
    peer = await bot.client.resolve_peer(bot.person)
    return functions.messages.UploadMedia(peer=peer, media=media)


async def stored(bot: Bot, media: Any) -> Any:
    """Stores an uploaded file, as albums need it, and returns how a call names it."""
    answer = await call(bot, await store_request(bot, media))
    if isinstance(answer, types.MessageMediaPhoto):
        photo = answer.photo
        known = types.InputPhoto(
            id=photo.id, access_hash=photo.access_hash, file_reference=photo.file_reference
        )
        return types.InputMediaPhoto(id=known, spoiler=answer.spoiler)
    file = answer.document
    known = types.InputDocument(id=file.id, access_hash=file.access_hash, file_reference=file.file_reference)
    return types.InputMediaDocument(id=known)


async def send_album(bot: Bot, items: list[tuple[int, Any]], caption: str = "", **rest: Any) -> Any:
    """Sends stored files as an album: (random_id, media) each; the caption is the first one's."""
    return await call(bot, await album(bot, items, caption, **rest))


async def album(bot: Bot, items: list[tuple[int, Any]], caption: str = "", **rest: Any) -> Any:
    """The call that sends such an album."""
    single = [
        types.InputSingleMedia(media=media, random_id=random_id, message="" if at else caption)
        for at, (random_id, media) in enumerate(items)
    ]
    peer = await bot.client.resolve_peer(bot.person)
    return functions.messages.SendMultiMedia(peer=peer, multi_media=single, **rest)


async def call_until_answered(bot: Bot, query: Any) -> Any:
    """Repeats a call, unchanged, as long as its answer is lost and Pyrogram connects anew."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await bot.client.session.send(query, timeout=1)
        except (OSError, TimeoutError):
            if time.monotonic() > deadline:
                raise
