"""Questions: what a person was asked in the chat. Their next plain text is the answer."""

from datetime import datetime, timedelta

from djangobot.db.engine import current

ANSWER_WITHIN = timedelta(minutes=10)
"""How long the next plain text counts as an answer."""

ASK = "UPDATE chat SET question = $2, question_at = $3 WHERE id = $1"
OPEN = "SELECT question, question_at FROM chat WHERE id = $1"
CLOSE = "UPDATE chat SET question = NULL, question_at = NULL WHERE id = $1"


async def ask(telegram_id: int, question: str, now: datetime) -> None:
    """Makes the next plain text from this person the answer to `question`."""
    await current().execute(ASK, telegram_id, question, now)


async def pop_question(telegram_id: int, now: datetime) -> str | None:
    """Returns the open question, and closes it. None when there is none, or when it is too old."""
    engine = current()
    async with engine.write():
        rows = await engine.execute(OPEN, telegram_id)
        await engine.execute(CLOSE, telegram_id)
    asked_at = rows[0]["question_at"] if rows else None
    return rows[0]["question"] if asked_at is not None and now - asked_at < ANSWER_WITHIN else None
