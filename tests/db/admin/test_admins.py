"""Admins and what they did, on both databases."""

from datetime import timedelta

from djangobot.db import audit
from djangobot.db.admin import admins, stats
from djangobot.db.delivery import backlog, claims, outcomes, settlement
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ..conftest import NOW, World


async def test_the_last_admin_stays(world: World) -> None:
    """Unless the settings name others; those cannot be dismissed."""
    assert await admins.appoint(1, 0, NOW)
    assert not await admins.appoint(1, 0, NOW)
    assert await admins.dismiss(1, 1, (), NOW) == "the last"
    assert await admins.dismiss(7, 1, (7,), NOW) == "of the settings"
    assert await admins.dismiss(9, 1, (), NOW) == "no admin"
    assert await admins.every((7,)) == [7, 1]
    assert await admins.dismiss(1, 7, (7,), NOW) == "dismissed"
    assert not await admins.is_admin(1, (7,))
    assert await admins.is_admin(7, (7,))


async def test_each_deed_is_written_down_once(world: World) -> None:
    """Newest first, in pages."""
    await admins.appoint(1, 7, NOW)
    await admins.appoint(1, 7, NOW)
    await admins.appoint(2, 1, NOW)
    await admins.dismiss(1, 2, (), NOW)
    entries = await audit.page(2)
    assert [(entry.actor, entry.action, entry.target, entry.before, entry.after) for entry in entries] == [
        (2, "dismiss", "1", "true", "false"),
        (1, "appoint", "2", "false", "true"),
    ]
    (first,) = await audit.page(2, before=entries[-1].id)
    assert (first.actor, first.action, first.target) == (7, "appoint", "1")


async def test_a_summary_tells_what_is_so(world: World) -> None:
    """Also of an empty database."""
    empty = await stats.summary(NOW)
    assert (empty.depth, empty.oldest_due, empty.accepted, empty.sent) == (0, None, 0, 0)
    assert empty.size > 0
    assert await backlog.counts(NOW) == backlog.Counts()
    assert await stats.causes(5) == []
    await world.link(await world.account(), await world.person())
    counts = await stats.counts()
    assert (counts.accounts, counts.chats, counts.tokens, counts.messages) == (1, 1, 1, {"sent": 1})


async def test_the_last_hours_are_counted_by_when_messages_were_accepted(world: World) -> None:
    """With how long sending took; what is older, and notices, are left out; an empty database has hours,
    too."""
    assert [hour.accepted for hour in await stats.hours(NOW, 3)] == [0, 0, 0]
    token = await world.link(await world.account(), await world.person())
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    for minutes, took in ((-200, 1), (-130, 1), (-90, 1), (-80, 3), (-10, 2)):
        moment = NOW + timedelta(minutes=minutes)
        await acceptance.accept(token, NewMessage("x"), moment)
        (claimed,) = await claims.claim(moment, limit=1)
        await settlement.settle([outcomes.Sent(claimed, 1)], moment + took * second)
    await acceptance.accept(token, NewMessage("late"), NOW - second)
    (claimed,) = await claims.claim(NOW, limit=1)
    await settlement.settle([outcomes.Failed(claimed, "blocked")], NOW)
    found = await stats.hours(NOW, 3)
    assert [one.begins for one in found] == [NOW - 3 * hour, NOW - 2 * hour, NOW - hour]
    assert [(one.accepted, one.sent, one.failed) for one in found] == [(1, 1, 0), (2, 2, 0), (2, 1, 1)]
    assert [(one.median, one.slow) for one in found] == [(1, 1), (3, 3), (2, 2)]
