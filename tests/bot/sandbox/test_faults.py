"""Faults that a test orders."""

import asyncio
from collections.abc import Callable

import pytest

from djangobot.bot.sandbox.faults import FaultOrder, Faults, error_of
from djangobot.bot.sandbox.testing import PATIENCE

from .pyrogram_bot import Bot, errors, raw, until_used


async def test_ordered_faults_happen_as_ordered(bot: Bot, new_id: Callable[[], int]) -> None:
    """flood_wait and error once; another chat's fault does not concern this one; leftovers are listed."""
    await bot.sandbox.fault("flood_wait", "messages.sendMessage", value=7)
    with pytest.raises(errors.FloodWait) as caught:
        await bot.send("x", 1)
    assert caught.value.value == 7
    await bot.sandbox.fault("error", "messages.sendmessage", value="PEER_FLOOD", chat=bot.person)
    with pytest.raises(errors.PeerFlood):
        await bot.send("x", 1)
    await bot.sandbox.fault("error", "messages.sendMessage", value="PEER_FLOOD", chat=new_id(), times=2)
    assert await bot.send("x", 1)
    left = await bot.sandbox.faults()
    assert [(f["kind"], f["times"], f["used"]) for f in left] == [("error", 2, 0)]
    await bot.sandbox.clear_faults()
    assert await bot.sandbox.faults() == []


async def test_a_cut_loses_the_answer_but_not_the_message(bot: Bot) -> None:
    """cut_before executes nothing, cut_after everything; the client comes back by itself either way."""
    for kind, there in (("cut_before", 0), ("cut_after", 1)):
        await bot.sandbox.fault(kind, "messages.sendMessage")
        sending = asyncio.create_task(bot.send("x", 31 + there))
        await until_used(bot)
        # The connection ends at once; the answer would be waited for 15 s.
        with pytest.raises((OSError, TimeoutError)):
            await asyncio.wait_for(sending, 0.1)
        random_ids = [m["random_id"] for m in await bot.shown()]
        assert random_ids.count(31 + there) == there
        assert await bot.client.invoke(raw.functions.updates.GetState())
    assert (await bot.send("x", 32)).updates[0].random_id == 32


async def test_a_dropped_answer_and_a_delay_leave_the_connection_open(bot: Bot) -> None:
    """Other calls go on meanwhile."""
    await bot.sandbox.fault("drop_answer", "messages.sendMessage")
    dropped = asyncio.create_task(bot.send("x", 41))
    await until_used(bot)
    assert await bot.send("x", 42)
    assert [m["random_id"] for m in await bot.shown()].count(41) == 1
    assert not dropped.done()
    dropped.cancel()
    await bot.sandbox.fault("delay", "updates.getState", value=100 * PATIENCE)
    slow = asyncio.ensure_future(bot.client.invoke(raw.functions.updates.GetState()))
    await until_used(bot)
    assert await bot.send("x", 43)
    assert not slow.done()
    slow.cancel()
    await bot.sandbox.fault("delay", "updates.getState", value=0.1)
    assert await bot.client.invoke(raw.functions.updates.GetState())


async def test_refused_connections_end_at_once(bot: Bot) -> None:
    """The client tries until it is let in."""
    await bot.sandbox.fault("refuse_connections", times=1)
    await bot.sandbox.cut()
    await until_used(bot)
    assert await bot.client.invoke(raw.functions.updates.GetState())


def test_faults_are_used_up_in_order_by_method_and_chat() -> None:
    """Any spelling of the method; another chat's calls are not concerned."""
    faults = Faults()
    faults.order(FaultOrder(kind="flood_wait", method="messages.SendMessage", value=3, times=2, chat=5))
    faults.order(FaultOrder(kind="refuse_connections"))
    assert faults.use("messages.sendMessage", 6) is None
    assert faults.use("messages.editMessage", 5) is None
    assert [bool(faults.use("messages.sendMessage", 5)) for _ in range(3)] == [True, True, False]
    assert [faults.refuse_connection(), faults.refuse_connection()] == [True, False]
    assert faults.left() == []


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("USER_IS_BLOCKED", (403, "USER_IS_BLOCKED")),
        ("FLOOD_WAIT_7", (420, "FLOOD_WAIT_7")),
        ("500 RANDOM_ID_DUPLICATE", (500, "RANDOM_ID_DUPLICATE")),
        ("PEER_ID_INVALID", (400, "PEER_ID_INVALID")),
    ],
)
def test_an_ordered_error_may_name_its_code(value: str, error: tuple[int, str]) -> None:
    """Known ones have it already."""
    assert error_of(value) == error
