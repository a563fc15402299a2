"""/export: all of a person's messages as a file, CSV or JSON Lines."""

import asyncio
import csv
import io
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.rendering.humanize import shown_time
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.gateway import File
from djangobot.bot.telegram.text import Button
from djangobot.db.clock import utc_now
from djangobot.db.messages import history
from djangobot.db.messages.messages import Entry

FILE_MOST = 45 << 20
"""Bytes of one file; more becomes several. Telegram takes 2000 MB from us, but the Bot API only 50 MB
(core.telegram.org/bots/api#sending-files), and a phone has to open it."""
ROWS_MOST = 1_000_000
"""Messages in one file; a spreadsheet has 1 048 576 rows."""
PROGRESS_EVERY = 3.0
"""Seconds between two words about how far it is."""
COLUMNS = ("time", "sender", "token", "type", "status", "failure", "text", "id")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a cell that begins so for (owasp.org/www-community/attacks/CSV_Injection)."""
Writer = Callable[[Sequence[Entry]], bytes]


def csv_rows(entries: Sequence[Entry]) -> bytes:
    """RFC 4180; a cell that would be a formula begins with an apostrophe."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_safe(cell) for cell in _cells(entry)] for entry in entries)
    return out.getvalue().encode()


def json_lines(entries: Sequence[Entry]) -> bytes:
    """An object a line (jsonlines.org)."""
    rows = [dict(zip(COLUMNS, _cells(entry), strict=True)) for entry in entries]
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


class Format(msgspec.Struct, frozen=True):
    """How a file of it begins, and how messages are written into it."""

    mime: str
    head: bytes
    rows: Writer


FORMATS = {
    # The mark at the beginning says UTF-8 to spreadsheets.
    "csv": Format("text/csv", b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n", csv_rows),
    "jsonl": Format("application/x-ndjson", b"", json_lines),
}


async def show(visit: Context) -> None:
    """Asks which format."""
    count = await history.count(visit.chat.id)
    if not count:
        await visit.reply(formatted(visit.language, "history-none"))
        return
    labels = {"csv": say(visit.language, "export-csv"), "jsonl": say(visit.language, "export-jsonl")}
    row = [Button(label, f"export:{name}") for name, label in labels.items()]
    await visit.reply(formatted(visit.language, "export-choose", [row], count=count))


async def write(visit: Context) -> None:
    """Writes and sends it. Pressed twice, the same files are sent, and Telegram knows them again."""
    form = FORMATS.get(visit.argument)
    if form is None:
        return await visit.answer(say(visit.language, "button-unknown"))
    await visit.answer()
    visit.key = f"export {visit.message_id}"  # what is sent belongs to this message, not to this press
    export = Export(visit, visit.argument, form, await history.count(visit.chat.id))
    with tempfile.TemporaryDirectory(prefix="djangobot-export-") as folder:
        await export.run(Path(folder))
    done = formatted(visit.language, "export-done", count=export.written, files=export.files)
    await visit.replace(done)


class Export:
    """One under way: a page from the database, onto the disk, and when a file is full to the person."""

    def __init__(self, visit: Context, name: str, form: Format, expected: int) -> None:
        self.visit, self.name, self.form, self.expected = visit, name, form, expected
        self.written = self.files = 0
        self.told = asyncio.get_running_loop().time()

    async def run(self, folder: Path) -> None:
        """Writes all there is now."""
        path = folder / "part"
        file: IO[bytes] | None = None
        first = last = utc_now()
        rows = 0
        try:
            async for entries in history.everything(self.visit.chat.id, self.visit.now):
                if file is None:
                    file, rows, first = path.open("wb"), 0, entries[0].time
                    file.write(self.form.head)
                await asyncio.to_thread(self._put, file, entries)
                rows, last = rows + len(entries), entries[-1].time
                self.written += len(entries)
                if file.tell() >= FILE_MOST or rows >= ROWS_MOST:
                    file.close()
                    file = None
                    await self._send(path, first, last)
                await self._tell()
        finally:
            if file is not None:
                file.close()
        if file is not None:
            await self._send(path, first, last)

    def _put(self, file: IO[bytes], entries: Sequence[Entry]) -> None:
        file.write(self.form.rows(entries))

    async def _send(self, path: Path, first: datetime, last: datetime) -> None:
        self.files += 1
        number = f"-{self.files}" if self.files > 1 else ""
        name = f"messages-{self.visit.now:%Y-%m-%d}{number}.{self.name}"
        caption = formatted(
            self.visit.language, "export-file", since=shown_time(first), until=shown_time(last)
        )
        await self.visit.reply_file(File(name, self.form.mime, path), caption)

    async def _tell(self) -> None:
        """How far it is, not too often."""
        now = asyncio.get_running_loop().time()
        if now - self.told < PROGRESS_EVERY:
            return
        self.told = now
        percent = min(99, 100 * self.written // max(1, self.expected))
        await self.visit.replace(formatted(self.visit.language, "export-under-way", percent=percent))


def _cells(entry: Entry) -> tuple[str | None, ...]:
    time = entry.time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return (
        time,
        entry.sender,
        entry.token,
        entry.type,
        entry.status,
        entry.failure,
        entry.text,
        entry.id,
    )


def _safe(cell: str | None) -> str | None:
    return f"'{cell}" if cell and cell.startswith(FORMULA) else cell
