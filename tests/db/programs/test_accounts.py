"""Accounts: registering, signing in, changing, leaving."""

import asyncio

import pytest
from argon2 import PasswordHasher

from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.errors import (
    AccessDenied,
    FieldsInvalid,
    LoginTaken,
    NotYours,
    TokenInvalid,
    WrongCredentials,
)
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import codes
from djangobot.db.programs import accounts, passwords, revocations, tokens

from ..conftest import NOW, World


async def test_of_many_who_register_one_login_at_once_one_wins(world: World) -> None:
    tries = await asyncio.gather(*(world.account() for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(found, accounts.Account) for found in tries) == 1
    assert sum(isinstance(found, LoginTaken) for found in tries) == 7


@pytest.mark.parametrize(
    ("name", "login", "password", "wrong"),
    [
        ("", "a", "password1234", {"name"}),
        ("n" * 101, "a", "password1234", {"name"}),
        ("n", " a", "password1234", {"login"}),
        ("n", "a\n", "password1234", {"login"}),
        ("n", "a", "", {"psw"}),
        ("n", "a", "p" * 7, {"psw"}),
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
        verified.append(hashed or passwords._nobody())
        return False

    monkeypatch.setattr(
        passwords,
        "_verify",
        note,
    )
    with pytest.raises(WrongCredentials):
        await accounts.sign_in("nobody", "password1234")
    assert len(verified) == 1
    assert not passwords.needs_rehash(verified[0])


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
    await revocations.revoke(former.id, (await tokens.of_chat(former.id, NOW))[0].id, NOW)
    await acceptance.accept(token, NewMessage("never delivered"), NOW)
    await accounts.remove(account, now=NOW)
    notices = await world.deliver()
    assert [(n.kind, n.chat_id, n.text) for n in notices] == [("account_removed", person.id, "Owner")]
    with pytest.raises(TokenInvalid):
        await acceptance.accept(token, NewMessage("late"), NOW)
    with pytest.raises(WrongCredentials):
        await accounts.sign_in("owner", "password1234")
    assert (await history.page(person.id, limit=10)).messages == []


async def test_what_was_being_sent_when_the_account_left_is_settled_without_a_trace(world: World) -> None:
    account, person = await world.account(), await world.person()
    await acceptance.accept(await world.link(account, person), NewMessage("in flight"), NOW)
    claimed = await claims.claim(NOW, limit=10)
    await accounts.remove(account, now=NOW)
    await settlement.settle([outcomes.Sent(message, 1) for message in claimed], NOW)
    assert [message.kind for message in await world.deliver()] == ["account_removed"]


async def test_nobody_leaves_with_anothers_login_or_password(world: World) -> None:
    account = await world.account()
    for wrong in ({"login": "other"}, {"password": "wrong"}):
        with pytest.raises(NotYours):
            await accounts.remove(account, now=NOW, **wrong)
    await accounts.authenticate(account.id, account.token_version)


@pytest.mark.parametrize(
    ("name", "login", "password"),
    [
        ("n", "l", "p" * 8),
        ("n" * 100, "l" * 100, "p" * 256),
        ("Ann 'quoted' \\ ; --", "анна@пример.рф", "\n \t\u202e😀p\x7f\n"),
        ("😀" * 100, "😀" * 100, "😀" * 256),
    ],
)
async def test_whatever_is_within_the_bounds_is_kept_to_the_letter(
    world: World, name: str, login: str, password: str
) -> None:
    account = await accounts.register(name, login, password, NOW)
    found = await accounts.sign_in(login, password)
    assert (found.id, found.name, found.login, found.token_version, found.created) == (
        account.id, name, login, 1, NOW,
    )  # fmt: skip


NEVER_IN_A_LINE = ["\0", "\ud800", "\udfff", "\n", "\t", "\x1f", "\x7f", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("character", NEVER_IN_A_LINE)
async def test_control_characters_and_lone_surrogates_are_refused_by_the_fields_name(
    world: World, character: str
) -> None:
    account = await world.account()
    for field in ("name", "login"):
        bad = {"name": "Ann", "login": "ann", field: f"a{character}b"}
        with pytest.raises(FieldsInvalid) as refused:
            await accounts.register(bad["name"], bad["login"], "password1234", NOW)
        assert list(refused.value.details) == [field]
        with pytest.raises(FieldsInvalid) as refused:
            await accounts.change(account, name=bad["name"], login=bad["login"])
        assert list(refused.value.details) == [field]
    if character in "\0\ud800\udfff":
        with pytest.raises(FieldsInvalid) as refused:
            await accounts.change(account, password=f"password{character}b")
        assert list(refused.value.details) == ["psw"]
    assert (await accounts.authenticate(account.id, 1)).name == "Owner"


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u2003", "\u3000"])
async def test_a_login_has_no_spaces_in_it_or_around_it(world: World, space: str) -> None:
    for login in (f"a{space}b", f"{space}a", f"a{space}", space):
        with pytest.raises(FieldsInvalid) as refused:
            await accounts.register("n", login, "password1234", NOW)
        assert list(refused.value.details) == ["login"]


async def test_a_refused_change_changes_nothing(world: World) -> None:
    await world.account("first")
    second = await world.account("second")
    with pytest.raises(LoginTaken):
        await accounts.change(second, name="New", login="first", password="new password")
    with pytest.raises(FieldsInvalid):
        await accounts.change(second, name="New", login="new", password="")
    found = await accounts.sign_in("second", "password1234")
    assert (found.name, found.token_version) == ("Owner", second.token_version)


async def test_of_many_who_change_to_one_login_at_once_one_gets_it(world: World) -> None:
    owners = [await world.account(f"owner{number}") for number in range(6)]
    done = await asyncio.gather(
        *(accounts.change(owner, login="wanted") for owner in owners), return_exceptions=True
    )
    assert sum(isinstance(found, accounts.Account) for found in done) == 1
    assert sum(isinstance(found, LoginTaken) for found in done) == 5


async def test_who_changes_an_account_that_is_gone_is_told_so(world: World) -> None:
    account = await world.account()
    await accounts.remove(account, now=NOW)
    for name, password in (("x", None), (None, "password4321"), (None, None)):
        with pytest.raises(AccessDenied):
            await accounts.change(account, name=name, password=password)
    with pytest.raises(AccessDenied):
        await accounts.authenticate(account.id, account.token_version)


async def test_an_unknown_login_and_a_wrong_password_cost_the_same_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: one verification each, against hashes of the same parameters."""
    await world.account()
    verified: list[str] = []
    real = passwords._hasher

    class Counting:
        def verify(self, hashed: str, password: bytes) -> bool:
            verified.append(hashed.rpartition("$")[0].rpartition("$")[0])
            return bool(real.verify(hashed, password))

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    passwords._nobody()
    monkeypatch.setattr(passwords, "_hasher", Counting())
    for login in ("owner", "nobody", "no\0body"):
        with pytest.raises(WrongCredentials):
            await accounts.sign_in(login, "wrong")
    assert len(verified) == 3
    assert len(set(verified)) == 1


async def test_a_weaker_hash_is_replaced_at_the_next_sign_in_and_ends_no_access_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await world.account()
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", stronger)
    await accounts.sign_in("owner", "password1234")
    found = await accounts.authenticate(account.id, account.token_version)
    assert not stronger.check_needs_rehash(found.password_hash)
    await accounts.sign_in("owner", "password1234")


async def test_leaving_leaves_everybody_else_alone(world: World) -> None:
    leaving, staying, person = await world.account("a"), await world.account("b"), await world.person()
    stranger = await world.person()
    await world.link(leaving, person)
    token = await world.link(staying, person)
    elsewhere = await world.link(staying, stranger)
    await acceptance.accept(token, NewMessage("kept"), NOW)
    await acceptance.accept(elsewhere, NewMessage("kept too"), NOW)
    await accounts.remove(leaving, login="a", password="password1234", now=NOW)
    sent = await world.deliver()
    assert [(m.kind, m.text) for m in sent if m.chat_id == person.id] == [
        ("message", "kept"), ("account_removed", "Owner"),
    ]  # fmt: skip
    assert [m.text for m in sent if m.chat_id == stranger.id] == ["kept too"]
    assert len(await tokens.of_chat(person.id, NOW)) == 1
    assert (await messages.page(staying.id)).messages != []
    await accounts.authenticate(staying.id, 1)


async def test_an_account_ends_all_its_tokens_at_once(world: World) -> None:
    """With what they have queued; each chat is told once, and nobody there can take it back."""
    mine, other, ann, ben = (
        await world.account("mine", "Mine"),
        await world.account("other", "Other"),
        await world.person(),
        await world.person(),
    )
    ours = [await world.link(mine, ann), await world.link(mine, ann), await world.link(mine, ben)]
    theirs = await world.link(other, ann)
    cards = await tokens.of_chat(ann.id, NOW)
    await revocations.revoke(ann.id, cards[1].id, NOW)  # a moment ago
    for token in (ours[0], ours[2]):
        await acceptance.accept(token, NewMessage("not to be sent"), NOW)
    assert await accounts.bot_tokens(mine.id, NOW) == 2
    changed = await accounts.change(mine, password="another one", tokens_end=NOW)
    assert changed.token_version == 2
    assert await accounts.bot_tokens(mine.id, NOW) == 0
    told = await world.deliver()
    assert [(one.kind, one.chat_id, one.text) for one in told] == [
        ("tokens_revoked", ann.id, "Mine"), ("tokens_revoked", ben.id, "Mine"),
    ]  # fmt: skip
    page = await messages.page(mine.id)
    assert {(one.status, one.failure) for one in page.messages} == {("canceled", "token revoked")}
    for card in cards:
        await revocations.undo(ann.id, card.id, NOW)
    assert [card.account_name for card in await tokens.of_chat(ann.id, NOW)] == ["Other"]
    assert await accounts.bot_tokens(other.id, NOW) == 1
    await acceptance.accept(theirs, NewMessage("sent"), NOW)
    assert len(await world.deliver()) == 1


async def test_a_code_redeemed_while_all_tokens_end_leaves_none_alive(world: World) -> None:
    """Either it came before, and ends with them, or its access token had ended."""
    account, person = await world.account(), await world.person()
    for _ in range(5):
        account = await accounts.sign_in("owner", "password1234")
        code = await codes.issue(person, world.now)
        await asyncio.gather(
            codes.redeem(account, code, world.now),
            accounts.change(account, password="another one", tokens_end=world.now),
            return_exceptions=True,
        )
        assert await accounts.bot_tokens(account.id, world.now) == 0
        await accounts.change(await accounts.sign_in("owner", "another one"), password="password1234")
