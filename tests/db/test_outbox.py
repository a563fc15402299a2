"""The outbox: claiming in order and fairly, settling, and surviving a process that dies."""

from datetime import timedelta

from djangobot.db import messages, outbox

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
