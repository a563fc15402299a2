"""Who is banned sends nothing, or gets nothing, until the ban is lifted; on both databases."""

import asyncio

import pytest

from djangobot.db.admin import bans, users
from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.errors import (
    AccountBanned,
    ChatBanned,
    CodeInvalid,
)
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import codes
from djangobot.db.programs import accounts
from djangobot.db.programs.tokens import resolve

from ..conftest import NOW, World, actions

ROOT = 7


async def test_a_banned_accounts_tokens_end_at_once_and_come_back(world: World) -> None:
    """Access and bot tokens, codes, sign-in; what it had queued is canceled, and queued again by the unban.
    Other accounts' messages are untouched."""
    owner, other, ann = await world.account(), await world.account("other"), await world.person()
    token, others = await world.link(owner, ann), await world.link(other, ann)
    mine = await acceptance.accept(token, NewMessage("mine"), NOW)
    kept = await acceptance.accept(others, NewMessage("theirs"), NOW)
    assert await bans.ban("account", owner.id, ROOT, NOW, of_settings=())
    assert not await bans.ban("account", owner.id, ROOT, NOW, of_settings=())
    with pytest.raises(AccountBanned):
        await acceptance.accept(token, NewMessage("more"), NOW)
    with pytest.raises(AccountBanned):
        await acceptance.accept(token, NewMessage("more", key="k"), NOW)
    with pytest.raises(AccountBanned):
        await accounts.authenticate(owner.id, owner.token_version)
    with pytest.raises(AccountBanned):
        await accounts.sign_in("owner", "password1234")
    with pytest.raises(AccountBanned):
        await resolve(token, NOW)
    with pytest.raises(AccountBanned):
        await codes.redeem(owner, await codes.issue(ann, NOW), NOW)
    assert [message.public_id for message in await world.deliver()] == [kept.id]
    assert await bans.unban("account", owner.id, ROOT, NOW)
    assert not await bans.unban("account", owner.id, ROOT, NOW)
    assert [message.public_id for message in await world.deliver()] == [mine.id]
    await accounts.authenticate(owner.id, owner.token_version)
    assert await actions() == [f"ban account {owner.id}", f"unban account {owner.id}"]


async def test_what_was_in_hand_when_an_account_was_banned_does_not_come_back(world: World) -> None:
    """Put back, or taken up after a crash, it is canceled."""
    owner, ann, ben = await world.account(), await world.person(), await world.person()
    first, second = await world.link(owner, ann), await world.link(owner, ben)
    for token in (first, second):
        await acceptance.accept(token, NewMessage("in hand"), NOW)
    claimed = await claims.claim(NOW, limit=10)
    await bans.ban("account", owner.id, ROOT, NOW, of_settings=())
    await settlement.settle([outcomes.Postponed(claimed[0], NOW, "put back", not_done=True)], NOW)
    await claims.reclaim(NOW)
    assert await claims.claim(NOW, limit=10) == []
    card = await users.get("account", owner.id, NOW)
    assert card
    assert card.messages == {"canceled": 2}


async def test_a_ban_misses_nothing_that_is_accepted_at_the_same_moment(world: World) -> None:
    """Each of many messages is refused, or canceled by the ban."""
    owner = await world.account()
    tokens = [await world.link(owner, await world.person()) for _ in range(8)]

    async def send(token: str) -> None:
        for number in range(10):
            await acceptance.accept(token, NewMessage(f"{number}"), NOW)

    sending = [asyncio.create_task(send(token)) for token in tokens]
    await asyncio.sleep(0)
    await bans.ban("account", owner.id, ROOT, NOW, of_settings=())
    refused = await asyncio.gather(*sending, return_exceptions=True)
    assert all(isinstance(one, AccountBanned) for one in refused if one is not None)
    assert await claims.claim(NOW, limit=100) == []


async def test_a_banned_person_gets_nothing_until_they_may_again(world: World) -> None:
    """What was queued waits; their codes are worth nothing."""
    owner, ann = await world.account(), await world.person()
    token = await world.link(owner, ann)
    waiting = await acceptance.accept(token, NewMessage("waits"), NOW)
    code = await codes.issue(ann, NOW)
    assert await bans.ban("chat", ann.id, ROOT, NOW, of_settings=())
    with pytest.raises(ChatBanned):
        await acceptance.accept(token, NewMessage("more"), NOW)
    with pytest.raises(CodeInvalid):
        await codes.redeem(owner, code, NOW)
    assert await world.deliver() == []
    assert await bans.unban("chat", ann.id, ROOT, NOW)
    assert [message.public_id for message in await world.deliver()] == [waiting.id]
