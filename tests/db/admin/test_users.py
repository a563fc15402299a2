"""What admins see of accounts and people, and what they may do about them, on both databases."""

import asyncio

import pytest

from djangobot.db import audit
from djangobot.db.admin import admins, users
from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.errors import (
    AccessDenied,
    AccountBanned,
    ChatBanned,
    CodeInvalid,
    TokenInvalid,
    UserIsAdmin,
)
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats, codes
from djangobot.db.programs import accounts
from djangobot.db.programs.tokens import resolve

from ..conftest import MINUTE, NOW, World

ROOT = 7


async def actions() -> list[str]:
    """What the audit says was done, the oldest first."""
    return [f"{entry.action} {entry.target}" for entry in reversed(await audit.page(50))]


async def test_people_and_accounts_are_found_by_name_handle_and_number(world: World) -> None:
    """Whatever the case, in Cyrillic too; LIKE's signs are letters like others."""
    fedor = await world.account("fedxl", "Фёдор")
    percent = await world.account("p", "100%_sure")
    ann = await world.person()
    await chats.meet(
        ann.id,
        access_hash=7,
        first_name="Anna",
        last_name="Smith",
        username="annie",
        language="",
        now=NOW,
    )

    async def found(words: str) -> set[int]:
        return {one.id for one in await users.search(words, 20)}

    assert await found("фёд") == await found("FEDXL") == {fedor.id}
    assert await found("anna smi") == await found("@Annie") == {ann.id}
    assert ann.id in await found(str(ann.id))
    assert await found("0%_s") == {percent.id}
    assert await found("%") == {percent.id}
    assert await found("") == {fedor.id, percent.id, ann.id}
    assert await found("nobody") == set()
    pages = [await users.search("", 2, offset) for offset in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 1, 0]


async def test_a_card_tells_the_links_and_counts_but_no_texts(world: World) -> None:
    """From both sides; of tokens only those that may still write."""
    owner, ann = await world.account(), await world.person()
    token = await world.link(owner, ann)
    await acceptance.accept(token, NewMessage("secret words"), NOW)
    await world.deliver()
    account = await users.get("account", owner.id, NOW)
    person = await users.get("chat", ann.id, NOW)
    assert account
    assert person
    assert account.messages == person.messages == {"sent": 1}
    assert (account.tokens, person.tokens) == (1, 1)
    assert [(link.id, link.tokens) for link in account.links] == [(ann.id, 1)]
    assert [(link.id, link.name) for link in person.links] == [(owner.id, "Owner")]
    assert "secret" not in repr((account, person))
    assert await users.get("account", 999, NOW) is None


async def test_a_banned_accounts_tokens_end_at_once_and_come_back(world: World) -> None:
    """Access and bot tokens, codes, sign-in; what it had queued is canceled, and queued again by the unban.
    Other accounts' messages are untouched."""
    owner, other, ann = await world.account(), await world.account("other"), await world.person()
    token, others = await world.link(owner, ann), await world.link(other, ann)
    mine = await acceptance.accept(token, NewMessage("mine"), NOW)
    kept = await acceptance.accept(others, NewMessage("theirs"), NOW)
    assert await users.ban("account", owner.id, ROOT, NOW, of_settings=())
    assert not await users.ban("account", owner.id, ROOT, NOW, of_settings=())
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
    assert await users.unban("account", owner.id, ROOT, NOW)
    assert not await users.unban("account", owner.id, ROOT, NOW)
    assert [message.public_id for message in await world.deliver()] == [mine.id]
    await accounts.authenticate(owner.id, owner.token_version)
    assert await actions() == [f"ban account {owner.id}", f"unban account {owner.id}"]


async def test_what_was_in_hand_when_an_account_was_banned_does_not_come_back(world: World) -> None:
    """Put back, or taken up after a crash, it is canceled."""
    owner, ann, ben = await world.account(), await world.person(), await world.person()
    first, second = await world.link(owner, ann), await world.link(owner, ben)
    for token in (first, second):
        await acceptance.accept(token, NewMessage("in hand"), NOW)
    claimed = await claims.claim(NOW, limit=10, lease=MINUTE)
    await users.ban("account", owner.id, ROOT, NOW, of_settings=())
    await settlement.settle([outcomes.Postponed(claimed[0], NOW, "put back", not_done=True)], NOW)
    await claims.reclaim(NOW)
    assert await claims.claim(NOW, limit=10, lease=MINUTE) == []
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
    await users.ban("account", owner.id, ROOT, NOW, of_settings=())
    refused = await asyncio.gather(*sending, return_exceptions=True)
    assert all(isinstance(one, AccountBanned) for one in refused if one is not None)
    assert await claims.claim(NOW, limit=100, lease=MINUTE) == []


async def test_a_banned_person_gets_nothing_until_they_may_again(world: World) -> None:
    """What was queued waits; their codes are worth nothing."""
    owner, ann = await world.account(), await world.person()
    token = await world.link(owner, ann)
    waiting = await acceptance.accept(token, NewMessage("waits"), NOW)
    code = await codes.issue(ann, NOW)
    assert await users.ban("chat", ann.id, ROOT, NOW, of_settings=())
    with pytest.raises(ChatBanned):
        await acceptance.accept(token, NewMessage("more"), NOW)
    with pytest.raises(CodeInvalid):
        await codes.redeem(owner, code, NOW)
    assert await world.deliver() == []
    assert await users.unban("chat", ann.id, ROOT, NOW)
    assert [message.public_id for message in await world.deliver()] == [waiting.id]


async def test_signing_out_ends_access_tokens_alone(world: World) -> None:
    """Bot tokens go on."""
    owner, ann = await world.account(), await world.person()
    token = await world.link(owner, ann)
    assert await users.sign_out(owner.id, ROOT, NOW)
    assert not await users.sign_out(999, ROOT, NOW)
    with pytest.raises(AccessDenied):
        await accounts.authenticate(owner.id, owner.token_version)
    await acceptance.accept(token, NewMessage("still"), NOW)
    assert await actions() == [f"sign out account {owner.id}"]


@pytest.mark.parametrize("kind", ["account", "chat"])
async def test_a_deletion_leaves_nothing_and_is_written_down_once(world: World, kind: users.Kind) -> None:
    """Whose tokens these were is gone, so they are known no more."""
    owner, ann = await world.account(), await world.person()
    token = await world.link(owner, ann)
    number = owner.id if kind == "account" else ann.id
    assert await users.delete(kind, number, ROOT, NOW, of_settings=())
    assert await users.get(kind, number, NOW) is None
    with pytest.raises(TokenInvalid):
        await acceptance.accept(token, NewMessage("late"), NOW)
    if kind == "account":
        assert not await users.delete(kind, number, ROOT, NOW, of_settings=())
    assert await actions() == [f"delete {kind} {number}"]


async def test_an_admin_is_neither_banned_nor_deleted(world: World) -> None:
    """One of the settings, and one who was appointed. Once dismissed, they may be."""
    ann = await world.person()
    for of_settings in ((ann.id,), ()):
        if not of_settings:
            await admins.appoint(ann.id, ROOT, NOW)
        for change in (users.ban, users.delete):
            with pytest.raises(UserIsAdmin):
                await change("chat", ann.id, ROOT, NOW, of_settings=of_settings)
    assert (await users.get("chat", ann.id, NOW)) is not None
    await admins.dismiss(ann.id, ROOT, (ROOT,), NOW)
    assert await users.ban("chat", ann.id, ROOT, NOW, of_settings=(ROOT,))
