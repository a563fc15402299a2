"""A message is pressed once, whoever presses when, and its program is told."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.delivery.pubsub import changes
from djangobot.db.messages import acceptance, messages, presses
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.messages import Entry
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.messages.presses import Pressed
from djangobot.db.people import erasure
from djangobot.db.programs import revocations, tokens

from ..conftest import MINUTE, NOW, World

RESTART, DOCS = Button("Restart", value="restart"), Button("Docs", url="https://example.org")
ROWS = ((RESTART, DOCS), (Button("No", value="no"),))


async def _asked(world: World) -> tuple[str, Entry]:
    """A bot token, and a message with buttons that was sent with it."""
    token = await world.link(await world.account(), await world.person())
    accepted = await acceptance.accept(token, NewMessage("Restart?", buttons=ROWS), NOW)
    return token, await messages.of_token(accepted.id, token, NOW)


async def test_of_forty_presses_at_once_one_counts(world: World) -> None:
    """All are told the same choice; one of them was the first."""
    token, entry = await _asked(world)
    found = await asyncio.gather(
        *(presses.press(entry.chat, entry.seq, 2 * (n % 2), NOW + n * MINUTE) for n in range(40))
    )
    told = [press for press in found if press is not None]
    assert len(told) == 40
    (first,) = [press for press in told if press.first]
    assert {press.pressed for press in told} == {first.pressed}
    assert (await messages.of_token(entry.id, token, NOW)).pressed == first.pressed


async def test_a_press_is_kept_for_years(world: World) -> None:
    """Another button, ten years later, changes nothing."""
    token, entry = await _asked(world)
    later = NOW + timedelta(days=3653)
    assert await presses.press(entry.chat, entry.seq, 0, NOW) is not None
    again = await presses.press(entry.chat, entry.seq, 2, later)
    assert again is not None
    assert not again.first
    pressed = (await messages.of_token(entry.id, token, NOW)).pressed
    assert again.pressed == pressed == Pressed("restart", "Restart", NOW)


async def test_only_the_chat_that_was_asked_can_press_and_only_what_is_there(world: World) -> None:
    """Another chat, a button that opens an address, and one beyond the last record nothing."""
    token, entry = await _asked(world)
    assert await presses.press((await world.person()).id, entry.seq, 0, NOW) is None
    for number in (1, 3, 999):
        assert await presses.press(entry.chat, entry.seq, number, NOW) is None
    assert (await messages.of_token(entry.id, token, NOW)).pressed is None


async def test_nobody_learns_of_a_press_for_a_token_that_cannot_be_used(world: World) -> None:
    """A revoked token records nothing, and neither does a message that was deleted."""
    token, entry = await _asked(world)
    card = (await tokens.of_chat(entry.chat, NOW))[0]
    await revocations.revoke(entry.chat, card.id, NOW)
    assert await presses.press(entry.chat, entry.seq, 0, NOW) is None
    await revocations.undo(entry.chat, card.id, NOW)
    assert (await messages.of_token(entry.id, token, NOW)).pressed is None
    await erasure.erase(entry.chat, NOW)
    assert await presses.press(entry.chat, entry.seq, 0, NOW) is None


async def test_who_waits_for_a_change_is_told_of_a_press_and_of_the_end(world: World) -> None:
    """Each wait ends with the state that came."""
    token, entry = await _asked(world)

    def waiting(known: Callable[[Entry], bool]) -> "asyncio.Task[Entry]":
        return asyncio.create_task(messages.once_changed(entry.id, token, known, PATIENCE))

    end = waiting(lambda now: now.status in ("queued", "sending"))
    await world.deliver()
    assert (await end).status == "sent"
    press = waiting(lambda now: now.pressed is None)
    await presses.press(entry.chat, entry.seq, 0, NOW)
    assert (await press).pressed == Pressed("restart", "Restart", NOW)


async def test_a_wait_ends_after_its_time_and_when_the_process_ends(world: World) -> None:
    """The message is then told as it is."""
    token, entry = await _asked(world)
    assert await messages.once_changed(entry.id, token, lambda _: True, 0.01) == entry
    begun = asyncio.Event()

    def known(_: Entry) -> bool:
        begun.set()
        return True

    wait = asyncio.create_task(messages.once_changed(entry.id, token, known, 3600))
    await begun.wait()
    changes.release_watches()
    assert await asyncio.wait_for(wait, PATIENCE) == entry
