"""/backup: sends the database as a file to an admin's chat."""

import tempfile
from pathlib import Path

from djangobot.bot.callback_data.admin_buttons import SendBackup
from djangobot.bot.context import Context
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.files.uploads import FILE_LIMIT, File
from djangobot.bot.telegram.text import Button
from djangobot.db import migrate
from djangobot.db.admin import backup
from djangobot.db.admin.backup.files import BackupRefused, BackupTooLarge

MIB = 1 << 20


async def ask(context: Context) -> None:
    """/backup: asks whether all messages of all people shall be in this chat."""
    sure = Button(say(context.language, "backup-sure"), SendBackup().pack())
    await context.reply(formatted(context.language, "backup-ask", [[sure]]))


async def send(context: Context, _: SendBackup) -> None:
    """Creates a backup and sends it. One that is too big must be created on the machine."""
    await context.answer()
    await context.replace(formatted(context.language, "backup-begun"))
    with tempfile.TemporaryDirectory(prefix="djangobot-backup-") as folder:
        url = context.settings.database_url
        path = Path(folder) / f"djangobot-{context.now:%Y%m%d-%H%M%S}{backup.suffix(url)}"
        try:
            copied = await backup.create_for_chat(
                context.chat.id, url, path, migrate.known(), context.now, largest=FILE_LIMIT
            )
        except BackupRefused as exc:
            await context.reply(formatted(context.language, "backup-refused", reason=str(exc)))
            return
        except BackupTooLarge as exc:
            await context.reply(formatted(context.language, "backup-too-big", size=exc.size // MIB))
            return
        caption = formatted(
            context.language,
            "backup-file",
            accounts=copied.rows["account"],
            chats=copied.rows["chat"],
            messages=copied.rows["message"],
        )
        await context.reply_file(File(path.name, "application/octet-stream", path), caption)
