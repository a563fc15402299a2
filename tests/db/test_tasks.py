"""Tasks that nobody awaits."""

import asyncio
import gc

from djangobot.db.tasks import Tasks


async def test_a_task_is_kept_until_it_has_ended() -> None:
    """Nobody else holds it. A garbage collection does not take it away; whoever waits for all finds it."""
    tasks, go, done = Tasks(), asyncio.Event(), []

    async def work(number: int) -> None:
        await go.wait()
        done.append(number)

    for number in (1, 2):
        tasks.start(work(number))
    gc.collect()
    assert len(tasks) == 2
    go.set()
    await asyncio.wait(tasks)
    assert sorted(done) == [1, 2]
    assert not tasks
