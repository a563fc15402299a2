"""How much disk must be free."""

import shutil
from collections import namedtuple

import pytest

from djangobot.db.delivery.limits import disk_floor
from djangobot.db.engine import current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import DiskNearlyFull
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats

from ...conftest import World

Usage = namedtuple("Usage", "total used free")


async def test_below_the_floor_of_free_disk_nothing_is_accepted_and_all_else_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delivery needs what is left. Of PostgreSQL's disk nothing is known."""
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("x"), world.now)

    def free(left: int) -> None:
        disk_floor.configure(1000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10_000, 10_000 - left, left))

    free(999)
    if not isinstance(current(), SQLiteEngine):
        await acceptance.accept(token, NewMessage("x"), world.now)
        return
    with pytest.raises(DiskNearlyFull):
        await acceptance.accept(token, NewMessage("x"), world.now)
    assert len(await world.deliver()) == 1
    assert await chats.meet(
        9, access_hash=1, first_name="B", last_name="", username="", language="en", now=world.now
    )
    free(1000)
    await acceptance.accept(token, NewMessage("x"), world.now)
