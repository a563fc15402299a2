"""Codes, bot tokens and chats."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from cachetools import LRUCache
from hypothesis import given
from hypothesis import strategies as st

from djangobot.db import credentials
from djangobot.db.delivery import claims, outbox, outcomes, settlement
from djangobot.db.engine import current
from djangobot.db.engine.sqlite import SQLiteEngine
from djangobot.db.errors import ChatBlocked, CodeInvalid, FieldsInvalid, TokenInvalid, TokenNotFound
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats, codes
from djangobot.db.piccolo_app import TABLES
from djangobot.db.programs import revocations, tokens

from ..conftest import MINUTE, NOW, World


async def test_of_fifty_who_redeem_one_code_at_once_one_wins(world: World) -> None:
    account, person = await world.account(), await world.person()
    code = await codes.issue(person, NOW)
    tries = await asyncio.gather(
        *(codes.redeem(account, code, NOW) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(found, tuple) for found in tries) == 1
    assert sum(isinstance(found, CodeInvalid) for found in tries) == 49
    assert len(await tokens.of_chat(person.id, NOW)) == 1


async def test_only_the_newest_code_of_a_chat_works_and_only_ten_minutes(world: World) -> None:
    account, person = await world.account(), await world.person()
    former, code = await codes.issue(person, NOW), await codes.issue(person, NOW)
    for wrong, when in ((former, NOW), (code, NOW + codes.CODE_TTL), ("1", NOW), ("\ud800", NOW)):
        with pytest.raises(CodeInvalid):
            await codes.redeem(account, wrong, when)
    spaced = f" {code[:3]}-{code[3:6]} {code[6:]} "
    _, token = await codes.redeem(account, spaced, NOW + codes.CODE_TTL - timedelta(microseconds=1))
    assert len(token) == 25
    assert token.isalnum()


async def test_redeeming_tells_the_chat_who_was_linked(world: World) -> None:
    account, person = await world.account(), await world.person()
    row, token = await codes.redeem(account, await codes.issue(person, NOW), NOW, "backups")
    (notice,) = await world.deliver()
    assert (notice.kind, notice.sender, notice.token_name, notice.token_id, notice.token_prefix) == (
        "linked", "Owner", "backups", row.id, token[:4],
    )  # fmt: skip


async def test_a_token_is_kept_as_a_digest_only(world: World) -> None:
    account, person = await world.account(), await world.person()
    row, token = await codes.redeem(account, await codes.issue(person, NOW), NOW)
    assert row.digest == credentials.digest_token(token) != token


async def test_a_gotify_token_stands_for_its_bot_token_until_that_ends(world: World) -> None:
    """It has Gotify's form, is kept as a digest only, and changes and ends with the bot token."""
    account, person = await world.account(), await world.person()
    row, token = await codes.redeem(account, await codes.issue(person, NOW), NOW)
    alias = credentials.gotify_token(token)
    assert len(alias) == credentials.GOTIFY_LENGTH == 15
    assert alias[0] == "A"
    assert alias.isalnum()
    assert alias not in token
    assert row.gotify_digest == credentials.digest_token(alias) != row.digest
    assert (await tokens.resolve(alias, NOW)).id == row.id
    await acceptance.accept(alias, NewMessage("by its Gotify token"), NOW)
    assert [message.text for message in await world.deliver() if message.kind == "message"] == [
        "by its Gotify token"
    ]
    _, another = await tokens.rotate(person.id, row.id, token[:4], NOW, secret="a secret")
    assert another is not None
    with pytest.raises(TokenInvalid):
        await acceptance.accept(alias, NewMessage("by the former one"), NOW)
    assert (await tokens.resolve(credentials.gotify_token(another), NOW)).id == row.id
    await revocations.revoke(person.id, row.id, NOW)
    for ended in (another, credentials.gotify_token(another), "A" * 15):
        with pytest.raises(TokenInvalid):
            await acceptance.sender(ended, NOW)


def test_a_gotify_token_is_made_of_the_bot_token_alone() -> None:
    """It is the same each time, another for another token, and what is counted by token counts both."""
    token = credentials.new_bot_token()
    alias = credentials.gotify_token(token)
    assert credentials.gotify_token(token) == alias
    assert credentials.gotify_token(credentials.new_bot_token()) != alias
    assert credentials.gotify_form(token) == credentials.gotify_form(alias) == alias


async def test_revoking_ends_the_token_and_cancels_its_queue_and_again_changes_nothing(world: World) -> None:
    account, person = await world.account(), await world.person()
    token, other = await world.link(account, person, "one"), await world.link(account, person, "two")
    doomed = await acceptance.accept(token, NewMessage("doomed"), NOW)
    await acceptance.accept(other, NewMessage("kept"), NOW)
    card = next(card for card in await tokens.of_chat(person.id, NOW) if card.name == "one")
    for _ in range(2):
        await revocations.revoke(person.id, card.id, NOW)
        assert (await tokens.card(person.id, card.id, NOW)).account_name == "Owner"
    with pytest.raises(TokenInvalid):
        await tokens.resolve(token, NOW)
    assert [message.text for message in await world.deliver()] == ["kept"]
    page = await messages.page(account.id)
    assert {entry.id: entry.status for entry in page.messages}[doomed.id] == "canceled"


async def test_nobody_revokes_a_token_of_another_chat(world: World) -> None:
    account, person, stranger = await world.account(), await world.person(), await world.person()
    token = await world.link(account, person)
    card = (await tokens.of_chat(person.id, NOW))[0]
    with pytest.raises(TokenNotFound):
        await revocations.revoke(stranger.id, card.id, NOW)
    await tokens.resolve(token, NOW)


async def test_a_blocked_chat_refuses_and_its_queue_rests_until_it_is_back(world: World) -> None:
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    await acceptance.accept(token, NewMessage("waits"), NOW)
    assert [await chats.block(person.id, NOW) for _ in range(2)] == [True, False]
    with pytest.raises(ChatBlocked):
        await acceptance.accept(token, NewMessage("refused"), NOW)
    assert await claims.claim(NOW, limit=10) == []
    assert await outbox.poll(NOW) is None
    assert [await chats.unblock(person.id, NOW) for _ in range(2)] == [True, False]
    assert [message.text for message in await world.deliver()] == ["waits"]


async def test_meeting_again_updates_names_and_leaves_blocked_alone(world: World) -> None:
    person = await world.person()
    await chats.block(person.id, NOW)
    again = await chats.meet(
        person.id, access_hash=0, first_name="A\0nn", last_name="B", username="u", language="en", now=NOW
    )
    assert (again.first_name, again.access_hash, again.blocked) == ("Ann", 7, NOW)


@given(st.from_regex(r"[0-9]{10}", fullmatch=True), st.integers(0, 10))
def test_a_code_is_the_same_with_spaces_and_dashes(code: str, at: int) -> None:
    assert codes.normalise_code(f" {code[:at]} -{code[at:]}") == code


async def test_a_code_is_ten_random_digits(world: World) -> None:
    person = await world.person()
    made = [await codes.issue(person, NOW) for _ in range(20)]
    assert all(len(code) == 10 and code.isascii() and code.isdigit() for code in made)
    assert len(set(made)) == 20


async def test_a_used_code_is_used_for_everybody(world: World) -> None:
    account, person = await world.account(), await world.person()
    code = await codes.issue(person, NOW)
    await codes.redeem(account, code, NOW)
    for owner in (account, await world.account("other")):
        with pytest.raises(CodeInvalid):
            await codes.redeem(owner, code, NOW)
    assert len(await tokens.of_chat(person.id, NOW)) == 1


async def test_a_refused_name_does_not_use_the_code_up(world: World) -> None:
    account, person = await world.account(), await world.person()
    code = await codes.issue(person, NOW)
    for name in ("", "a\nb", "\ud800", "x" * 65):
        with pytest.raises(FieldsInvalid):
            await codes.redeem(account, code, NOW, name)
    row, _ = await codes.redeem(account, code, NOW, "x" * 64)
    assert row.name == "x" * 64


async def test_each_chat_has_its_own_code(world: World) -> None:
    account, one, two = await world.account(), await world.person(), await world.person()
    first, second = await codes.issue(one, NOW), await codes.issue(two, NOW)
    assert (await codes.redeem(account, second, NOW))[0].chat == two.id
    assert (await codes.redeem(account, first, NOW))[0].chat == one.id


async def test_a_code_another_chat_has_just_now_is_not_given_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await world.person(), await world.person()
    draws = iter(["1111111111", "1111111111", "2222222222"])
    monkeypatch.setattr(credentials, "new_code", lambda _: next(draws))
    assert await codes.issue(one, NOW) == "1111111111"
    assert await codes.issue(two, NOW) == "2222222222"


async def test_no_password_code_or_token_stands_anywhere_in_the_database(world: World) -> None:
    """Neither in a column nor, on SQLite, anywhere in its files."""
    account, person = await world.account(), await world.person()
    _, token = await codes.redeem(account, used := await codes.issue(person, NOW), NOW)
    code = await codes.issue(person, NOW)
    await acceptance.accept(token, NewMessage("a text that stands there"), NOW)
    found = ""
    for table in TABLES:
        found += str(await current().fetch(f"SELECT * FROM {table._meta.tablename}"))  # noqa: S608 - our names
    engine = current()
    if isinstance(engine, SQLiteEngine):
        folder = Path(engine.path).parent
        found += "".join(file.read_bytes().decode("latin-1") for file in folder.glob("*.sqlite*"))
    assert "a text that stands there" in found
    for secret in ("password1234", code, used, token, f"{code[:5]} {code[5:]}"):
        assert secret not in found


async def test_an_expired_token_is_none(world: World) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    await current().execute("UPDATE bot_token SET expires = $1", NOW + MINUTE)
    just_before = NOW + MINUTE - timedelta(microseconds=1)
    await tokens.resolve(token, just_before)
    await acceptance.accept(token, NewMessage("in time"), just_before)
    assert len(await tokens.of_chat(person.id, just_before)) == 1
    with pytest.raises(TokenInvalid):
        await tokens.resolve(token, NOW + MINUTE)
    with pytest.raises(TokenInvalid):
        await acceptance.accept(token, NewMessage("late"), NOW + MINUTE)
    assert await tokens.of_chat(person.id, NOW + MINUTE) == []


@pytest.mark.parametrize("token", ["x" * 25, "", "\ud800", "\0", "x" * 100_000, "'; --"])
async def test_what_is_no_token_is_refused_as_an_unknown_one(world: World, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await tokens.resolve(token, NOW)


async def test_a_chats_tokens_are_listed_newest_first_with_their_accounts_names(world: World) -> None:
    person, stranger = await world.person(), await world.person()
    one, two = await world.account("one", "One"), await world.account("two", "Two")
    made = [await world.link(one, person, "a"), await world.link(two, person, "b")]
    await world.link(one, stranger, "c")
    cards = await tokens.of_chat(person.id, NOW)
    assert [(card.name, card.account_name, card.prefix) for card in cards] == [
        ("b", "Two", made[1][:4]), ("a", "One", made[0][:4]),
    ]  # fmt: skip


async def test_revoking_leaves_what_is_being_sent_and_other_chats_queues_alone(world: World) -> None:
    account, person, stranger = await world.account(), await world.person(), await world.person()
    token, other = await world.link(account, person), await world.link(account, stranger)
    for text in ("in flight", "queued"):
        await acceptance.accept(token, NewMessage(text), NOW)
    await acceptance.accept(other, NewMessage("elsewhere"), NOW)
    (in_flight,) = await claims.claim(NOW, limit=1, chats=[person.id])
    (card,) = await tokens.of_chat(person.id, NOW)
    for now in (NOW, NOW + MINUTE):
        await revocations.revoke(person.id, card.id, now)
        assert (await tokens.card(person.id, card.id, now)).revoked == NOW
    await settlement.settle([outcomes.Sent(in_flight, 1)], NOW)
    found = {entry.text: entry.status for entry in (await messages.page(account.id)).messages}
    assert found == {"in flight": "sent", "queued": "canceled", "elsewhere": "queued"}


async def test_a_notice_about_a_token_is_sent_though_it_has_been_revoked(world: World) -> None:
    account, person = await world.account(), await world.person()
    row, _ = await codes.redeem(account, await codes.issue(person, NOW), NOW)
    assert row.id is not None
    await revocations.revoke(person.id, row.id, NOW)
    assert [message.kind for message in await world.deliver()] == ["linked"]


async def test_last_used_is_noted_every_thirty_seconds_at_most(world: World) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    tokens._noted.clear()
    seen = []
    for seconds in (0, 1, 29.999, 30, 59, 61):
        await acceptance.accept(token, NewMessage("x"), NOW + timedelta(seconds=seconds))
        await asyncio.gather(*tokens._noting)
        last_used = (await tokens.of_chat(person.id, NOW))[0].last_used
        assert last_used is not None
        seen.append((last_used - NOW).total_seconds())
    assert seen == [0, 0, 0, 30, 30, 61]


async def test_a_refused_message_is_no_use_of_its_token(world: World) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    tokens._noted.clear()
    await chats.block(person.id, NOW)
    with pytest.raises(ChatBlocked):
        await acceptance.accept(token, NewMessage("x"), NOW)
    assert not tokens._noting
    assert (await tokens.of_chat(person.id, NOW))[0].last_used is None


async def test_tokens_that_are_remembered_have_a_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_noted", LRUCache(3))
    for number in range(1, 11):
        tokens.note_use(number, NOW)
    await asyncio.gather(*tokens._noting)
    assert len(tokens._noted) == 3
    assert not tokens._noting


async def test_somebody_nobody_has_met_is_nobody(world: World) -> None:
    assert await chats.get(404) is None
    assert await chats.block(404, NOW) is False
    assert await chats.unblock(404, NOW) is False


async def test_ids_and_access_hashes_have_64_bits(world: World) -> None:
    """Telegram's ids outgrew 32 bits; an access_hash is any 64-bit number."""
    for number, access_hash in ((2**63 - 1, -(2**63)), (5_000_000_000, 2**63 - 1)):
        met = await chats.meet(
            number, access_hash=access_hash, first_name="", last_name="", username="", language="", now=NOW
        )
        assert (met.id, met.access_hash) == (number, access_hash)


async def test_meeting_the_same_person_at_once_is_meeting_one_person(world: World) -> None:
    met = await asyncio.gather(
        *(
            chats.meet(7, access_hash=1, first_name=str(n), last_name="", username="", language="", now=NOW)
            for n in range(10)
        )
    )
    assert {person.id for person in met} == {7}
