"""Codes, bot tokens and chats."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.db import chats, codes, credentials, messages, outbox, tokens
from djangobot.db.errors import ChatBlocked, CodeInvalid, TokenInvalid, TokenNotFound

from .conftest import MINUTE, NOW, World


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


async def test_revoking_ends_the_token_and_cancels_its_queue_and_again_changes_nothing(world: World) -> None:
    account, person = await world.account(), await world.person()
    token, other = await world.link(account, person, "one"), await world.link(account, person, "two")
    doomed = await messages.accept(token, "doomed", "Text", NOW)
    await messages.accept(other, "kept", "Text", NOW)
    card = next(card for card in await tokens.of_chat(person.id, NOW) if card.name == "one")
    for _ in range(2):
        assert (await tokens.revoke(person.id, card.id, NOW)).account_name == "Owner"
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
        await tokens.revoke(stranger.id, card.id, NOW)
    await tokens.resolve(token, NOW)


async def test_a_blocked_chat_refuses_and_its_queue_rests_until_it_is_back(world: World) -> None:
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    await messages.accept(token, "waits", "Text", NOW)
    assert [await chats.block(person.id, NOW) for _ in range(2)] == [True, False]
    with pytest.raises(ChatBlocked):
        await messages.accept(token, "refused", "Text", NOW)
    assert await outbox.claim(NOW, limit=10, lease=MINUTE) == []
    assert await outbox.look(NOW) is None
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
    assert credentials.normalise_code(f" {code[:at]} -{code[at:]}") == code
