"""Messages that are not where they were to go: counted, grouped, listed."""

from datetime import timedelta

from djangobot.db.delivery import backlog, claims, outbox, outcomes, settlement
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ..conftest import NOW, World


async def settled(token: str, outcome: str) -> None:
    """A message of this token's that ended so."""
    await acceptance.accept(token, NewMessage(outcome), NOW)
    (claimed,) = await claims.claim(NOW, limit=1)
    match outcome:
        case "failed":
            await settlement.settle([outcomes.Failed(claimed, "PEER_ID_INVALID")], NOW)
        case "uncertain":
            await settlement.settle([outcomes.Uncertain(claimed, "no answer")], NOW)
        case "sent":
            await settlement.settle([outcomes.Sent(claimed, 5)], NOW)
        case "postponed":
            await settlement.settle([outcomes.Postponed(claimed, NOW + timedelta(hours=1), "no answer")], NOW)


async def test_they_are_told_apart_by_person_and_by_sender(world: World) -> None:
    """What was sent is among none; the longest list comes first."""
    owner, other = await world.account(), await world.account("other", "Other")
    olga, alex = await world.person(), await world.person()
    to_olga, to_alex = await world.link(owner, olga), await world.link(owner, alex)
    others = await world.link(other, alex)
    for outcome in ("sent", "failed", "uncertain", "postponed"):
        await settled(to_olga, outcome)
    await settled(others, "failed")
    await acceptance.accept(to_alex, NewMessage("waits"), NOW)
    assert await backlog.counts(NOW) == backlog.Counts(due=1, postponed=1, failed=2, uncertain=1)
    by_chat = await backlog.groups("chat", NOW, 9)
    assert [(g.id, g.due, g.postponed, g.failed, g.uncertain) for g in by_chat] == [
        (olga.id, 0, 1, 1, 1),
        (alex.id, 1, 0, 1, 0),
    ]
    by_account = await backlog.groups("account", NOW, 9)
    assert [(g.id, g.name, g.failed) for g in by_account] == [(owner.id, "Owner", 1), (other.id, "Other", 1)]
    assert [g.id for g in await backlog.groups("chat", NOW, 9, 1)] == [alex.id]


async def test_they_are_listed_oldest_first_page_by_page_and_one_is_shown(world: World) -> None:
    """By state, by person, by sender; with everything but what it says."""
    owner, olga = await world.account(), await world.person()
    token = await world.link(owner, olga)
    for _ in range(3):
        await settled(token, "failed")
    await settled(token, "postponed")
    everything = await backlog.listed(NOW, 9)
    assert [one.state(NOW) for one in everything] == ["failed", "failed", "failed", "postponed"]
    assert await backlog.listed(NOW, 2, 1, state="failed") == everything[1:3]
    assert await backlog.listed(NOW, 9, state="postponed", side="chat", of=olga.id) == everything[3:]
    assert await backlog.listed(NOW, 9, side="account", of=owner.id) == everything
    assert await backlog.listed(NOW, 9, side="account", of=backlog.NOBODY) == []
    one = await backlog.get(everything[0].id)
    assert one is not None
    assert one == everything[0]
    assert (one.sender, one.failure, one.length, one.attempts) == ("Owner", "PEER_ID_INVALID", 6, 1)
    assert not hasattr(one, "text")
    assert await backlog.get(10**9) is None


async def test_what_the_service_itself_says_has_no_sender(world: World) -> None:
    """It waits among the others."""
    olga = await world.person()
    await outbox.add_notice("account_removed", olga.id, NOW, text="Gone")
    (one,) = await backlog.listed(NOW, 9, side="account", of=backlog.NOBODY)
    assert (one.kind, one.sender, one.state(NOW)) == ("account_removed", "", "due")
    (group,) = await backlog.groups("account", NOW, 9)
    assert (group.id, group.name, group.due) == (backlog.NOBODY, "", 1)
