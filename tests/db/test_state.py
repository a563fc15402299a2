"""Named values that hold for all processes."""

from djangobot.db import state

from .conftest import MINUTE, NOW


async def test_values_are_found_by_the_beginning_of_their_names(database: str) -> None:
    """Each as it was put last."""
    await state.put("alert disk", {"holds": True}, NOW)
    await state.put("alert stuck", {"holds": False}, NOW)
    await state.put("paused", True, NOW)
    await state.put("alert disk", {"holds": False}, NOW + MINUTE)
    found = await state.beginning_with("alert ")
    assert found == {"alert disk": {"holds": False}, "alert stuck": {"holds": False}}
