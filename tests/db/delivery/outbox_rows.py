"""What the model of the outbox needs of the database: rows, files, and outcomes as they are recorded."""

from datetime import datetime, timedelta

from djangobot.db.delivery import outcomes
from djangobot.db.engine import Row
from djangobot.db.errors import FileGone
from djangobot.db.messages import content as contents
from djangobot.db.messages import deletions, presses
from djangobot.db.messages.files import files
from djangobot.db.messages.files.files import StoredFile

from .outbox_model import Modelled

OUTCOMES = ["sent", "sent", "failed", "uncertain", "expired", "postponed", "not done", "held", "anew"]
ROWS = """
SELECT id, public_id, chat, next_attempt AS due, random_id, urgent, expires, text, rich AS value, send_at,
       status, kind, replace_key AS key, replaces AS root, edits, place, attempts, first_attempt, failure,
       telegram_id, pressed, supersedes, delete_asked AS doomed, deleted
FROM message WHERE kind IN ('message', 'edit') ORDER BY id
"""


def stored(row: Row, modelled: Modelled) -> Modelled:
    """A row as it is, with what only the model knows."""
    pressed = presses.decode(row["pressed"])
    buttons = [button for line in contents.decode(row["value"]).buttons for button in line]
    values = {
        **row,
        "public_id": str(row["public_id"]),
        "token": modelled.token,
        "urgent": bool(row["urgent"]),
        "value": buttons[0].value if buttons else None,
        "pressed": pressed and pressed.value,
        "doomed": row["doomed"] is not None,
        "deleted": row["deleted"] is not None,
    }
    return Modelled(**values)


def outcome_of(claimed: outcomes.Claimed, what: str, now: datetime) -> outcomes.Settled:
    """As the sender says it: only what was never tried is held, only an edit is sent as new."""
    until = now + timedelta(seconds=5)
    if what == "anew" or (what == "sent" and not claimed.edited_id):
        what = "anew" if claimed.is_edit else "sent"
    if what == "held" and (claimed.is_edit or claimed.first_attempt):
        what = "uncertain"
    ways: dict[str, outcomes.Settled] = {
        "sent": outcomes.Sent(claimed, claimed.edited_id or claimed.id),
        "failed": outcomes.Failed(claimed, "a reason"),
        "uncertain": outcomes.Uncertain(claimed, "a reason"),
        "expired": outcomes.Expired(claimed, "a reason"),
        "postponed": outcomes.Postponed(claimed, until, "a reason"),
        "not done": outcomes.Postponed(claimed, until, "a reason", not_done=True),
        "held": outcomes.Held(claimed, until),
        "anew": outcomes.SentAnew(claimed, until, "a reason", supersedes=bool(claimed.edited_id)),
    }
    return ways[what]


async def store(content: str) -> StoredFile:
    async with files.receive("a.txt", "text/plain") as sink:
        await sink.write(content.encode())
    assert sink.file is not None
    return sink.file


async def run_job(row_id: int, now: datetime, refused: bool) -> None:
    """As its handler does it."""
    doomed = await deletions.doomed(row_id, now)
    if doomed is not None:
        await (deletions.give_up(doomed) if refused else deletions.record(doomed, now))


async def bytes_of(file_id: int) -> bytes | None:
    try:
        return await files.read(file_id, 0, 100)
    except FileGone:
        return None
