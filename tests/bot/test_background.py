"""Background workers: they start in the table's order and stop step by step, whatever one of them does."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from djangobot.bot.background import BackgroundWorker, first_end, running


class Journal:
    """Workers that write down when they start and end."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def worker(
        self, name: str, stops: int, stop: Callable[[], Awaitable[None] | None] | None = None
    ) -> BackgroundWorker:
        """A worker that runs until it is cancelled."""

        async def run() -> None:
            self.lines.append(f"{name} starts")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                self.lines.append(f"{name} ends")

        return BackgroundWorker(name=name, run=run, stop=stop, stops=stops)


async def test_workers_start_in_the_tables_order_and_stop_by_steps() -> None:
    """The next step begins when all workers of the step before have ended."""
    journal = Journal()

    async def last() -> None:
        journal.lines.append("last")

    table = [
        journal.worker("first", 2),
        journal.worker("second", 1),
        journal.worker("third", 1),
        BackgroundWorker(name="last", stop=last, stops=3),
    ]
    async with running(table) as tasks:
        await asyncio.sleep(0)
        assert [task.get_name() for task in tasks] == ["first", "second", "third"]
    assert journal.lines == [
        *("first starts", "second starts", "third starts"),
        *("second ends", "third ends", "first ends", "last"),
    ]


async def test_a_worker_that_is_asked_to_stop_ends_by_itself() -> None:
    """It is not cancelled, so it can finish what it does."""
    stopping = asyncio.Event()
    ended = False

    async def run() -> None:
        nonlocal ended
        await stopping.wait()
        await asyncio.sleep(0)
        ended = True

    async with running([BackgroundWorker(name="asked", run=run, stop=stopping.set, stops=1)]):
        pass
    assert ended


async def test_an_error_at_the_stop_keeps_nobody_from_their_end() -> None:
    """It is logged, and the worker is cancelled."""
    journal = Journal()

    def fail() -> None:
        raise ValueError("no")

    table = [journal.worker("failing", 1, fail), journal.worker("good", 2)]
    with capture_logs() as events:
        async with running(table):
            await asyncio.sleep(0)
    assert journal.lines[2:] == ["failing ends", "good ends"]
    assert [(one["event"], one["worker"]) for one in events] == [
        ("a background worker did not stop in order", "failing")
    ]


async def test_the_error_of_a_worker_ends_the_wait() -> None:
    """The process does not go on with a part missing."""

    async def run() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with running([BackgroundWorker(name="broken", run=run, stops=1)]) as tasks:
            await first_end(tasks, asyncio.Event())


async def test_a_request_to_stop_ends_the_wait() -> None:
    """While all workers run."""
    journal = Journal()
    stop = asyncio.Event()
    async with running([journal.worker("any", 1)]) as tasks:
        stop.set()
        await first_end(tasks, stop)
    assert journal.lines == ["any starts", "any ends"]


async def test_a_worker_runs_in_its_own_context() -> None:
    """The leader's workers use the connection that holds the lock."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")
    context = contextvars.copy_context()
    context.run(variable.set, "inside")
    seen: list[str] = []

    async def run() -> None:
        seen.append(variable.get())

    async with running([BackgroundWorker(name="any", run=run, stops=1, context=context)]):
        await asyncio.sleep(0)
    assert seen == ["inside"]
