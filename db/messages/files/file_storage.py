"""Where the bytes of a file are: on disk beside an SQLite database, or in PostgreSQL, where every process
reaches them."""

import asyncio
import contextlib
import errno
import io
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
from piccolo.columns import BigInt, Bytea, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from djangobot.db.engine import current
from djangobot.db.engine.columns import SerialOnce
from djangobot.db.engine.errors import is_reference_violation
from djangobot.db.errors import FileDiskFull, FilesUnavailable
from djangobot.db.messages.messages import Message

PART = 512 * 1024
"""Bytes that are written at once, and the bytes of a row in PostgreSQL: as much as Telegram takes at once."""
being_written: set[str] = set()
"""The names on disk whose row this process has still to write."""
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Clock = Callable[[], datetime]


class NewFile(msgspec.Struct, frozen=True):
    """A file that is coming. `chat` and `account`: for whom, and from whom."""

    name: str
    mime: str
    chat: int | None = None
    account: int | None = None


class File(Table, tablename="file"):
    """A file of a message. Its row stays when its bytes are gone."""

    id = SerialOnce(primary_key=True)
    message = ForeignKey(references=Message, null=True, default=None, on_delete=OnDelete.cascade)
    """None until its message is accepted."""
    position = Integer(default=0)
    """Its place among the files of its message."""
    name = Varchar(length=255)
    mime = Varchar(length=127)
    size = BigInt(null=True, default=None)
    """Bytes. None until all have come."""
    digest = Varchar(length=64, null=True, default=None)
    """The SHA-256 of its bytes, in hex. None until all have come."""
    storage = Varchar(length=8)
    """Where the bytes are: `disk`, `database` or `gone`."""
    key = Varchar(length=32, null=True, default=None)
    """The name on disk."""
    chat = BigInt(null=True, default=None)
    account = BigInt(null=True, default=None)
    """Whose files are counted together (db/messages/files/incoming_files.py)."""
    created = Timestamptz()
    """When its row was made. While bytes are written to PostgreSQL, when the last of them came."""


class FilePart(Table, tablename="file_part"):
    """A part of a file's bytes, in PostgreSQL."""

    id = SerialOnce(primary_key=True)
    file = ForeignKey(references=File, null=False, on_delete=OnDelete.cascade)
    number = Integer()
    content = Bytea()


INDEXES = (
    "CREATE INDEX file_of_message ON file (message, position)",
    "CREATE INDEX file_unclaimed ON file (created) WHERE message IS NULL",
    "CREATE INDEX file_kept ON file (message) WHERE storage <> 'gone'",
    "CREATE INDEX file_kept_of_chat ON file (chat) WHERE storage <> 'gone'",
    "CREATE INDEX file_kept_of_account ON file (account) WHERE storage <> 'gone'",
    "CREATE UNIQUE INDEX file_part_number ON file_part (file, number)",
)
"""Indexes that Piccolo's columns can't express. They find the files of a message, the files without a
message, the files that still have bytes, also of one chat or account, and one part of a file."""

INSERT_ON_DISK = """
INSERT INTO file (name, mime, position, chat, account, size, digest, storage, key, created)
VALUES ($1, $2, 0, $3, $4, $5, $6, 'disk', $7, $8) RETURNING id
"""
INSERT_IN_DATABASE = """
INSERT INTO file (name, mime, position, chat, account, storage, created)
VALUES ($1, $2, 0, $3, $4, 'database', $5) RETURNING id
"""
ADD_PART = "INSERT INTO file_part (file, number, content) VALUES ($1, $2, $3)"
TOUCH = "UPDATE file SET created = $2 WHERE id = $1"
COMPLETE = "UPDATE file SET size = $2, digest = $3, created = $4 WHERE id = $1 RETURNING id"
DELETE = "DELETE FROM file WHERE id = $1"
PARTS = """
SELECT content FROM file_part WHERE file = $1 AND number BETWEEN $2 AND $3 ORDER BY number
"""


class Storage(Protocol):
    """Takes the bytes of one file."""

    async def add(self, part: bytes) -> None:
        """Stores the next bytes: PART of them, or fewer at the end."""

    async def complete(self, size: int, digest: str) -> int:
        """Makes the file durable, then its row. Returns the row's id."""
        ...

    async def abort(self) -> None:
        """Removes what was stored."""


class OnDisk:
    """Bytes in a file of the data folder (0600). Its row is written when they are on disk."""

    def __init__(self, folder: Path, new: NewFile, clock: Clock) -> None:
        self._folder, self._new, self._clock = folder, new, clock
        self._key = secrets.token_hex(16)
        self._file: io.FileIO | None = None

    async def add(self, part: bytes) -> None:
        with as_file_errors():
            await asyncio.to_thread(self._add, part)

    def _add(self, part: bytes) -> None:
        file = self._open()
        rest = memoryview(part)
        while rest:
            rest = rest[file.write(rest) :]

    def _open(self) -> io.FileIO:
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            being_written.add(self._key)
            self._file = io.FileIO(self._folder / self._key, "xb", opener=_open_private)
        return self._file

    async def complete(self, size: int, digest: str) -> int:
        with as_file_errors():
            await asyncio.to_thread(self._sync)
        (row,) = await current().execute(
            INSERT_ON_DISK, *msgspec.structs.astuple(self._new), size, digest, self._key, self._clock()
        )
        being_written.discard(self._key)
        number: int = row["id"]
        return number

    def _sync(self) -> None:
        with self._open() as file:
            os.fsync(file.fileno())
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    async def abort(self) -> None:
        await asyncio.to_thread(self._abort)

    def _abort(self) -> None:
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        remove(self._folder, [self._key])
        being_written.discard(self._key)


class InDatabase:
    """Bytes in rows of PostgreSQL. The file's row is there first, without a size. So a sweep finds it when
    this process dies."""

    def __init__(self, new: NewFile, clock: Clock) -> None:
        self._new, self._clock = new, clock
        self._id: int | None = None
        self._parts = 0

    async def _row(self) -> int:
        if self._id is None:
            new = msgspec.structs.astuple(self._new)
            (row,) = await current().execute(INSERT_IN_DATABASE, *new, self._clock())
            self._id = int(row["id"])
        return self._id

    async def add(self, part: bytes) -> None:
        row = await self._row()
        try:
            await current().execute(ADD_PART, row, self._parts, part)
        except Exception as exc:
            if is_reference_violation(exc):  # it was swept: nothing came for a long time
                raise FilesUnavailable from exc
            raise
        self._parts += 1
        await current().execute(TOUCH, row, self._clock())

    async def complete(self, size: int, digest: str) -> int:
        row = await self._row()
        if not await current().execute(COMPLETE, row, size, digest, self._clock()):
            raise FilesUnavailable
        return row

    async def abort(self) -> None:
        if self._id is not None:
            await current().execute(DELETE, self._id)


async def read_on_disk(folder: Path, key: str, offset: int, length: int) -> bytes:
    """Raises FileNotFoundError when the file is gone."""

    def read() -> bytes:
        with open(folder / key, "rb") as file:
            file.seek(offset)
            return file.read(length)

    with as_file_errors():
        return await asyncio.to_thread(read)


async def read_in_database(file_id: int, offset: int, length: int) -> bytes:
    first, last = offset // PART, (offset + length - 1) // PART
    rows = await current().fetch(PARTS, file_id, first, last)
    content = b"".join(row["content"] for row in rows)
    skipped = offset - first * PART
    return content[skipped : skipped + length]


def remove(folder: Path, keys: Iterable[str]) -> None:
    for key in keys:
        with contextlib.suppress(OSError):
            os.unlink(folder / key)


def names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


@contextlib.contextmanager
def as_file_errors() -> Iterator[None]:
    """Turns errors of the disk into ours."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise (FileDiskFull if exc.errno in NO_ROOM else FilesUnavailable) from exc


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
