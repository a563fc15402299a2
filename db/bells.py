"""Bells: who waits for something to arrive in the outbox, and who for a message of it to be settled: in this
process, and over the wire in others."""

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djangobot.db.signals import Wire

RUNG_MOST = 100_000
"""Chats that may be rung for at once; `look` finds the others. A process without a deliverer answers none."""


class Bell:
    """An event that belongs to no event loop, unlike asyncio's."""

    def __init__(self) -> None:
        self._is_set = False
        self._sleepers: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        self._is_set = True
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        if self._is_set:
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            self._sleepers.discard(sleeper)


_bell = Bell()
_urgent_bell = Bell()
_rung: dict[int, None] = {}
_rung_urgently: dict[int, None] = {}
_hurrying: set[int] = set()
"""Chats in which something urgent was accepted that nobody has claimed yet."""
Outcome = asyncio.Future[tuple[str, str | None]]
_expected: dict[str, list[Outcome]] = {}
"""By public_id; several wait for one message when its sender asked again under the same key."""
wire: "Wire | None" = None
"""To the other processes on this database; `signals.connected` sets it."""
_delivered_here = False


def hurry(chat_id: int) -> None:
    """Something urgent was accepted in this chat: until it is claimed, each ring for it is urgent."""
    if len(_hurrying) < RUNG_MOST:
        _hurrying.add(chat_id)


def hurried(chat_ids: Iterable[int]) -> None:
    """What was urgent in these has been claimed."""
    _hurrying.difference_update(chat_ids)


def deliver_here(yes: bool) -> None:
    """Whether the deliverer is in this process: nobody else needs to hear of what is due then."""
    global _delivered_here
    _delivered_here = yes


def ring(chat_id: int, *, urgent: bool = False) -> None:
    """Something may be due in this chat: wakes the deliverer, wherever it is."""
    if wire is not None and not _delivered_here:
        wire.say_due(chat_id, urgent or chat_id in _hurrying)
        _hurrying.discard(chat_id)
        return
    ring_here(chat_id, urgent=urgent)


def ring_here(chat_id: int, *, urgent: bool = False) -> None:
    """Wakes the deliverer of this process."""
    if urgent or chat_id in _hurrying:
        if len(_rung_urgently) < RUNG_MOST:
            _rung_urgently.setdefault(chat_id)
            _rung.pop(chat_id, None)
        _urgent_bell.set()
    elif len(_rung) < RUNG_MOST:
        _rung.setdefault(chat_id)
    _bell.set()


def quiet() -> bool:
    """Nobody has rung here that was not answered for yet."""
    return not _rung and not _rung_urgently


def rung(most: int) -> list[int]:
    """Up to `most` chats that were rung for and not answered for yet, first come first."""
    chats = list(islice(_rung, most))
    for chat_id in chats:
        del _rung[chat_id]
    _hush()
    return chats


def rung_urgently(most: int) -> list[int]:
    """The same of those in which something urgent waits."""
    chats = list(islice(_rung_urgently, most))
    for chat_id in chats:
        del _rung_urgently[chat_id]
    _hush()
    return chats


def _hush() -> None:
    if not _rung_urgently:
        _urgent_bell.clear()
        if not _rung:
            _bell.clear()


async def wait_for_urgent_ring() -> None:
    """Until somebody rings for a chat in which something urgent waits."""
    await _urgent_bell.wait()


async def wait_for_ring(seconds: float) -> None:
    """Until somebody rings, `seconds` at most."""
    try:
        async with asyncio.timeout(seconds):
            await _bell.wait()
    except TimeoutError:
        return


def expect(public_id: str) -> Outcome:
    """To be resolved by `settle` with status and failure; `forget` it, or wait in `settled_within`."""
    future: Outcome = asyncio.get_running_loop().create_future()
    _expected.setdefault(public_id, []).append(future)
    return future


async def settled_within(public_id: str, future: Outcome, seconds: float) -> tuple[str, str | None]:
    """Status and failure; `queued` when nothing final came in that time."""
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        return "queued", None
    finally:
        forget(public_id, future)


def forget(public_id: str, future: Outcome) -> None:
    """This one waits no more."""
    waiting = [other for other in _expected.pop(public_id, ()) if other is not future]
    if waiting:
        _expected[public_id] = waiting


def stop_waiting() -> None:
    """The process ends: whoever waits hears `queued`, and the next start delivers."""
    for public_id in _expected:
        tell_here(public_id, "queued", None)


def expected() -> list[str]:
    """The public_ids of messages that somebody in this process waits for."""
    return list(_expected)


def tell(public_id: str, status: str, failure: str | None) -> None:
    """A message has ended: wakes whoever waits for that, in any process."""
    tell_here(public_id, status, failure)
    if wire is not None:
        wire.say_settled(public_id, status, failure)


def tell_here(public_id: str, status: str, failure: str | None) -> None:
    """Wakes whoever waits in this process."""
    for future in _expected.get(public_id, ()):
        if not future.done():
            future.set_result((status, failure))
