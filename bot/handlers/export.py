"""/export: all messages of a person as files, in CSV or JSON Lines."""

import asyncio
import csv
import io
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from djangobot.bot.callback_data.buttons import WriteExport
from djangobot.bot.context import Context
from djangobot.bot.rendering.humanize import shown_time
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.files.uploads import File
from djangobot.bot.telegram.text import Button
from djangobot.db.clock import utc_now
from djangobot.db.messages.history import history
from djangobot.db.messages.messages import Entry

FILE_MOST = 45 << 20
"""Bytes of one file; a longer export has several files. Telegram takes 2000 MB from us, but the Bot API only
50 MB (core.telegram.org/bots/api#sending-files), and a phone has to open it."""
ROWS_MOST = 1_000_000
"""Messages in one file; a spreadsheet has 1 048 576 rows."""
PROGRESS_EVERY = 3.0
"""Seconds between two reports of the progress."""
COLUMNS = ("time", "sender", "token", "type", "status", "failure", "title", "text", "tags", "files", "id")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins with one of these
(owasp.org/www-community/attacks/CSV_Injection)."""
Writer = Callable[[Sequence[Entry]], bytes]


def csv_rows(entries: Sequence[Entry]) -> bytes:
    """Rows as in RFC 4180. A cell that would be a formula gets an apostrophe before it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_safe(cell) for cell in _cells(entry)] for entry in entries)
    return out.getvalue().encode()


def json_lines(entries: Sequence[Entry]) -> bytes:
    """One object on each line (jsonlines.org)."""
    rows = [dict(zip(COLUMNS, _cells(entry), strict=True)) for entry in entries]
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


class Format(msgspec.Struct, frozen=True):
    """A format: its MIME type, what a file begins with, and what writes messages."""

    mime: str
    head: bytes
    rows: Writer


FORMATS = {
    # Spreadsheets recognise UTF-8 by the byte order mark.
    "csv": Format("text/csv", b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n", csv_rows),
    "jsonl": Format("application/x-ndjson", b"", json_lines),
}


async def show(context: Context) -> None:
    """Asks for the format."""
    count = await history.count(context.chat.id)
    if not count:
        await context.reply(formatted(context.language, "history-none"))
        return
    row = [
        Button(say(context.language, "export-csv"), WriteExport("csv").pack()),
        Button(say(context.language, "export-jsonl"), WriteExport("jsonl").pack()),
    ]
    await context.reply(formatted(context.language, "export-choose", [row], count=count))


async def write(context: Context, data: WriteExport) -> None:
    """Writes the files and sends them. After a second press Telegram recognises the same files."""
    await context.answer()
    context.key = f"export {context.message_id}"  # the files belong to this message, not to this press
    export = Export(context, data.format, await history.count(context.chat.id))
    with tempfile.TemporaryDirectory(prefix="djangobot-export-") as folder:
        await export.run(Path(folder))
    done = formatted(context.language, "export-done", count=export.written, files=export.files)
    await context.replace(done)


class Export:
    """One export. It writes messages to a file in batches, and sends the file when it is full."""

    def __init__(self, context: Context, name: str, expected: int) -> None:
        self.context, self.name, self.form, self.expected = context, name, FORMATS[name], expected
        self.written = self.files = 0
        self.reported = asyncio.get_running_loop().time()

    async def run(self, folder: Path) -> None:
        """Writes all messages that there are now."""
        path = folder / "part"
        file: IO[bytes] | None = None
        first = last = utc_now()
        rows = 0
        try:
            async for entries in history.everything(self.context.chat.id, self.context.now):
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
                await self._report()
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
        name = f"messages-{self.context.now:%Y-%m-%d}{number}.{self.name}"
        caption = formatted(
            self.context.language, "export-file", since=shown_time(first), until=shown_time(last)
        )
        await self.context.reply_file(File(name, self.form.mime, path), caption)

    async def _report(self) -> None:
        """Shows the progress, once in PROGRESS_EVERY seconds."""
        now = asyncio.get_running_loop().time()
        if now - self.reported < PROGRESS_EVERY:
            return
        self.reported = now
        percent = min(99, 100 * self.written // max(1, self.expected))
        await self.context.replace(formatted(self.context.language, "export-under-way", percent=percent))


def _cells(entry: Entry) -> tuple[str | None, ...]:
    time = entry.time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return (
        time,
        entry.sender,
        entry.token,
        entry.type,
        entry.status,
        entry.failure,
        entry.content.title,
        entry.text,
        " ".join(f"#{tag}" for tag in entry.content.tags),
        "\n".join(f"{file.name} ({file.size})" for file in entry.content.files),
        entry.id,
    )


def _safe(cell: str | None) -> str | None:
    return f"'{cell}" if cell and cell.startswith(FORMULA) else cell
