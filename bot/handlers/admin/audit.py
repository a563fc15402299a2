"""/audit: what admins did, newest first."""

from djangobot.bot.gateway import Button, Text
from djangobot.bot.replies import formatted, joined, shortened, shown_time
from djangobot.bot.visits import Visit, number_in
from djangobot.db import audit

PAGE = 8
VALUE = 40
"""Characters shown of how it was before and after."""


async def show(visit: Visit) -> None:
    """The newest."""
    await visit.reply(await _page(visit, audit.NEWEST))


async def turn(visit: Visit) -> None:
    """Those before the deed whose number the button carries."""
    await visit.replace(await _page(visit, number_in(visit.argument) or audit.NEWEST))
    await visit.answer()


async def _page(visit: Visit, before: int) -> Text:
    deeds = await audit.page(PAGE + 1, before)
    if not deeds and before == audit.NEWEST:
        return formatted(visit.language, "audit-none")
    lines = [formatted(visit.language, "audit-title")]
    for deed in deeds[:PAGE]:
        change = f"{shortened(deed.before, VALUE)} → {shortened(deed.after, VALUE)}"
        lines.append(
            formatted(
                visit.language,
                "audit-line",
                time=shown_time(deed.time.astimezone(visit.zone)),
                who=str(deed.who),
                deed=f"{deed.action} {deed.target}".rstrip(),
                change=change,
            )
        )
    turns = []
    if before != audit.NEWEST:
        turns.append(Button("«", "audit:"))
    if len(deeds) > PAGE:
        turns.append(Button("›", f"audit:{deeds[PAGE - 1].id}"))
    return joined(lines, separator="\n\n", buttons=[turns] if turns else ())
