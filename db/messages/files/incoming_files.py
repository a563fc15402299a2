"""Incoming files: they are stored before the message that they belong to is accepted.

They go at once when the message is refused. While they come, and while their messages wait, their bytes are
counted for their chat and their account.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from djangobot.db.clock import utc_now
from djangobot.db.delivery.limits import quotas
from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable, FieldsInvalid, FilesTooLarge, TooMuchWaiting
from djangobot.db.messages.files import files
from djangobot.db.messages.files.file_storage import Clock
from djangobot.db.messages.files.files import StoredFile
from djangobot.db.messages.sender import Sender

FILES_MOST = 10
"""Files of one message: as many as an album of Telegram's."""
TOUCH_EVERY = timedelta(minutes=10)
"""How often the files of a message that is still coming are kept from being swept."""
TRY_AGAIN = 30.0
"""Seconds after which some of the files that wait may have been sent."""

# Bytes that nobody needs any more are still there until the next sweep, and are not counted.

KEPT = """
SELECT COALESCE(SUM(f.size), 0) AS bytes FROM file f LEFT JOIN message m ON m.id = f.message
WHERE f.{whose} = $1 AND f.storage <> 'gone'
  AND (m.status IS NULL OR m.status NOT IN ('sent', 'expired', 'canceled', 'replaced'))
"""
_coming: Counter[tuple[str, int]] = Counter()
"""Bytes that are being written here, whose row does not count them yet."""


class Room(msgspec.Struct, frozen=True):
    """How many bytes more may come for a chat or an account."""

    key: tuple[str, int]
    most: int
    left: int

    def check(self) -> None:
        """Raises TooMuchWaiting."""
        if _coming[self.key] > self.left:
            whom = "for this person" if self.key[0] == "chat" else "of this account"
            raise TooMuchWaiting(TRY_AGAIN, f"{whom} (at most {self.most >> 20} MiB of files)")


class IncomingFiles:
    """The files of one message. `stored` are those that have come whole."""

    def __init__(self, clock: Clock) -> None:
        self.stored: list[StoredFile] = []
        self._clock = clock
        self._sender: Sender | None = None
        self._size = 0
        self._touched: datetime = clock()

    def of(self, sender: Sender) -> None:
        """Says whose files these are. Nothing is stored before that."""
        self._sender = sender

    async def add(self, name: str, mime: str, pieces: AsyncIterator[bytes]) -> None:
        """Stores one more file. Raises FieldsInvalid, FilesTooLarge, TooMuchWaiting, FileDiskFull,
        FilesUnavailable."""
        if self._sender is None:
            raise RuntimeError("nobody knows whose file this is")
        if len(self.stored) == FILES_MOST:
            raise FieldsInvalid({"files": f"must be at most {FILES_MOST} files"})
        chat, account = self._sender.chat, self._sender.account
        with _counted(await _rooms(chat, account)) as count:
            async with files.receive(name, mime, self._clock, chat=chat, account=account) as sink:
                async for piece in pieces:
                    self._size += len(piece)
                    if self._size > files.limit():
                        raise FilesTooLarge(files.limit())
                    count(len(piece))
                    await sink.write(piece)
                    await self._touch()
                if not sink.size:
                    raise FieldsInvalid({"files": f"has an empty file, {sink.name}; Telegram takes none"})
        if sink.file is not None:
            self.stored.append(sink.file)

    async def _touch(self) -> None:
        now = self._clock()
        if now - self._touched > TOUCH_EVERY:
            self._touched = now
            await files.touch([file.id for file in self.stored], now)

    async def discard(self) -> None:
        """Deletes what has not become part of a message."""
        with contextlib.suppress(DatabaseUnavailable):  # a sweep will remove it
            await files.delete_unattached([file.id for file in self.stored])


@contextlib.asynccontextmanager
async def incoming_files(clock: Clock = utc_now) -> AsyncIterator[IncomingFiles]:
    """`async with`: takes the files of a message, which is to be accepted in this block."""
    found = IncomingFiles(clock)
    try:
        yield found
    finally:
        if found.stored:
            await asyncio.shield(found.discard())


@contextlib.contextmanager
def _counted(rooms: list[Room]) -> Iterator[Callable[[int], None]]:
    """Counts bytes that come in these rooms, until the block ends. Then a row counts them, or they are
    gone."""
    counted = 0

    def count(size: int) -> None:
        nonlocal counted
        counted += size
        for room in rooms:
            _coming[room.key] += size
        for room in rooms:
            room.check()

    try:
        yield count
    finally:
        for room in rooms:
            _coming[room.key] -= counted
            if not _coming[room.key]:
                del _coming[room.key]


async def _rooms(chat: int, account: int | None) -> list[Room]:
    """Counts what is kept. Raises TooMuchWaiting when there is no room at all."""
    bounds = quotas.bounds()
    found: list[Room] = []
    for whose, number, most in (
        ("chat", chat, bounds.file_bytes),
        ("account", account, bounds.account_file_bytes),
    ):
        if number is None or not most:
            continue
        (row,) = await current().fetch(KEPT.format(whose=whose), number)
        room = Room((whose, number), most, most - int(row["bytes"]))
        room.check()
        found.append(room)
    return found
