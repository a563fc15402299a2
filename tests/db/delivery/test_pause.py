"""The pause: what an admin decides is recorded together with who decided it."""

import pytest

from djangobot.db import audit
from djangobot.db.delivery import pause

from ..conftest import NOW, World


@pytest.mark.usefixtures("world")
async def test_a_pause_and_its_end_are_each_recorded_once() -> None:
    """A second press changes nothing and is no entry."""
    for paused in (True, True, False, False):
        await pause.set_paused(paused, 7, NOW)
        assert await pause.is_paused() == paused
    entries = await audit.page(9)
    assert [(entry.actor, entry.action, entry.after) for entry in entries] == [
        (7, "pause delivery", "false"),
        (7, "pause delivery", "true"),
    ]


async def test_there_is_no_pause_without_an_entry_in_the_audit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are one transaction."""

    async def fails(*_: object) -> None:
        raise RuntimeError("the audit can't be written")

    monkeypatch.setattr(audit, "record", fails)
    with pytest.raises(RuntimeError):
        await pause.set_paused(True, 7, NOW)
    assert not await pause.is_paused()
