"""What admins see of accounts and people, and what they may do about them, on both databases."""

import pytest

from djangobot.db.admin import admins, bans, users
from djangobot.db.errors import (
    AccessDenied,
    TokenInvalid,
    UserIsAdmin,
)
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats
from djangobot.db.programs import accounts

from ..conftest import NOW, World, actions

ROOT = 7


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
        for change in (bans.ban, users.delete):
            with pytest.raises(UserIsAdmin):
                await change("chat", ann.id, ROOT, NOW, of_settings=of_settings)
    assert (await users.get("chat", ann.id, NOW)) is not None
    await admins.dismiss(ann.id, ROOT, (ROOT,), NOW)
    assert await bans.ban("chat", ann.id, ROOT, NOW, of_settings=(ROOT,))
