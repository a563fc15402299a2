"""The outbox: claiming in order and fairly, settling, and surviving a process that dies."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import audit
from djangobot.db.delivery import backlog, claims, expiry, outbox, outcomes, settlement
from djangobot.db.delivery import urgent as urgent_messages
from djangobot.db.delivery.local_worker import register_worker
from djangobot.db.delivery.pubsub import waiters, wakeups
from djangobot.db.engine import current
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats, mutes
from djangobot.db.programs import revocations, tokens

from ..conftest import MINUTE, NOW, IdleWorker, World, on_sqlite, worker_here


async def claim(limit: int = 100) -> list[outcomes.Claimed]:
    return await claims.claim(NOW, limit=limit)


async def test_of_each_chat_only_the_oldest_is_claimed_and_none_while_it_is_sent(world: World) -> None:
    account = await world.account()
    a, b = [await world.link(account, await world.person()) for _ in range(2)]
    for name, token in (("a", a), ("b", b)):
        for number in range(3):
            await acceptance.accept(token, NewMessage(f"{name}{number}"), NOW)
    first = await claim()
    assert [message.text for message in first] == ["a0", "b0"]
    assert await claim() == []
    await settlement.settle([outcomes.Sent(first[0], 1)], NOW)
    assert [message.text for message in await claim()] == ["a1"]


async def test_a_chat_that_waits_delays_nobody_else(world: World) -> None:
    account = await world.account()
    slow, quick = [await world.link(account, await world.person()) for _ in range(2)]
    for token in (slow, quick, slow, quick):
        await acceptance.accept(token, NewMessage("x"), NOW)
    flooded = (await claim(1))[0]
    until = NOW + timedelta(seconds=30)
    await settlement.settle([outcomes.Postponed(flooded, until, "flood wait 30 s")], NOW)
    assert {message.chat_id for message in await world.deliver()} != {flooded.chat_id}
    assert await outbox.poll(NOW) == until
    world.now = until
    again = await world.deliver()
    assert next((m.id, m.random_id, m.attempts) for m in again) == (flooded.id, flooded.random_id, 2)
    assert len(again) == 2


async def test_a_message_claimed_by_a_dead_process_is_claimed_again_under_its_random_id(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("in flight"), NOW)
    (before,) = await claim()
    assert await claims.reclaim(NOW) == 1
    (after,) = await claim()
    assert (after.id, after.random_id) == (before.id, before.random_id)
    assert (after.attempts, after.first_attempt) == (2, NOW)


async def test_every_end_is_in_the_history_with_its_reason(world: World) -> None:
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(3)]
    for token, text in zip(linked, ("sent", "failed", "uncertain"), strict=True):
        await acceptance.accept(token, NewMessage(text), NOW)
    found = {message.text: message for message in await claim()}
    await settlement.settle(
        [
            outcomes.Sent(found["sent"], 77),
            outcomes.Failed(found["failed"], "deactivated"),
            outcomes.Uncertain(found["uncertain"], "lost"),
        ],
        NOW,
    )
    ends = {e.text: (e.status, e.failure) for e in (await messages.page(account.id)).messages}
    assert ends == {
        "sent": ("sent", None), "failed": ("failed", "deactivated"), "uncertain": ("uncertain", "lost"),
    }  # fmt: skip
    assert await outbox.poll(NOW) is None
    assert await outbox.oldest_due(NOW) is None


async def test_the_ids_of_all_its_messages_in_the_chat_are_kept(world: World) -> None:
    """One alone is `telegram_id`; of several all are kept in their order."""
    account = await world.account()
    for ids in ([5], [7, 0, 9]):
        token = await world.link(account, await world.person())
        await acceptance.accept(token, NewMessage("x"), NOW)
        (message,) = await claim()
        await settlement.settle([outcomes.Sent.as_messages(message, ids)], NOW)
    rows = await current().fetch(
        "SELECT telegram_id, telegram_ids FROM message WHERE kind = 'message' ORDER BY id"
    )
    assert [(row["telegram_id"], row["telegram_ids"]) for row in rows] == [(5, None), (7, "[7,0,9]")]


async def test_a_claim_takes_no_more_than_its_limit_oldest_first(world: World) -> None:
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(5)]
    for number, token in enumerate(linked):
        await acceptance.accept(token, NewMessage(str(number)), NOW - timedelta(seconds=number))
    assert [message.text for message in await claim(2)] == ["4", "3"]


async def test_what_is_urgent_is_claimed_first_and_takes_what_stands_before_it_along(world: World) -> None:
    """In its chat the order stays."""
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(3)]
    for number, token in enumerate(linked):
        await acceptance.accept(token, NewMessage(f"plain {number}"), NOW)
    await acceptance.accept(linked[2], NewMessage("urgent", urgent=True), NOW)
    (first,) = await claim(1)
    assert (first.text, first.urgent, first.has_urgent) == ("plain 2", False, True)
    await settlement.settle([outcomes.Sent(first, 1)], NOW)
    (second,) = await claim(1)
    assert (second.text, second.urgent) == ("urgent", True)
    await settlement.settle([outcomes.Sent(second, 2)], NOW)
    assert [(message.text, message.has_urgent) for message in await claim()] == [
        ("plain 0", False),
        ("plain 1", False),
    ]


async def test_the_deliverer_is_woken_for_urgent_chats_apart_from_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the urgent one comes while another of its chat is being sent."""
    for memory in ("_due_chats", "_urgent_chats"):
        monkeypatch.setattr(wakeups, memory, {})
    monkeypatch.setattr(urgent_messages, "_marked", set())
    account = await world.account()
    people = [await world.person() for _ in range(2)]
    plain, urgent = [await world.link(account, person) for person in people]
    wakeups.pop_due(100)
    for token in (plain, urgent):
        await acceptance.accept(token, NewMessage("x"), NOW)
    assert wakeups.pop_due(100) == [person.id for person in people]
    claimed = await claim()
    await acceptance.accept(urgent, NewMessage("hurry", urgent=True), NOW)
    assert wakeups.pop_urgent(100) == [people[1].id]
    await settlement.settle([outcomes.Sent(message, 1) for message in claimed], NOW)
    assert (wakeups.pop_urgent(100), wakeups.pop_due(100)) == ([people[1].id], [people[0].id])


async def test_a_message_whose_time_is_over_ends_expired_also_in_a_blocked_chat(world: World) -> None:
    """Its sender, who waits, is told; the messages behind it go on when the person is back."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    waiting = asyncio.create_task(acceptance.accept(token, NewMessage("soon", wait=30, ttl=60), NOW))
    while not await outbox.depth():  # noqa: ASYNC110 - in the database
        await asyncio.sleep(0)
    kept = await acceptance.accept(token, NewMessage("any time"), NOW)
    await chats.block(person.id, NOW)
    assert await expiry.expire(NOW + timedelta(seconds=59.999999)) == 0
    assert await expiry.expire(NOW + MINUTE) == 1
    assert await expiry.expire(NOW + MINUTE) == 0
    accepted = await waiting
    assert (accepted.status, accepted.failure) == ("expired", None)
    assert (await messages.of_token(accepted.id, token, NOW)).status == "expired"
    await chats.unblock(person.id, NOW)
    assert [message.public_id for message in await claim()] == [kept.id]


async def test_what_may_be_in_the_chat_is_not_said_to_have_expired(world: World) -> None:
    """Its answer was lost: uncertain, though Telegram then said to wait with the repeat."""
    token = await world.link(await world.account(), await world.person())
    accepted = await acceptance.accept(token, NewMessage("soon", ttl=60), NOW)
    (first,) = await claim()
    await settlement.settle([outcomes.Postponed(first, NOW, "no answer")], NOW)
    (again,) = await claim()
    until = NOW + timedelta(seconds=90)
    await settlement.settle([outcomes.Postponed(again, until, "flood wait 90 s", not_done=True)], NOW)
    assert await expiry.expire(NOW + MINUTE) == 1
    entry = await messages.of_token(accepted.id, token, NOW)
    assert (entry.status, entry.failure) == ("uncertain", outcomes.EXPIRED_IN_DOUBT)


async def test_a_clock_that_stepped_back_leaves_nothing_waiting_for_its_old_time(world: World) -> None:
    """Accepted and put off by the clock of before, hours ahead."""
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(2)]
    for token in linked:
        await acceptance.accept(token, NewMessage("x"), NOW)
    (put_off,) = await claim(1)
    await settlement.settle([outcomes.Postponed(put_off, NOW + MINUTE, "no answer")], NOW)
    back = NOW - timedelta(hours=5)
    assert await claims.claim(back, limit=10) == []
    assert await outbox.due_now(back) == 2
    assert len(await claims.claim(back, limit=10)) == 2


async def ended(world: World, status: str, many: int = 1) -> tuple[str, list[outcomes.Claimed]]:
    """Messages of one person that ended so, and the token."""
    token = await world.link(await world.account(), await world.person())
    found = []
    for number in range(many):
        await acceptance.accept(token, NewMessage(f"doubtful {number}", ttl=60), NOW)
        (message,) = await claim()
        end = outcomes.Uncertain if status == "uncertain" else outcomes.Failed
        await settlement.settle([end(message, "PEER_ID_INVALID")], NOW)
        found.append(message)
    return token, found


async def test_an_uncertain_message_is_sent_anew_or_dropped_when_somebody_says_so(world: World) -> None:
    """Under a new random_id, with no time of its own to expire; never twice for two presses."""
    token, (first, second, _) = await ended(world, "uncertain", 3)
    later = NOW + timedelta(hours=1)
    assert await backlog.apply("resend", first.id, 7, later)
    assert not await backlog.apply("resend", first.id, 7, later)
    (again,) = await claims.claim(later, limit=9)
    assert again.random_id != first.random_id
    assert (again.id, again.first_attempt, again.expires) == (first.id, None, None)
    assert await backlog.apply("drop", second.id, 7, later)
    entry = await messages.of_token(second.public_id, token, later)
    assert (entry.status, entry.failure) == ("canceled", "dropped")
    assert await backlog.counts(later) == backlog.Counts(due=1, uncertain=1)


async def test_all_that_failed_are_tried_again_at_once(world: World) -> None:
    """And only these. The audit says it once, with their number."""
    _, found = await ended(world, "failed", 3)
    assert await backlog.counts(NOW) == backlog.Counts(failed=3)
    assert await backlog.apply_to_all("resend", 7, NOW) == 0
    assert await backlog.apply_to_all("drop", 7, NOW) == 0
    assert await audit.page(9) == []
    assert await backlog.apply_to_all("retry", 7, NOW) == 3
    assert [(entry.actor, entry.action, entry.before) for entry in await audit.page(9)] == [
        (7, "retry all", "3")
    ]
    assert [message.id for message in await world.deliver()] == [message.id for message in found]


async def test_all_uncertain_ones_are_resent_or_dropped_at_once(world: World) -> None:
    """More of them than one transaction changes; each decision is one entry of the audit."""
    await ended(world, "uncertain", 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlog, "BULK", 2)
        assert await backlog.apply_to_all("resend", 7, NOW) == 3
        for _ in range(2):
            await settlement.settle([outcomes.Uncertain(one, "lost") for one in await claim()], NOW)
        assert await backlog.apply_to_all("drop", 7, NOW) == 2
        assert (await backlog.counts(NOW)).uncertain == 0
    entries = await audit.page(9)
    assert [(entry.action, entry.before) for entry in entries] == [("drop all", "2"), ("resend all", "3")]


@pytest.mark.parametrize("verb", ["retry", "resend", "drop"])
async def test_no_message_is_decided_about_without_an_entry_in_the_audit(
    world: World, verb: backlog.BulkVerb
) -> None:
    """The entry is written in the first transaction: when it fails, nothing is changed."""
    await ended(world, "failed" if verb == "retry" else "uncertain", 2)
    before = await backlog.counts(NOW)

    async def fails(*_: object) -> None:
        raise RuntimeError("the audit can't be written")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "record", fails)
        with pytest.raises(RuntimeError):
            await backlog.apply_to_all(verb, 7, NOW)
    assert await backlog.counts(NOW) == before


async def test_nothing_is_sent_anew_for_a_token_the_person_revoked(world: World) -> None:
    """Whoever was shown the door stays out."""
    _, (message,) = await ended(world, "uncertain")
    (token,) = await tokens.of_chat(message.chat_id, NOW)
    await revocations.revoke(message.chat_id, token.id, NOW)
    assert not await backlog.apply("resend", message.id, 7, NOW)
    assert await backlog.apply("drop", message.id, 7, NOW)


@pytest.fixture
def idle() -> Iterator[IdleWorker]:
    with worker_here() as worker:
        yield worker


async def states() -> list[tuple[str, str, int]]:
    rows = await current().fetch(
        "SELECT text, status, attempts FROM message WHERE kind = 'message' ORDER BY id"
    )
    return [(row["text"], row["status"], row["attempts"]) for row in rows]


@on_sqlite
@pytest.mark.parametrize("limited", [False, True], ids=["free", "muted, limited in time, urgent"])
async def test_an_idle_deliverer_gets_what_is_accepted_as_a_claim_would_give_it(
    world: World, idle: IdleWorker, limited: bool
) -> None:
    """In the same commit, so nobody has to look for it; `sending` on disk."""
    account = await world.account()
    linked = [await world.link(account, await world.person()) for _ in range(2)]
    how: dict[str, Any] = {"urgent": True, "ttl": 60} if limited else {}
    if limited:
        for chat in await current().fetch("SELECT id FROM chat"):
            await mutes.mute(chat["id"], account.id, NOW + MINUTE)
    await acceptance.accept(linked[0], NewMessage("x", **how), NOW)
    assert await states() == [("x", "sending", 1)]
    register_worker(None)
    await acceptance.accept(linked[1], NewMessage("x", **how), NOW)
    (given,), (claimed,) = idle.taken, await claim()
    its_own = ("id", "public_id", "chat_id", "access_hash", "random_id", "token_id", "token_prefix")
    same = {name: getattr(claimed, name) for name in its_own}
    assert msgspec.structs.replace(given, **same) == claimed
    assert await claims.reclaim(NOW) == 2, "a process that dies now loses neither"


@on_sqlite
async def test_of_a_chat_one_message_at_a_time_is_given_to_an_idle_deliverer(
    world: World, idle: IdleWorker
) -> None:
    """The others wait behind it, however many are accepted at the same moment."""
    token = await world.link(await world.account(), await world.person())
    texts = [str(number) for number in range(5)]
    await asyncio.gather(*(acceptance.accept(token, NewMessage(text), NOW) for text in texts))
    for text in texts:
        (message,) = idle.taken or await claim()
        assert message.text == text
        assert await claim() == []
        idle.taken.clear()
        await settlement.settle([outcomes.Sent(message, 1)], NOW)
    assert {status for _, status, _ in await states()} == {"sent"}


async def test_what_waits_in_a_chat_is_not_passed_by_what_is_given_to_an_idle_deliverer(
    world: World, idle: IdleWorker
) -> None:
    """Its oldest message was put off; the new one waits behind it."""
    token = await world.link(await world.account(), await world.person())
    register_worker(None)
    await acceptance.accept(token, NewMessage("put off"), NOW)
    (first,) = await claim()
    await settlement.settle([outcomes.Postponed(first, NOW + MINUTE, "flood wait")], NOW)
    register_worker(idle)
    await acceptance.accept(token, NewMessage("behind it"), NOW)
    assert idle.taken == []
    assert await states() == [("put off", "queued", 1), ("behind it", "queued", 0)]


async def test_a_deliverer_that_stops_while_a_message_is_accepted_leaves_it_queued(
    world: World, idle: IdleWorker
) -> None:
    """And rung for: the next one sends it, as never tried."""
    token = await world.link(await world.account(), await world.person())
    wakeups.pop_due(wakeups.CHATS_MOST)
    idle.stops = True
    await acceptance.accept(token, NewMessage("x"), NOW)
    assert idle.taken == []
    assert len(wakeups.pop_due(10)) == 1
    (message,) = await claim()
    assert (message.text, message.first_attempt) == ("x", None)


async def test_a_sender_who_hangs_up_leaves_its_message_in_the_deliverers_hand(
    world: World, idle: IdleWorker
) -> None:
    """What is `sending` on disk is in somebody's hand, or it would wait for the next start."""
    token = await world.link(await world.account(), await world.person())
    wakeups.pop_due(wakeups.CHATS_MOST)
    sending = asyncio.create_task(acceptance.accept(token, NewMessage("x"), NOW))
    await idle.asked.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    async with asyncio.timeout(PATIENCE):
        while not idle.taken and wakeups.nothing_due():  # noqa: ASYNC110 - nothing tells when it is on disk
            await asyncio.sleep(0)
    assert [message.text for message in idle.taken or await claim()] == ["x"]


async def test_a_key_used_by_many_at_once_gives_an_idle_deliverer_one_message(
    world: World, idle: IdleWorker
) -> None:
    """Those that found it there are given nothing."""
    token = await world.link(await world.account(), await world.person())
    await asyncio.gather(*(acceptance.accept(token, NewMessage("x", key="k"), NOW) for _ in range(10)))
    assert len(await states()) == 1
    assert len([*idle.taken, *await claim()]) == 1


async def test_one_that_waits_is_sent_now_or_dropped_and_the_audit_says_so(world: World) -> None:
    """Whoever waits for it hears; what is being sent is left alone."""
    token = await world.link(await world.account(), await world.person())
    for text in ("first", "second"):
        await acceptance.accept(token, NewMessage(text), NOW)
    (first,) = await claim()
    assert not await backlog.apply("drop", first.id, 7, NOW)
    assert not await backlog.apply("send", first.id, 7, NOW)
    await settlement.settle([outcomes.Postponed(first, NOW + timedelta(hours=1), "no answer")], NOW)
    assert await claim() == []
    assert await backlog.apply("send", first.id, 7, NOW)
    assert not await backlog.apply("send", first.id, 7, NOW)
    assert wakeups.pop_due(9) == [first.chat_id]
    (second,) = [one for one in await backlog.listed(NOW, 9) if one.id != first.id]
    waiting = waiters.add_waiter(second.public_id)
    assert await backlog.apply("drop", second.id, 7, NOW)
    assert waiting.result() == ("canceled", "dropped")
    assert [message.id for message in await world.deliver()] == [first.id]
    dropped, retried = await audit.page(2)
    assert (dropped.action, dropped.before, dropped.after) == ("drop", '"queued"', '"canceled"')
    assert (retried.actor, retried.action, retried.target) == (7, "send", f"message {first.public_id}")
