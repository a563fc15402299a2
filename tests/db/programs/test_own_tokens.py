"""Bot tokens that a person makes in the chat, with no account behind them, do all that others do."""

from datetime import timedelta

import pytest

from djangobot.db import credentials
from djangobot.db.admin import bans, users
from djangobot.db.delivery import backlog, claims, outcomes, settlement
from djangobot.db.engine import current
from djangobot.db.errors import (
    ChatBanned,
    ChatBlocked,
    CodeInvalid,
    FieldsInvalid,
    TokenInvalid,
    TokenLimited,
    TokenPaused,
    TokensTooMany,
)
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.history import history, search
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import codes, digests, erasure, mutes
from djangobot.db.people.chats import Chat
from djangobot.db.people.codes import CODE_TTL, Asked
from djangobot.db.programs import own_tokens, revocations, token_networks, tokens

from ..conftest import MINUTE, World

SECRET = "s" * 64


async def made(world: World, person: Chat, name: str = "ci", origin: int = 1) -> tuple[int, str]:
    """A token of this person's own: its id and value."""
    token_id, value = await own_tokens.issue(person.id, name, world.now, origin=origin, secret=SECRET)
    assert value is not None
    return token_id, value


async def test_its_messages_are_headed_by_its_name(world: World) -> None:
    """Accepted, sent and listed, for this person alone."""
    person = await world.person()
    token_id, value = await made(world, person)
    accepted = await acceptance.accept(value, NewMessage("done"), world.now)
    (sent,) = await world.deliver()
    assert (sent.sender, sent.token_name, sent.account_id, sent.sender_id) == ("ci", "ci", None, -token_id)
    assert (await messages.of_token(accepted.id, value, world.now)).status == "sent"
    (entry,) = (await history.page(person.id, limit=5)).messages
    assert (entry.sender, entry.token) == ("ci", "ci")
    assert [(one.token, one.account, one.name) for one in await history.senders(person.id)] == [
        (token_id, None, "ci")
    ]
    assert await search.catch_up(10)
    assert [one.text for one in (await search.find(person.id, "done", limit=5)).messages] == ["done"]


async def test_the_same_message_handled_again_is_answered_with_the_same_value(world: World) -> None:
    """Until that is hidden: from then on nobody can tell it. Under another name it is another message."""
    person = await world.person()
    token_id, value = await made(world, person)
    assert await made(world, person) == (token_id, value)
    await own_tokens.hide_value(person.id, token_id)
    again = await own_tokens.issue(person.id, "ci", world.now, origin=1, secret=SECRET)
    assert again == (token_id, None)
    assert (await made(world, person, "other"))[0] != token_id
    assert len(await tokens.of_chat(person.id, world.now)) == 2


async def test_its_value_can_not_be_told_from_the_database(world: World) -> None:
    """What stands there gives another value with another secret."""
    person = await world.person()
    token_id, value = await made(world, person)
    (row,) = await current().fetch(
        "SELECT digest, gotify_digest, nonce FROM bot_token WHERE id = $1", token_id
    )
    alias = credentials.gotify_token(value)
    assert not {value, alias} & {row["digest"], row["gotify_digest"], row["nonce"]}
    assert row["gotify_digest"] == credentials.digest_token(alias)
    assert row["digest"] == credentials.digest_token(value)
    assert credentials.derived_token("t" * 64, row["nonce"]) != value
    assert len(value) == credentials.TOKEN_LENGTH
    assert set(value) <= set(credentials.TOKEN_ALPHABET)


async def test_a_chat_makes_only_so_many_a_day(world: World) -> None:
    """Revoked ones count until a day has passed; others' tokens do not."""
    person, other = await world.person(), await world.person()
    token_id, _ = await made(world, person, origin=0)
    for number in range(1, own_tokens.MOST):
        await made(world, person, origin=number)
    with pytest.raises(TokensTooMany):
        await made(world, person, origin=1000)
    await revocations.revoke(person.id, token_id, world.now)
    with pytest.raises(TokensTooMany):
        await made(world, person, origin=1000)
    await made(world, other)
    world.now += own_tokens.PERIOD
    await made(world, person, origin=1000)
    with pytest.raises(TokensTooMany):
        await made(world, person, origin=1001)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 65])
async def test_its_name_is_a_tokens_name(world: World, name: str) -> None:
    """One line of 1 to 64 characters."""
    person = await world.person()
    with pytest.raises(FieldsInvalid):
        await own_tokens.issue(person.id, name, world.now, origin=1, secret=SECRET)
    assert await tokens.of_chat(person.id, world.now) == []


async def test_it_is_paused_limited_rotated_revoked_and_taken_back(world: World) -> None:
    """By its person, as any other token."""
    person = await world.person()
    token_id, value = await made(world, person)
    await tokens.pause(person.id, token_id, world.now)
    with pytest.raises(TokenPaused):
        await acceptance.accept(value, NewMessage("one"), world.now)
    await tokens.resume(person.id, token_id, world.now)
    await tokens.limit(person.id, token_id, 1, world.now)
    await acceptance.accept(value, NewMessage("one", key="k"), world.now)
    assert (await acceptance.accept(value, NewMessage("one", key="k"), world.now)).repeated
    with pytest.raises(TokenLimited):
        await acceptance.accept(value, NewMessage("two"), world.now)
    card, fresh = await tokens.rotate(
        person.id, token_id, value[: tokens.PREFIX], world.now, secret="a secret"
    )
    assert card.account_name is None
    assert fresh
    with pytest.raises(TokenInvalid):
        await acceptance.accept(value, NewMessage("two"), world.now)
    await revocations.revoke(person.id, token_id, world.now)
    with pytest.raises(TokenInvalid):
        await acceptance.accept(fresh, NewMessage("two"), world.now)
    assert await world.deliver() == []
    await revocations.undo(person.id, token_id, world.now)
    assert [message.text for message in await world.deliver()] == ["one"]


async def test_it_is_muted_by_itself(world: World) -> None:
    """Neither another token of the person's nor an account goes quiet with it; the digest names it."""
    ci, person = await world.account(name="CI"), await world.person()
    linked = await world.link(ci, person)
    token_id, value = await made(world, person, "mine")
    _, other = await made(world, person, "other", origin=2)
    assert [(one.id, one.name) for one in await mutes.senders(person.id, world.now)] == [
        (ci.id, "CI"), (-token_id, "mine"), (-token_id - 1, "other"),
    ]  # fmt: skip
    assert await mutes.mute(person.id, -token_id, world.now + MINUTE)
    assert await mutes.mute(person.id, -token_id, world.now + MINUTE)
    for token in (linked, value, other):
        await acceptance.accept(token, NewMessage(token[:4]), world.now)
    held = []
    while claimed := await claims.claim(world.now, limit=10):
        for message in claimed:
            until = digests.held_until(message, world.now)
            held += [message.text] if until else []
            await settlement.settle(
                [outcomes.Held(message, until) if until else outcomes.Sent(message, message.id)], world.now
            )
    assert held == [value[:4]]
    await digests.release(person.id, world.now)
    assert await digests.send_digests(world.now) == 0
    assert await mutes.unmute(person.id, -token_id, world.now)
    assert await digests.send_digests(world.now) == 1
    (digest,) = await world.deliver()
    (share,) = digests.read_digest(digest.text).shares
    assert (share.account, share.token, share.count) == ("", "mine", 1)
    stranger = await world.person()
    assert not await mutes.mute(stranger.id, -token_id, world.now + MINUTE)


async def test_its_person_blocked_or_banned_it_sends_nothing(world: World) -> None:
    """As any other token."""
    person = await world.person()
    _, value = await made(world, person)
    await bans.ban("chat", person.id, 1, world.now, of_settings=())
    with pytest.raises(ChatBanned):
        await acceptance.accept(value, NewMessage("one"), world.now)
    await bans.unban("chat", person.id, 1, world.now)
    await current().execute("UPDATE chat SET blocked = $2 WHERE id = $1", person.id, world.now)
    with pytest.raises(ChatBlocked):
        await acceptance.accept(value, NewMessage("one"), world.now)


async def test_admins_see_it_as_its_persons_own(world: World) -> None:
    """On the person's card without an account; in the queue under its name, not as the service's."""
    person = await world.person()
    token_id, value = await made(world, person)
    await acceptance.accept(value, NewMessage("one"), world.now)
    user = await users.get("chat", person.id, world.now)
    assert user
    assert user.tokens == 1
    assert [(link.id, link.name, link.tokens) for link in user.links] == [(0, "", 1)]
    (group,) = await backlog.groups("account", world.now, 10)
    assert (group.id, group.name, group.due) == (-token_id, "ci", 1)
    (one,) = await backlog.listed(world.now, 10, side="account", of=-token_id)
    assert (one.sender, one.token, one.account_id) == ("ci", "ci", None)


async def test_a_new_network_of_it_is_told(world: World) -> None:
    """The first is known without a word."""
    person = await world.person()
    token_id, _ = await made(world, person)
    for network in ("192.0.2.0/24", "198.51.100.0/24"):
        await token_networks._add_notice(token_id, network, world.now)
    (notice,) = await world.deliver()
    assert (notice.kind, notice.sender, notice.text) == ("new_network", "ci", "198.51.100.0/24")


async def test_it_is_forgotten_with_its_person(world: World) -> None:
    """And its mute."""
    person = await world.person()
    token_id, value = await made(world, person)
    await mutes.mute(person.id, -token_id, world.now + MINUTE)
    await erasure.erase(person.id)
    with pytest.raises(TokenInvalid):
        await acceptance.accept(value, NewMessage("one"), world.now)
    for table in ("bot_token", "mute"):
        assert await current().fetch(f"SELECT id FROM {table}") == []  # noqa: S608


async def test_a_message_handled_again_gets_no_second_code(world: World) -> None:
    """The same digits while they live and when they were used; nothing when they have expired, or when a
    later message was answered. An old number with a new date comes from a new sandbox."""
    account, person = await world.account(), await world.person()
    first = Asked(7, world.now - timedelta(seconds=1), SECRET)
    code = await codes.answer(person, first, world.now)
    assert code
    assert await codes.answer(person, first, world.now) == code
    await codes.shown(person.id, code, 8, "code", world.now)
    await codes.redeem(account, code, world.now)
    assert await codes.answer(person, first, world.now) == code
    with pytest.raises(CodeInvalid):
        await codes.redeem(account, code, world.now)
    later = await codes.answer(person, Asked(9, world.now - timedelta(seconds=1), SECRET), world.now)
    assert later not in (None, code)
    assert await codes.answer(person, first, world.now) is None
    await codes.shown(person.id, later or "", 10, "code", world.now)
    world.now += CODE_TTL
    assert await codes.answer(person, Asked(9, first.written, SECRET), world.now) is None
    assert await codes.answer(person, Asked(1, world.now, SECRET), world.now) not in (None, code, later)


async def test_a_message_whose_answer_nobody_saw_in_time_gets_a_code_that_lives(world: World) -> None:
    """The process ended before it was shown, and came back when the code had expired."""
    account, person = await world.account(), await world.person()
    asked = Asked(7, world.now - timedelta(seconds=1), SECRET)
    dead = await codes.answer(person, asked, world.now)
    world.now += CODE_TTL
    code = await codes.answer(person, asked, world.now)
    assert code not in (None, dead)
    await codes.redeem(account, code or "", world.now)
