"""The outbox: claiming in order and fairly, settling, and surviving a process that dies."""

import asyncio
from datetime import timedelta

import pytest

from djangobot.db import chats, messages, outbox

from .conftest import MINUTE, NOW, World


async def claim(limit: int = 100) -> list[outbox.Claimed]:
    return await outbox.claim(NOW, limit=limit, lease=MINUTE)


async def test_of_each_chat_only_the_oldest_is_claimed_and_none_while_it_is_sent(world: World) -> None:
    account = await world.account()
    a, b = [await world.link(account, await world.person()) for _ in range(2)]
    for name, token in (("a", a), ("b", b)):
        for number in range(3):
            await messages.accept(token, f"{name}{number}", "Text", NOW)
    first = await claim()
    assert [message.text for message in first] == ["a0", "b0"]
    assert await claim() == []
    await outbox.settle([outbox.Sent(first[0], 1)], NOW)
    assert [message.text for message in await claim()] == ["a1"]


async def test_a_chat_that_waits_delays_nobody_else(world: World) -> None:
    account = await world.account()
    slow, quick = [await world.link(account, await world.person()) for _ in range(2)]
    for token in (slow, quick, slow, quick):
        await messages.accept(token, "x", "Text", NOW)
    flooded = (await claim(1))[0]
    until = NOW + timedelta(seconds=30)
    await outbox.settle([outbox.Postponed(flooded, until, "flood wait 30 s")], NOW)
    assert {message.chat_id for message in await world.deliver()} != {flooded.chat_id}
    assert await outbox.look(NOW) == until
    world.now = until
    again = await world.deliver()
    assert next((m.id, m.random_id, m.attempts) for m in again) == (flooded.id, flooded.random_id, 2)
    assert len(again) == 2


async def test_a_message_claimed_by_a_dead_process_is_claimed_again_under_its_random_id(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    await messages.accept(token, "in flight", "Text", NOW)
    (before,) = await claim()
    assert await outbox.reclaim(NOW) == 1
    (after,) = await claim()
    assert (after.id, after.random_id) == (before.id, before.random_id)
    assert (after.attempts, after.first_attempt) == (2, NOW)


async def test_every_end_is_in_the_history_with_its_reason(world: World) -> None:
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(3)]
    for token, text in zip(linked, ("sent", "failed", "uncertain"), strict=True):
        await messages.accept(token, text, "Text", NOW)
    found = {message.text: message for message in await claim()}
    await outbox.settle(
        [
            outbox.Sent(found["sent"], 77),
            outbox.Failed(found["failed"], "deactivated"),
            outbox.Uncertain(found["uncertain"], "lost"),
        ],
        NOW,
    )
    ends = {e.text: (e.status, e.failure) for e in (await messages.page(account.id)).messages}
    assert ends == {
        "sent": ("sent", None), "failed": ("failed", "deactivated"), "uncertain": ("uncertain", "lost"),
    }  # fmt: skip
    assert await outbox.look(NOW) is None
    assert await outbox.oldest_due(NOW) is None


async def test_a_claim_takes_no_more_than_its_limit_oldest_first(world: World) -> None:
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(5)]
    for number, token in enumerate(linked):
        await messages.accept(token, str(number), "Text", NOW - timedelta(seconds=number))
    assert [message.text for message in await claim(2)] == ["4", "3"]


async def test_what_is_urgent_is_claimed_first_and_takes_what_stands_before_it_along(world: World) -> None:
    """In its chat the order stays."""
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(3)]
    for number, token in enumerate(linked):
        await messages.accept(token, f"plain {number}", "Text", NOW)
    await messages.accept(linked[2], "urgent", "Text", NOW, urgent=True)
    (first,) = await claim(1)
    assert (first.text, first.urgent, first.hurries) == ("plain 2", False, True)
    await outbox.settle([outbox.Sent(first, 1)], NOW)
    (second,) = await claim(1)
    assert (second.text, second.urgent) == ("urgent", True)
    await outbox.settle([outbox.Sent(second, 2)], NOW)
    assert [(message.text, message.hurries) for message in await claim()] == [
        ("plain 0", False),
        ("plain 1", False),
    ]


async def test_the_deliverer_is_woken_for_urgent_chats_apart_from_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the urgent one comes while another of its chat is being sent."""
    for memory in ("_rung", "_rung_urgently"):
        monkeypatch.setattr(outbox, memory, {})
    monkeypatch.setattr(outbox, "_hurrying", set())
    account = await world.account()
    people = [await world.person() for _ in range(2)]
    plain, urgent = [await world.link(account, person) for person in people]
    outbox.rung(100)
    for token in (plain, urgent):
        await messages.accept(token, "x", "Text", NOW)
    assert outbox.rung(100) == [person.id for person in people]
    claimed = await claim()
    await messages.accept(urgent, "hurry", "Text", NOW, urgent=True)
    assert outbox.rung_urgently(100) == [people[1].id]
    await outbox.settle([outbox.Sent(message, 1) for message in claimed], NOW)
    assert (outbox.rung_urgently(100), outbox.rung(100)) == ([people[1].id], [people[0].id])


async def test_a_message_whose_time_is_over_ends_expired_also_in_a_blocked_chat(world: World) -> None:
    """Its sender, who waits, is told; the messages behind it go on when the person is back."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    waiting = asyncio.create_task(messages.accept(token, "soon", "Text", NOW, wait=30, ttl=60))
    while not await outbox.depth():  # noqa: ASYNC110 - in the database
        await asyncio.sleep(0)
    kept = await messages.accept(token, "any time", "Text", NOW)
    await chats.block(person.id, NOW)
    assert await outbox.expire(NOW + timedelta(seconds=59.999999)) == 0
    assert await outbox.expire(NOW + MINUTE) == 1
    assert await outbox.expire(NOW + MINUTE) == 0
    accepted = await waiting
    assert (accepted.status, accepted.failure) == ("expired", None)
    assert (await messages.of_token(accepted.id, token, NOW)).status == "expired"
    await chats.unblock(person.id, NOW)
    assert [message.public_id for message in await claim()] == [kept.id]


async def test_what_may_be_in_the_chat_is_not_said_to_have_expired(world: World) -> None:
    """Its answer was lost: uncertain, though Telegram then said to wait with the repeat."""
    token = await world.link(await world.account(), await world.person())
    accepted = await messages.accept(token, "soon", "Text", NOW, ttl=60)
    (first,) = await claim()
    await outbox.settle([outbox.Postponed(first, NOW, "no answer")], NOW)
    (again,) = await claim()
    until = NOW + timedelta(seconds=90)
    await outbox.settle([outbox.Postponed(again, until, "flood wait 90 s", not_done=True)], NOW)
    assert await outbox.expire(NOW + MINUTE) == 1
    entry = await messages.of_token(accepted.id, token, NOW)
    assert (entry.status, entry.failure) == ("uncertain", outbox.EXPIRED_IN_DOUBT)


async def test_a_clock_that_stepped_back_leaves_nothing_waiting_for_its_old_time(world: World) -> None:
    """Accepted and put off by the clock of before, hours ahead."""
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(2)]
    for token in linked:
        await messages.accept(token, "x", "Text", NOW)
    (put_off,) = await claim(1)
    await outbox.settle([outbox.Postponed(put_off, NOW + MINUTE, "no answer")], NOW)
    back = NOW - timedelta(hours=5)
    assert await outbox.claim(back, limit=10, lease=MINUTE) == []
    assert await outbox.due_now(back) == 2
    assert len(await outbox.claim(back, limit=10, lease=MINUTE)) == 2
