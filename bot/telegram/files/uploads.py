# Pyrogram's raw types do not inherit from the bases their parameters are annotated with.
# pyright: reportArgumentType=false
"""Uploads: a file on its way to Telegram, several parts at a time."""

import asyncio
import math
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cachetools import LRUCache
from pyrogram import raw
from pyrogram.raw.core import TLObject

from djangobot.bot.backoff import Backoff
from djangobot.bot.telegram.errors import AnswerLost, Cut, FloodWait, NotYet, Undone
from djangobot.db.delivery.random_ids import new_random_id

PART = 512 << 10
"""Bytes of a file that are sent at once. Telegram takes no more
(core.telegram.org/api/files#uploading-files)."""
SMALL_FILE = 10 << 20
"""Bytes. A bigger file is sent with the number of its parts (core.telegram.org/api/files)."""
FILE_LIMIT = 4000 * PART
"""Bytes. Telegram takes 4000 parts (client configuration, upload_max_fileparts_default)."""
AT_ONCE = 4
"""Parts that are on their way at once, of all files together. Each of them is in memory about four times:
read, packed, encrypted, and in the connection's buffer. Other calls wait behind them in the connection."""
PART_TIMEOUT = 60.0
"""Seconds until the answer to a part counts as lost. A slow line needs some for its 512 KiB."""
WAIT_MOST = 30
"""Seconds of a FLOOD_WAIT that an upload waits in its place. After a longer one, it goes on later."""
PART_TRIES = 5
"""How often a part is sent before the upload is given up for now."""
REMEMBERED = 32
"""Uploads that are remembered until they are complete and used."""
PICTURES = ("image/png", "image/jpeg")


class Ask(Protocol):
    """Makes one call to Telegram."""

    async def __call__(self, query: TLObject, *, within: float | None = None) -> Any: ...


class Source(Protocol):
    """A file whose bytes can be read in pieces."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...

    async def read(self, offset: int, length: int) -> bytes: ...


class File(msgspec.Struct, frozen=True):
    """A file to send: its bytes, or its path. A file whose `mime` is in PICTURES is shown as a picture."""

    name: str
    mime: str
    content: bytes | Path

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    async def read(self, offset: int, length: int) -> bytes:
        """Reads a piece. A file on disk is never in memory as a whole."""
        if isinstance(self.content, bytes):
            return self.content[offset : offset + length]
        return await asyncio.to_thread(_read, self.content, offset, length)

    def as_media(self, uploaded: Any) -> Any:
        """The uploaded file as a message shows it."""
        if self.mime in PICTURES:
            return raw.types.InputMediaUploadedPhoto(file=uploaded)
        name = raw.types.DocumentAttributeFilename(file_name=self.name)
        return raw.types.InputMediaUploadedDocument(
            file=uploaded, mime_type=self.mime, attributes=[name], force_file=True
        )


class Upload(msgspec.Struct):
    """An upload that has begun: Telegram's id for it, and the parts that are not there yet."""

    file_id: int
    parts: int
    missing: set[int]

    @property
    def percent(self) -> int:
        return 100 * (self.parts - len(self.missing)) // self.parts


class Uploads:
    """Uploads files by calls of `ask`. What is there of an unfinished upload is remembered under its key, so
    the next attempt sends only the missing parts. Without a key, it begins anew."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._places = asyncio.Semaphore(AT_ONCE)
        self._begun: LRUCache[Hashable, Upload] = LRUCache(REMEMBERED)
        self._flood_until = 0.0
        """Until when Telegram takes no parts, on the monotonic clock. It limits them for the whole bot, and
        nothing else with them."""

    async def upload(self, file: Source, key: Hashable = None) -> Any:
        """Uploads the file and returns Telegram's reference to it. Nothing is in a chat then: raises NotYet
        and Undone where an answer was lost, and FloodWait after a long one. Raises ValueError for an empty
        file and for one of more than FILE_LIMIT bytes."""
        upload = self._begin(file, key)
        try:
            await self._send_missing(file, upload)
        except Undone:
            raise
        except Cut as exc:
            raise Undone(str(exc)) from exc
        if file.size > SMALL_FILE:
            return raw.types.InputFileBig(id=upload.file_id, parts=upload.parts, name=file.name)
        return raw.types.InputFile(id=upload.file_id, parts=upload.parts, name=file.name, md5_checksum="")

    def percent(self, key: Hashable) -> int:
        """How much of the file is there."""
        upload = self._begun.get(key)
        return 0 if upload is None else upload.percent

    def forget(self, key: Hashable) -> None:
        """Forgets an upload that was used, or that Telegram has lost. The next one has an id of its own."""
        self._begun.pop(key, None)

    def _begin(self, file: Source, key: Hashable) -> Upload:
        if not 0 < file.size <= FILE_LIMIT:
            raise ValueError(f"a file of {file.size} bytes can't be sent")
        begun = self._begun.get(key)
        if begun is None:
            parts = -(-file.size // PART)
            begun = Upload(new_random_id(), parts, set(range(parts)))
        if key is not None:
            self._begun[key] = begun
        return begun

    async def _send_missing(self, file: Source, upload: Upload) -> None:
        numbers = iter(sorted(upload.missing))

        async def send_some() -> None:
            for number in numbers:
                async with self._places:
                    await self._send_part(file, upload, number)

        senders = [asyncio.create_task(send_some()) for _ in range(min(AT_ONCE, len(upload.missing)))]
        try:
            await asyncio.gather(*senders)
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)

    async def _send_part(self, file: Source, upload: Upload, number: int) -> None:
        """Sends one part. Sending it again replaces the same part."""
        content = await file.read(number * PART, PART)
        query: TLObject = raw.functions.upload.SaveFilePart(
            file_id=upload.file_id, file_part=number, bytes=content
        )
        if file.size > SMALL_FILE:
            query = raw.functions.upload.SaveBigFilePart(
                file_id=upload.file_id, file_part=number, file_total_parts=upload.parts, bytes=content
            )
        pauses, tries = Backoff(), 0
        while tries < PART_TRIES:
            await self._after_flood_wait()
            try:
                await self._ask(query, within=PART_TIMEOUT)
            except Cut:
                raise
            except FloodWait as exc:
                self._flood_until = max(self._flood_until, time.monotonic() + exc.seconds)
            except AnswerLost:
                tries += 1
                await asyncio.sleep(pauses.next_pause())
            else:
                upload.missing.discard(number)
                return
        raise NotYet("telegram did not answer the parts of a file")

    async def _after_flood_wait(self) -> None:
        """Waits until Telegram takes parts again. Raises FloodWait if that takes long."""
        while (left := self._flood_until - time.monotonic()) > 0:
            if left > WAIT_MOST:
                raise FloodWait(math.ceil(left), "uploads")
            await asyncio.sleep(left)


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as stored:
        stored.seek(offset)
        return stored.read(length)
