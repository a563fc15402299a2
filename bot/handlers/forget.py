"""/forget: what is kept about a person, and its deletion."""

from djangobot.bot.callback_data.buttons import Forget
from djangobot.bot.context import Context
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button
from djangobot.db.people import erasure


async def show(context: Context) -> None:
    """Says what is kept, and asks."""
    stored = await erasure.stored_counts(context.chat.id, context.now)
    rows = [
        [Button(say(context.language, "forget-sure"), Forget(True).pack())],
        [Button(say(context.language, "forget-no"), Forget(False).pack())],
    ]
    counts = {"tokens": stored.tokens, "messages": stored.messages, "waiting": stored.waiting}
    text = formatted(context.language, "forget-ask", rows, **counts, stays=_stays(stored))
    await context.reply(text)


async def on_answer(context: Context, data: Forget) -> None:
    """Deletes everything, or nothing. All is gone when the answer comes. A second press does no more."""
    if not data.sure:
        await context.replace(formatted(context.language, "forget-kept"))
        return await context.answer()
    language = context.language  # the chosen language is deleted, too
    stored = await erasure.stored_counts(context.chat.id, context.now)
    await erasure.erase(context.chat.id, context.now)
    await context.replace(formatted(language, "forget-done", stays=_stays(stored)))
    await context.answer(say(language, "forget-done-short"))


def _stays(stored: erasure.StoredCounts) -> int:
    """Where the person's number stays: 0 nowhere, 1 in the audit, 2 in the audit and among the admins."""
    if stored.appointed:
        return 2
    return 1 if stored.recorded else 0
