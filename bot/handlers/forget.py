"""/forget: what is kept about a person, and deleting all of it."""

from djangobot.bot.dispatch.dispatcher import Context
from djangobot.bot.rendering.replies import formatted, say
from djangobot.bot.telegram.text import Button
from djangobot.db.people import erasure


async def show(visit: Context) -> None:
    """What is kept, and the question."""
    kept = await erasure.stored_counts(visit.chat.id, visit.now)
    rows = [
        [Button(say(visit.language, "forget-sure"), "forget:yes")],
        [Button(say(visit.language, "forget-no"), "forget:no")],
    ]
    await visit.reply(
        formatted(
            visit.language,
            "forget-ask",
            rows,
            tokens=kept.tokens,
            messages=kept.messages,
            waiting=kept.waiting,
            stays=_stays(kept),
        )
    )


async def decide(visit: Context) -> None:
    """Deletes it all, or leaves it. It is gone when we say so; again does no more."""
    if visit.argument != "yes":
        await visit.replace(formatted(visit.language, "forget-kept"))
        return await visit.answer()
    language = visit.language  # theirs is forgotten, too
    kept = await erasure.stored_counts(visit.chat.id, visit.now)
    await erasure.erase(visit.chat.id, visit.now)
    await visit.replace(formatted(language, "forget-done", stays=_stays(kept)))
    await visit.answer(say(language, "forget-done-short"))


def _stays(kept: erasure.StoredCounts) -> int:
    """Where the person's number stays: 0 nowhere, 1 in the audit, 2 there and among the admins."""
    if kept.appointed:
        return 2
    return 1 if kept.recorded else 0
