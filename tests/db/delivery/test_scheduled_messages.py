"""Scheduled messages: each is queued at its time, in order, whatever happens meanwhile."""

from datetime import timedelta

import pytest

from djangobot.db.admin import bans
from djangobot.db.delivery import claims, outcomes, scheduled_messages, settlement
from djangobot.db.engine import current
from djangobot.db.errors import FieldsInvalid, KeyReused
from djangobot.db.messages import acceptance, idempotency, messages, schedule
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.programs import revocations, tokens

from ..conftest import MINUTE, NOW, World

HOUR = timedelta(hours=1)


async def statuses() -> list[str]:
    rows = await current().fetch("SELECT status FROM message WHERE kind = 'message' ORDER BY id")
    return [row["status"] for row in rows]


async def test_a_delayed_message_is_sent_at_its_time_and_not_before(world: World) -> None:
    """Until then it is in no queue, and the leader knows when it falls due."""
    token = await world.link(await world.account(), await world.person())
    accepted = await acceptance.accept(token, NewMessage("later", delay=3600.5, ttl=5, wait=30), NOW)
    due = NOW + timedelta(seconds=3600.5)
    assert accepted.status == "scheduled"
    entry = await messages.of_token(accepted.id, token, NOW)
    assert (entry.status, entry.send_at) == ("scheduled", due)
    assert await scheduled_messages.queue_due(due - timedelta(microseconds=1)) == due
    assert await world.deliver() == []
    assert await scheduled_messages.queue_due(due) is None
    world.now = due
    (sent,) = await world.deliver()
    assert (sent.text, sent.expires, sent.meant_for) == ("later", due + timedelta(seconds=5), due)


async def test_what_fell_due_while_nobody_delivered_is_sent_in_the_order_of_its_times(world: World) -> None:
    """The order of acceptance does not matter to them, and they stand behind what waited before."""
    token = await world.link(await world.account(), await world.person())
    for text, minutes in (("third", 3), ("first", 1), ("second", 2)):
        await acceptance.accept(token, NewMessage(text, delay=60 * minutes), NOW)
    await acceptance.accept(token, NewMessage("waited"), NOW)
    world.now = NOW + HOUR
    await scheduled_messages.queue_due(world.now)
    await acceptance.accept(token, NewMessage("new"), world.now)
    assert [m.text for m in await world.deliver()] == ["waited", "first", "second", "third", "new"]


async def test_a_queue_in_many_pieces_keeps_the_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transaction queues a bounded number."""
    monkeypatch.setattr(scheduled_messages, "QUEUE_MOST", 2)
    token = await world.link(await world.account(), await world.person())
    for number in reversed(range(7)):
        await acceptance.accept(token, NewMessage(str(number), delay=number + 1), NOW)
    world.now = NOW + MINUTE
    assert await scheduled_messages.queue_due(world.now) is None
    assert [m.text for m in await world.deliver()] == list("0123456")


@pytest.mark.parametrize(
    "wrong",
    [
        {"delay": -1},
        {"delay": float("nan")},
        {"delay": 366 * 86400 + 1},
        {"send_at": "2026-11-24T05:00:00"},
        {"send_at": "2026-11-24"},
        {"send_at": "2026-13-24T05:00:00Z"},
        {"send_at": "0001-01-01T00:00:00+14:00"},
        {"send_at": "2026-11-23T04:58:59Z"},
        {"send_at": "2028-11-24T05:00:00Z"},
        {"send_at": "2026-11-24T05:00:00Z", "delay": 5},
    ],
)
async def test_a_time_that_cannot_be_is_refused(world: World, wrong: dict[str, float | str]) -> None:
    """Without an offset, past, too far ahead, or given twice."""
    token = await world.link(await world.account(), await world.person())
    with pytest.raises(FieldsInvalid) as refused:
        await acceptance.accept(token, NewMessage("x", **wrong), NOW)  # type: ignore[arg-type]
    assert refused.value.details.keys() <= wrong.keys()


async def test_a_time_just_past_means_now(world: World) -> None:
    """Clocks differ."""
    token = await world.link(await world.account(), await world.person())
    message = NewMessage("x", send_at="2026-11-23T06:59:30+02:00")
    assert (await acceptance.accept(token, message, NOW)).status == "queued"


async def test_a_key_holds_as_long_as_its_message_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep leaves it, a repeat gets the same message, even when the time it names is past."""
    monkeypatch.setattr(idempotency, "SWEEP_EVERY", 1)
    token = await world.link(await world.account(), await world.person())
    message = NewMessage("x", key="k", send_at="2026-11-26T05:00:00Z")
    first = await acceptance.accept(token, message, NOW)
    later = NOW + timedelta(days=2, hours=23)
    again = await acceptance.accept(token, message, later)
    assert (again.id, again.status, again.repeated) == (first.id, "scheduled", True)
    with pytest.raises(KeyReused):
        await acceptance.accept(token, NewMessage("x", key="k", delay=5), later)
    await scheduled_messages.queue_due(NOW + timedelta(days=3))
    past = await acceptance.accept(token, message, NOW + timedelta(days=3, hours=1))
    assert (past.id, past.status) == (first.id, "queued")


async def test_a_revocation_and_a_ban_cancel_it_and_their_undoing_schedules_it_again(world: World) -> None:
    """It then waits for its time as before."""
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    await acceptance.accept(token, NewMessage("x", delay=3600), NOW)
    row = await tokens.resolve(token, NOW)
    await revocations.revoke(person.id, row.id, NOW)
    assert await statuses() == ["canceled"]
    await revocations.undo(person.id, row.id, NOW)
    assert await statuses() == ["scheduled"]
    await bans.ban("account", account.id, 1, NOW, of_settings=())
    assert await statuses() == ["canceled"]
    await bans.unban("account", account.id, 1, NOW)
    assert await statuses() == ["scheduled"]


async def test_a_person_cancels_a_message_once_and_has_another_now_once(world: World) -> None:
    """A second press, and a press after it was sent, change nothing; nobody else can press."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    for text in ("a", "b"):
        await acceptance.accept(token, NewMessage(text, delay=3600), NOW)
    first, second = await schedule.coming(person.id, 5)
    assert not await schedule.cancel(person.id + 1, first.seq)
    assert [await schedule.cancel(person.id, first.seq) for _ in range(2)] == [True, False]
    assert [await schedule.send_now(person.id, second.seq, NOW) for _ in range(2)] == [True, False]
    assert not await schedule.send_now(person.id, first.seq, NOW)
    assert [m.text for m in await world.deliver()] == ["b"]
    assert not await schedule.cancel(person.id, second.seq)
    assert await statuses() == ["canceled", "sent"]
    assert await schedule.coming(person.id, 5) == []


async def test_a_person_sees_and_cancels_a_scheduled_edit_too(world: World) -> None:
    """It is listed with what it will say; the message in the chat then stays as it is."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    await acceptance.accept(token, NewMessage("now", replace="k"), NOW)
    await world.deliver()
    later = await acceptance.accept(token, NewMessage("later", replace="k", delay=60), NOW)
    (coming,) = await schedule.coming(person.id, 5)
    assert (coming.id, coming.text, coming.status) == (later.id, "later", "scheduled")
    assert await schedule.cancel(person.id, coming.seq)
    assert await scheduled_messages.queue_due(NOW + MINUTE) is None
    assert await schedule.coming(person.id, 5) == []


async def test_a_message_in_flight_when_the_process_died_is_sent_once(world: World) -> None:
    """What was queued stays queued, and keeps its random_id."""
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("x", delay=60), NOW)
    due = NOW + MINUTE
    await scheduled_messages.queue_due(due)
    (before,) = await claims.claim(due, limit=9)
    await claims.reclaim(due)
    assert await scheduled_messages.queue_due(due) is None
    (after,) = await claims.claim(due, limit=9)
    assert (before.id, before.random_id) == (after.id, after.random_id)
    await settlement.settle([outcomes.Sent(after, 7)], due)
    assert await scheduled_messages.queue_due(due + HOUR) is None
    assert await statuses() == ["sent"]
