"""Background workers: a table says what runs and in which order it ends; one loop starts and stops it all."""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence

import msgspec
import structlog

log = structlog.get_logger(__name__)


class BackgroundWorker(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. Workers start in the order of the table."""

    name: str
    stops: int
    """The step of the stop in which it ends; 1 is the first. Workers of one step end together."""
    run: Callable[[], Coroutine[object, object, None]] | None = None
    """What it does, in a task of its own. None if there is only something to do at the stop."""
    stop: Callable[[], Awaitable[None] | None] | None = None
    """Asks it to end. Without this, its task is cancelled."""
    context: contextvars.Context | None = None
    """The context of its task."""


@contextlib.asynccontextmanager
async def running(workers: Sequence[BackgroundWorker]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Runs the workers while the block runs, and yields their tasks. Then stops them, one step after
    another. No error of one worker keeps another from its end."""
    tasks = {
        worker.name: asyncio.create_task(worker.run(), name=worker.name, context=worker.context)
        for worker in workers
        if worker.run is not None
    }
    try:
        yield list(tasks.values())
    finally:
        for step in sorted({worker.stops for worker in workers}):
            ending = [worker for worker in workers if worker.stops == step]
            await asyncio.gather(*(_end(worker, tasks.get(worker.name)) for worker in ending))


async def first_end(tasks: Sequence[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """Waits until `stop` is set. If a worker ends before that, raises its error."""
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done:
        if task is not stopping:
            task.result()


async def _end(worker: BackgroundWorker, task: asyncio.Task[None] | None) -> None:
    try:
        if worker.stop is None:
            if task is not None:
                task.cancel()
        elif (stopping := worker.stop()) is not None:
            await stopping
    except Exception:
        log.exception("a background worker did not stop in order", worker=worker.name)
        if task is not None:
            task.cancel()
    if task is not None:
        await asyncio.gather(task, return_exceptions=True)  # `first_end` has raised its error
