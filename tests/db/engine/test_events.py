"""The event that belongs to no event loop."""

import asyncio

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.engine.events import LoopFreeEvent


async def test_all_who_wait_are_woken_and_later_ones_do_not_wait_until_it_is_cleared() -> None:
    """As asyncio's event does."""
    event = LoopFreeEvent()
    waiting = [asyncio.create_task(event.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    event.set()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)
        await event.wait()
    event.clear()
    again = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    assert not again.done()
    event.set()
    await again


def test_one_event_serves_one_loop_after_another() -> None:
    """asyncio's own would raise: it is bound to the first loop that waited."""
    event = LoopFreeEvent()

    async def wait_and_be_woken() -> bool:
        waiting = asyncio.create_task(event.wait())
        await asyncio.sleep(0)
        event.set()
        await asyncio.wait_for(waiting, PATIENCE)
        event.clear()
        return True

    assert asyncio.run(wait_and_be_woken())
    assert asyncio.run(wait_and_be_woken())


async def test_who_is_cancelled_while_waiting_is_forgotten() -> None:
    """Nothing is kept of them."""
    event = LoopFreeEvent()
    waiting = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not event._waiting


async def test_a_wait_ends_with_the_event_or_with_its_time() -> None:
    """And says which; who gave up waits no more."""
    event = LoopFreeEvent()
    assert not await event.wait_at_most(0)
    assert not event._waiting
    event.set()
    assert await event.wait_at_most(0)
