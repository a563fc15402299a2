"""Accounts: registering, signing in, changing, leaving."""

import asyncio

import pytest

from djangobot.db import accounts, credentials, messages, outbox, tokens
from djangobot.db.errors import (
    AccessDenied,
    FieldsInvalid,
    LoginTaken,
    NotYours,
    TokenInvalid,
    WrongCredentials,
)

from .conftest import MINUTE, NOW, World


async def test_of_many_who_register_one_login_at_once_one_wins(world: World) -> None:
    tries = await asyncio.gather(*(world.account() for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(found, accounts.Account) for found in tries) == 1
    assert sum(isinstance(found, LoginTaken) for found in tries) == 7


@pytest.mark.parametrize(
    ("name", "login", "password", "wrong"),
    [
        ("", "a", "p", {"name"}),
        ("n" * 101, "a", "p", {"name"}),
        ("n", " a", "p", {"login"}),
        ("n", "a\n", "p", {"login"}),
        ("n", "a", "", {"psw"}),
        ("n", "a", "p" * 257, {"psw"}),
        ("\0", "\ud800", "\0", {"name", "login", "psw"}),
    ],
)
async def test_every_wrong_field_is_named(
    world: World, name: str, login: str, password: str, wrong: set[str]
) -> None:
    with pytest.raises(FieldsInvalid) as refused:
        await accounts.register(name, login, password, NOW)
    assert set(refused.value.details) == wrong


async def test_who_registered_signs_in_and_a_stranger_does_not(world: World) -> None:
    account = await world.account()
    assert (await accounts.sign_in("owner", "password1234")).id == account.id
    for login, password in (("owner", "wrong"), ("nobody", "password1234"), ("no\0body", "p")):
        with pytest.raises(WrongCredentials):
            await accounts.sign_in(login, password)


async def test_a_password_is_kept_as_argon2id_only(world: World) -> None:
    account = await world.account()
    assert account.password_hash.startswith("$argon2id$")
    assert "password1234" not in repr(account)


async def test_an_unknown_login_costs_a_verification_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def note(_: str, hashed: str | None) -> bool:
        verified.append(hashed or credentials._nobody())
        return False

    monkeypatch.setattr(
        credentials,
        "_verify",
        note,
    )
    with pytest.raises(WrongCredentials):
        await accounts.sign_in("nobody", "password1234")
    assert len(verified) == 1
    assert not credentials.needs_rehash(verified[0])


async def test_a_new_password_ends_older_access_tokens_and_a_new_name_does_not(world: World) -> None:
    account = await world.account()
    renamed = await accounts.change(account, name="Other")
    assert (renamed.name, renamed.token_version) == ("Other", account.token_version)
    changed = await accounts.change(account, password="another password")
    with pytest.raises(AccessDenied):
        await accounts.authenticate(account.id, account.token_version)
    assert (await accounts.authenticate(account.id, changed.token_version)).login == "owner"


async def test_the_same_password_again_ends_nothing(world: World) -> None:
    """The original's document changes a name by sending all three fields."""
    account = await world.account()
    same = await accounts.change(account, name="Other", login=account.login, password="password1234")
    assert (same.name, same.token_version) == ("Other", account.token_version)


async def test_a_login_cannot_be_changed_to_one_that_is_taken(world: World) -> None:
    await world.account("first")
    second = await world.account("second")
    with pytest.raises(LoginTaken):
        await accounts.change(second, login="first")


async def test_leaving_takes_all_away_and_tells_each_linked_chat_once(world: World) -> None:
    account, person, former = await world.account(), await world.person(), await world.person()
    token = await world.link(account, person)
    await world.link(account, person)
    await world.link(account, former)
    await tokens.revoke(former.id, (await tokens.of_chat(former.id, NOW))[0].id, NOW)
    await messages.accept(token, "never delivered", "Text", NOW)
    await accounts.remove(account, now=NOW)
    notices = await world.deliver()
    assert [(n.kind, n.chat_id, n.text) for n in notices] == [("account_removed", person.id, "Owner")]
    with pytest.raises(TokenInvalid):
        await messages.accept(token, "late", "Text", NOW)
    with pytest.raises(WrongCredentials):
        await accounts.sign_in("owner", "password1234")
    assert (await messages.page_of_chat(person.id, limit=10)).messages == []


async def test_what_was_being_sent_when_the_account_left_is_settled_without_a_trace(world: World) -> None:
    account, person = await world.account(), await world.person()
    await messages.accept(await world.link(account, person), "in flight", "Text", NOW)
    claimed = await outbox.claim(NOW, limit=10, lease=MINUTE)
    await accounts.remove(account, now=NOW)
    await outbox.settle([outbox.Sent(message, 1) for message in claimed], NOW)
    assert [message.kind for message in await world.deliver()] == ["account_removed"]


async def test_nobody_leaves_with_anothers_login_or_password(world: World) -> None:
    account = await world.account()
    for wrong in ({"login": "other"}, {"password": "wrong"}):
        with pytest.raises(NotYours):
            await accounts.remove(account, now=NOW, **wrong)
    await accounts.authenticate(account.id, account.token_version)
