"""/backup: the database as a file in this admin's chat."""

import tempfile
from pathlib import Path

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.gateway import FILE_LIMIT, File
from djangobot.bot.telegram.text import Button
from djangobot.db import audit
from djangobot.db.admin import backup
from djangobot.db.admin.backup.files import BackupRefused
from djangobot.db.conf import known_migrations

MIB = 1 << 20


async def ask(visit: Context) -> None:
    """/backup: asks whether what everybody was written shall be in this chat."""
    sure = Button(say(visit.language, "backup-sure"), "backup:yes")
    await visit.reply(formatted(visit.language, "backup-ask", [[sure]]))


async def send(visit: Context) -> None:
    """Takes it and sends it; too big a one is to be made on the machine."""
    await visit.answer()
    await visit.replace(formatted(visit.language, "backup-begun"))
    with tempfile.TemporaryDirectory(prefix="djangobot-backup-") as folder:
        url = visit.settings.database_url
        path = Path(folder) / f"djangobot-{visit.now:%Y%m%d-%H%M%S}{backup.suffix(url)}"
        try:
            taken = await backup.create(url, path, known_migrations(), visit.now)
        except BackupRefused as exc:
            await visit.reply(formatted(visit.language, "backup-refused", reason=str(exc)))
            return
        if taken.size > FILE_LIMIT:
            await visit.reply(formatted(visit.language, "backup-too-big", size=taken.size // MIB))
            return
        await audit.record(visit.chat.id, "backup", path.name, None, taken.rows, visit.now)
        caption = formatted(
            visit.language,
            "backup-file",
            accounts=taken.rows["account"],
            chats=taken.rows["chat"],
            messages=taken.rows["message"],
        )
        await visit.reply_file(File(path.name, "application/octet-stream", path), caption)
