"""Files of messages: received in pieces, read in pieces, and deleted when they are no longer needed.

All bytes of a file are on disk before it is part of a message. A crash before that leaves bytes that no
message names. `sweep` removes them.
"""

import asyncio
import contextlib
import hashlib
import mimetypes
import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePath

import msgspec
import structlog

from djangobot.db.clock import utc_now
from djangobot.db.delivery.limits import disk_floor
from djangobot.db.engine import Row, current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DatabaseUnavailable, FileDiskFull, FileGone, FilesTooLarge, FilesUnavailable
from djangobot.db.fields import FORBIDDEN, visible
from djangobot.db.messages.content import FileInfo
from djangobot.db.messages.files import file_storage
from djangobot.db.messages.files.file_storage import PART, Clock, InDatabase, NewFile, OnDisk, Storage
from djangobot.db.periodic import repeat
from djangobot.db.programs import revocations

log = structlog.get_logger(__name__)

MIB = 1 << 20
NAME_LIMIT = 200
"""Characters of a file's name. Telegram shows about sixty."""
MIME_LIMIT = 127
"""RFC 6838, 4.2: each half of a type has at most 64 characters with its restrictions."""
UNKNOWN_TYPE = "application/octet-stream"
ORPHAN_AFTER = timedelta(hours=1)
"""How long a file may be without a message, and an upload without a new byte. A part takes less than ten
minutes at the slowest pace that the server allows."""
SWEEP_EVERY = 60.0
"""Seconds between two sweeps."""
KEPT = timedelta(days=7)
"""How long the bytes of a message are kept that failed or is uncertain, because an admin may have it sent
again, and of one that is held, because the person may want to see it."""
KEPT_FOR_UNDO = revocations.UNDO_FOR + timedelta(minutes=1)
"""How long the bytes of a canceled message are kept after its token was revoked. Who undoes that has the
message again."""
CHECK_ROOM_EVERY = 16 * MIB
"""Bytes between two checks of the disk."""

_MIME = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_FORBIDDEN = re.compile(f"[{FORBIDDEN}\ud800-\udfff]")


class Rules(msgspec.Struct, frozen=True):
    """`folder` holds the files when the database is SQLite. `most`: bytes of all files of one message."""

    folder: Path = Path("data/files")
    most: int = 50 * MIB


class StoredFile(msgspec.Struct, frozen=True):
    """A file that has come whole. `digest` is the SHA-256 of its bytes, in hex."""

    id: int
    name: str
    size: int
    mime: str
    digest: str

    def info(self) -> FileInfo:
        """The file as lists name it."""
        return FileInfo(self.id, self.name, self.size, self.mime)


_rules = Rules()
mimetypes.init()

OF_MESSAGE = "SELECT id, name, size, mime, digest FROM file WHERE message = $1 ORDER BY position"
ATTACH = """
UPDATE file SET message = $1, position = $3 WHERE id = $2 AND message IS NULL AND size IS NOT NULL
RETURNING id
"""
FIND = "SELECT size, storage, key FROM file WHERE id = $1"
DELETE = "DELETE FROM file WHERE id = $1 RETURNING key"
ORPHANS = "DELETE FROM file WHERE message IS NULL AND created < $1 RETURNING key"
UNATTACHED = "DELETE FROM file WHERE id = $1 AND message IS NULL RETURNING key"
TOUCH = "UPDATE file SET created = $2 WHERE id = $1 AND message IS NULL"
# Finds the files of messages that nobody can have sent again, and of old ones that nobody has had sent again.
USELESS = """
SELECT f.id FROM file f JOIN $lookup(message m: m.id = f.message) WHERE f.storage <> 'gone' AND (
    m.status IN ('sent', 'expired', 'replaced')
    OR (m.status = 'canceled'
        AND NOT EXISTS (SELECT 1 FROM bot_token t WHERE t.id = m.token AND t.revoked > $2))
    OR (m.status IN ('failed', 'uncertain', 'held') AND COALESCE(m.first_attempt, m.created) < $1))
"""
DISCARD = "UPDATE file SET storage = 'gone', key = NULL WHERE id = $1 RETURNING id"
KEY = "SELECT key FROM file WHERE id = $1"
DELETE_PARTS = "DELETE FROM file_part WHERE file = $1"
KEYS = "SELECT key FROM file WHERE storage <> 'gone' AND storage = 'disk'"


def configure(rules: Rules) -> None:
    """Sets where files are kept, and how large they may be."""
    global _rules
    _rules = rules


def limit() -> int:
    """The most bytes of all files of one message."""
    return _rules.most


class Sink:
    """Takes the bytes of one file. `file` is set when all are stored."""

    def __init__(self, new: NewFile, storage: Storage) -> None:
        self.name, self.mime = new.name, new.mime
        self.size = 0
        self.file: StoredFile | None = None
        self._storage = storage
        self._buffer = bytearray()
        self._checked = 0
        self._digest = hashlib.sha256()

    async def write(self, chunk: bytes) -> None:
        """Stores more bytes. Returns when there is room for the next. Raises FilesTooLarge, FileDiskFull."""
        self.size += len(chunk)
        if self.size > _rules.most:
            raise FilesTooLarge(_rules.most)
        self._buffer += chunk
        while len(self._buffer) >= PART:
            await self._flush()

    async def _flush(self) -> None:
        part = bytes(self._buffer[:PART])
        del self._buffer[:PART]
        if self.size - self._checked >= CHECK_ROOM_EVERY:
            self._checked = self.size
            check_room()
        self._digest.update(part)
        await self._storage.add(part)

    async def complete(self) -> StoredFile:
        if self._buffer:
            await self._flush()
        digest = self._digest.hexdigest()
        number = await self._storage.complete(self.size, digest)
        self.file = StoredFile(number, self.name, self.size, self.mime, digest)
        return self.file

    async def abort(self) -> None:
        with contextlib.suppress(DatabaseUnavailable):  # a sweep will remove it
            await self._storage.abort()


@contextlib.asynccontextmanager
async def receive(
    name: str,
    mime: str,
    clock: Clock = utc_now,
    *,
    chat: int | None = None,
    account: int | None = None,
) -> AsyncIterator[Sink]:
    """`async with`: stores a file whose bytes are written to the sink. When the block ends without an error,
    they are on disk and `sink.file` names them. Otherwise nothing is kept. `chat` and `account`: for whom it
    is, and from whom."""
    check_room()
    mime = _media_type(mime)
    name = file_name(name, mime)
    new = NewFile(name, mime if mime != UNKNOWN_TYPE else _type_of(name), chat, account)
    sink = Sink(new, _storage(new, clock))
    try:
        yield sink
        await sink.complete()
    except BaseException:
        await asyncio.shield(sink.abort())
        raise


def check_room(size: int = 0) -> None:
    """Raises FilesTooLarge and FileDiskFull for so many bytes more. The disk of a PostgreSQL server is not
    known here."""
    if size > _rules.most:
        raise FilesTooLarge(_rules.most)
    if _on_disk() and not disk_floor.has_room(_rules.folder, size):
        raise FileDiskFull


async def read(file_id: int, offset: int, length: int) -> bytes:
    """Bytes of a file: `length` of them, or fewer at its end. Raises FileGone."""
    rows = await current().fetch(FIND, file_id)
    if not rows or rows[0]["size"] is None or rows[0]["storage"] == "gone":
        raise FileGone
    length = min(length, rows[0]["size"] - offset)
    if length <= 0:
        return b""
    if rows[0]["storage"] == "database":
        content = await file_storage.read_in_database(file_id, offset, length)
    else:
        try:
            content = await file_storage.read_on_disk(_rules.folder, rows[0]["key"], offset, length)
        except FileNotFoundError as exc:
            raise FileGone from exc
    if len(content) != length:
        raise FileGone
    return content


async def attach(message_id: int, attached: Sequence[StoredFile]) -> None:
    """Makes files part of a message, in this order. Call it in the transaction that accepts the message.
    Raises FilesUnavailable when one was swept, or is another message's."""
    for position, file in enumerate(attached):
        if not await current().execute(ATTACH, message_id, file.id, position):
            raise FilesUnavailable


async def of_message(message_id: int) -> list[StoredFile]:
    """The files of a message, in order, also when their bytes are gone."""
    return [StoredFile(**row) for row in await current().fetch(OF_MESSAGE, message_id)]


async def delete(file_ids: Sequence[int]) -> None:
    """Deletes files with their rows."""
    for file_id in file_ids:
        await _remove(await current().execute(DELETE, file_id))


async def delete_unattached(file_ids: Sequence[int]) -> None:
    """Deletes those of the files that are not part of a message."""
    for file_id in file_ids:
        await _remove(await current().execute(UNATTACHED, file_id))


async def touch(file_ids: Sequence[int], now: datetime) -> None:
    """Keeps files from being swept: their message is still coming."""
    for file_id in file_ids:
        await current().execute(TOUCH, file_id, now)


async def discard(file_ids: Sequence[int]) -> None:
    """Deletes the bytes of files, whose names and sizes stay for the history."""
    for file_id in file_ids:
        async with current().write():
            keys = await current().execute(KEY, file_id)
            await current().execute(DISCARD, file_id)
            await current().execute(DELETE_PARTS, file_id)
        await _remove(keys)


async def sweep(now: datetime) -> int:
    """Removes what a crash or a deleted message has left, and the bytes of messages that are settled. Returns
    how many files lost their bytes."""
    orphans = await current().execute(ORPHANS, now - ORPHAN_AFTER)
    await _remove(orphans)
    useless = [row["id"] for row in await current().fetch(USELESS, now - KEPT, now - KEPT_FOR_UNDO)]
    await discard(useless)
    left = 0
    if _on_disk():
        left = await _remove_unnamed()
    removed = len(orphans) + len(useless) + left
    if removed:
        log.info("files removed", without_message=len(orphans) + left, settled=len(useless))
    return removed


async def keep_up() -> None:
    """Sweeps for ever."""
    await repeat(sweep, SWEEP_EVERY)


def file_name(given: str, mime: str = UNKNOWN_TYPE) -> str:
    """A name that can be shown and stored anywhere: one line, no folders, nothing that turns the direction of
    writing. What is no name becomes `file`, with the ending of its type."""
    name = unicodedata.normalize("NFC", given.replace("\\", "/")).rpartition("/")[2]
    name = _FORBIDDEN.sub("", name).strip()
    if not visible(name) or not name.strip("."):
        name = f"file{mimetypes.guess_extension(mime) or ''}"
    if len(name) > NAME_LIMIT:
        stem, dot, ending = name.rpartition(".")
        kept = dot + ending if stem and len(ending) <= 16 else ""
        name = name[: NAME_LIMIT - len(kept)].rstrip() + kept
    return name


def _media_type(given: str) -> str:
    mime = given.partition(";")[0].strip().lower()
    return mime if len(mime) <= MIME_LIMIT and _MIME.fullmatch(mime) else UNKNOWN_TYPE


def _type_of(name: str) -> str:
    """The type that goes with the ending of a name."""
    return mimetypes.types_map.get(PurePath(name).suffix.lower(), UNKNOWN_TYPE)


def _on_disk() -> bool:
    return isinstance(current(), SQLiteEngine)


def _storage(new: NewFile, clock: Clock) -> Storage:
    return OnDisk(_rules.folder, new, clock) if _on_disk() else InDatabase(new, clock)


async def _remove(rows: Sequence[Row]) -> None:
    keys = [row["key"] for row in rows if row["key"]]
    if keys:
        await asyncio.to_thread(file_storage.remove, _rules.folder, keys)


async def _remove_unnamed() -> int:
    """Removes the files of the folder that no row names. Those that are being written have no row yet. No
    other process uses the folder."""
    found = await asyncio.to_thread(file_storage.names, _rules.folder)
    writing = set(file_storage.being_written)  # after that: a file may have begun meanwhile
    known = {row["key"] for row in await current().fetch(KEYS)}
    unnamed = [name for name in found if name not in known and name not in writing]
    await _remove([{"key": name} for name in unnamed])
    return len(unnamed)
