# Pyrogram's raw types do not inherit from the bases their parameters are annotated with.
# pyright: reportArgumentType=false
"""Uploads: a file on its way to Telegram, part by part."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import md5
from pathlib import Path
from typing import Any

import msgspec
from pyrogram import raw
from pyrogram.raw.core import TLObject

PART = 512 << 10
"""Bytes of a file that are sent at once. Telegram takes no more
(core.telegram.org/api/files#uploading-files)."""
SMALL_FILE = 10 << 20
"""Bytes. A file up to this size gets a checksum; a bigger one gets the number of its parts instead."""
FILE_LIMIT = 4000 * PART
"""Bytes. Telegram takes 4000 parts (client configuration, upload_max_fileparts_default)."""
PICTURES = ("image/png", "image/jpeg")

Ask = Callable[[TLObject], Awaitable[Any]]
"""Makes one call to Telegram."""


class File(msgspec.Struct, frozen=True):
    """A file to send: its bytes, or its path. A file whose `mime` is in PICTURES is shown as a picture."""

    name: str
    mime: str
    content: bytes | Path

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)


async def upload(file: File, file_id: int, ask: Ask) -> Any:
    """Uploads the file by calls of `ask`, and returns Telegram's reference to it. Uploading a part again
    replaces the same part. Raises ValueError for an empty file and for one of more than FILE_LIMIT bytes."""
    size = file.size
    if not 0 < size <= FILE_LIMIT:
        raise ValueError(f"a file of {size} bytes can't be sent")
    total, checksum = -(-size // PART), md5(usedforsecurity=False)
    for number in range(total):
        part = await _part(file, number)
        if size > SMALL_FILE:
            query: TLObject = raw.functions.upload.SaveBigFilePart(
                file_id=file_id, file_part=number, file_total_parts=total, bytes=part
            )
        else:
            query = raw.functions.upload.SaveFilePart(file_id=file_id, file_part=number, bytes=part)
            checksum.update(part)
        await ask(query)
    if size > SMALL_FILE:
        return _media(file, raw.types.InputFileBig(id=file_id, parts=total, name=file.name))
    digest = checksum.hexdigest()
    return _media(file, raw.types.InputFile(id=file_id, parts=total, name=file.name, md5_checksum=digest))


def _media(file: File, uploaded: Any) -> Any:
    if file.mime in PICTURES:
        return raw.types.InputMediaUploadedPhoto(file=uploaded)
    name = raw.types.DocumentAttributeFilename(file_name=file.name)
    return raw.types.InputMediaUploadedDocument(
        file=uploaded, mime_type=file.mime, attributes=[name], force_file=True
    )


async def _part(file: File, number: int) -> bytes:
    """Reads as much as Telegram takes at once. A file on disk is never in memory as a whole."""
    start = number * PART
    if isinstance(file.content, bytes):
        return file.content[start : start + PART]
    return await asyncio.to_thread(_read, file.content, start)


def _read(path: Path, start: int) -> bytes:
    with path.open("rb") as stored:
        stored.seek(start)
        return stored.read(PART)
