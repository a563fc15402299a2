"""The log level that an admin chose, on both databases."""

from djangobot.db import audit, state
from djangobot.db.admin import log_level

from ..conftest import NOW, World


async def test_a_chosen_level_holds_and_is_audited_once(world: World) -> None:
    """Until then the default holds. To choose the same level again changes nothing."""
    assert await log_level.get() == log_level.DEFAULT
    await log_level.choose("debug", 7, NOW)
    await log_level.choose("debug", 7, NOW)
    assert await log_level.get() == "debug"
    (entry,) = await audit.page(9)
    assert (entry.actor, entry.action) == (7, "log level")


async def test_a_stored_word_that_is_no_level_counts_as_none(world: World) -> None:
    """A newer version may know more levels."""
    await state.put(log_level.NAME, "loud", NOW)
    assert await log_level.get() == log_level.DEFAULT
    assert [log_level.read(word) for word in ("info", "INFO", 20, None)] == ["info", None, None, None]
