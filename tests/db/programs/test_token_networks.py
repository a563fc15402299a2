"""What a person lets a token do: pause, limit, expiry, another value, an end that can be taken back; and
where it is used from."""

import asyncio
from datetime import timedelta

import pytest

from djangobot.db.delivery import outcomes, scheduled
from djangobot.db.engine import current
from djangobot.db.errors import FieldsInvalid, TokenInvalid, TokenLimited, TokenNotFound, TokenPaused
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.db.people import codes
from djangobot.db.people.chats import Chat
from djangobot.db.programs import revocations, token_networks, tokens

from ..conftest import MINUTE, World

SECOND = timedelta(seconds=1)


async def linked(world: World) -> tuple[Chat, str, int]:
    """A person, a token for them, and its id."""
    person = await world.person()
    token = await world.link(await world.account(), person, "ci")
    (card,) = await tokens.of_chat(person.id, world.now)
    return person, token, card.id


async def send(world: World, token: str, text: str = "hello", **more: object) -> Accepted:
    return await acceptance.accept(token, NewMessage(text, **more), world.now)  # type: ignore[arg-type]


async def test_a_paused_token_is_refused_until_it_is_resumed(world: World) -> None:
    """Twice paused is paused, and the card says since when."""
    person, token, token_id = await linked(world)
    await tokens.pause(person.id, token_id, world.now)
    assert (await tokens.pause(person.id, token_id, world.now)).paused == world.now
    with pytest.raises(TokenPaused):
        await send(world, token)
    assert (await tokens.resume(person.id, token_id, world.now)).paused is None
    assert (await send(world, token)).status == "queued"


async def test_a_limit_holds_for_any_sixty_seconds(world: World) -> None:
    """The refusal says when the next message will be taken."""
    person, token, token_id = await linked(world)
    await tokens.limit(person.id, token_id, 2, world.now)
    await send(world, token)
    world.now += 20 * SECOND
    await send(world, token)
    world.now += 20 * SECOND
    with pytest.raises(TokenLimited) as refused:
        await send(world, token)
    assert refused.value.retry_after == 20
    world.now += 20 * SECOND
    await send(world, token)
    with pytest.raises(TokenLimited):
        await send(world, token)
    await tokens.limit(person.id, token_id, None, world.now)
    await send(world, token)


async def test_a_limit_holds_among_senders_of_the_same_moment(world: World) -> None:
    """Counted where all processes look, one after the other."""
    person, token, token_id = await linked(world)
    await tokens.limit(person.id, token_id, 3, world.now)
    ended = await asyncio.gather(*(send(world, token) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, Accepted) for outcome in ended) == 3
    assert sum(isinstance(outcome, TokenLimited) for outcome in ended) == 5


async def test_a_repeat_under_its_key_is_no_further_message(world: World) -> None:
    """Who asks again at the limit hears of the message that there is."""
    person, token, token_id = await linked(world)
    await tokens.limit(person.id, token_id, 1, world.now)
    first = await send(world, token, key="a")
    again = await send(world, token, key="a")
    assert (again.id, again.repeated) == (first.id, True)
    with pytest.raises(TokenLimited):
        await send(world, token, key="b")


async def test_urgency_that_is_refused_is_no_urgency(world: World) -> None:
    """The message is taken, and asking again under its key is not asking for another."""
    person, token, token_id = await linked(world)
    assert (await tokens.refuse_urgent(person.id, token_id, True, world.now)).refuses_urgent is True
    first = await send(world, token, urgent=True, key="a")
    assert (await send(world, token, urgent=True, key="a")).id == first.id
    rows = await current().fetch("SELECT urgent FROM message WHERE kind = 'message'")
    assert [bool(row["urgent"]) for row in rows] == [False]


async def test_an_expired_token_ends_and_stays_ended(world: World) -> None:
    """Its card can't bring it back."""
    person, token, token_id = await linked(world)
    await tokens.expire(person.id, token_id, world.now + MINUTE, world.now)
    await send(world, token)
    world.now += MINUTE
    with pytest.raises(TokenInvalid):
        await send(world, token)
    card = await tokens.expire(person.id, token_id, None, world.now)
    assert card.over(world.now)


async def test_another_value_ends_the_one_before_once(world: World) -> None:
    """A button pressed twice changes it once: it names the value it replaces."""
    person, token, token_id = await linked(world)
    card, fresh = await tokens.rotate(person.id, token_id, token[:4], world.now, secret="a secret")
    assert fresh is not None
    assert card.prefix == fresh[:4]
    with pytest.raises(TokenInvalid):
        await send(world, token)
    await send(world, fresh)
    assert (await tokens.rotate(person.id, token_id, token[:4], world.now, secret="a secret"))[1] is None
    await send(world, fresh)


async def test_a_revocation_can_be_taken_back_with_what_it_canceled(world: World) -> None:
    """Within ten seconds the token lives on and its messages come; after them nothing changes."""
    person, token, token_id = await linked(world)
    await send(world, token, "one")
    await send(world, token, "two")
    await revocations.revoke(person.id, token_id, world.now)
    assert (await tokens.card(person.id, token_id, world.now)).revoked == world.now
    assert await world.deliver() == []
    world.now += 9 * SECOND
    await revocations.undo(person.id, token_id, world.now)
    assert (await tokens.card(person.id, token_id, world.now)).revoked is None
    assert [message.text for message in await world.deliver()] == ["one", "two"]
    await send(world, token)
    await revocations.revoke(person.id, token_id, world.now)
    world.now += revocations.UNDO_FOR
    await revocations.undo(person.id, token_id, world.now)
    assert (await tokens.card(person.id, token_id, world.now)).revoked is not None
    with pytest.raises(TokenInvalid):
        await send(world, token)
    assert await world.deliver() == []


async def test_nobody_acts_on_anothers_token(world: World) -> None:
    """To them it is not there, and it stays as it was."""
    person, token, token_id = await linked(world)
    eve = (await world.person()).id
    before = await tokens.card(person.id, token_id, world.now)
    for act in (
        tokens.card(eve, token_id, world.now),
        tokens.rename(eve, token_id, "mine", world.now),
        tokens.pause(eve, token_id, world.now),
        tokens.resume(eve, token_id, world.now),
        tokens.limit(eve, token_id, 1, world.now),
        tokens.expire(eve, token_id, world.now, world.now),
        tokens.refuse_urgent(eve, token_id, True, world.now),
        tokens.rotate(eve, token_id, token[:4], world.now, secret="a secret"),
        revocations.revoke(eve, token_id, world.now),
        revocations.undo(eve, token_id, world.now),
    ):
        with pytest.raises(TokenNotFound):
            await act
    assert await tokens.card(person.id, token_id, world.now) == before


async def test_a_name_is_one_line(world: World) -> None:
    """A wrong one changes nothing."""
    person, _, token_id = await linked(world)
    assert (await tokens.rename(person.id, token_id, "nightly", world.now)).name == "nightly"
    for wrong in ("", " ", "two\nlines", "x" * 65):
        with pytest.raises(FieldsInvalid):
            await tokens.rename(person.id, token_id, wrong, world.now)
    assert (await tokens.card(person.id, token_id, world.now)).name == "nightly"


async def test_a_card_counts_the_messages_of_a_time(world: World) -> None:
    """Not the notices about the token, not what is older."""
    _, token, token_id = await linked(world)
    await send(world, token)
    world.now += MINUTE
    await send(world, token)
    assert await tokens.messages_since(token_id, world.now - 2 * MINUTE) == 2
    assert await tokens.messages_since(token_id, world.now - MINUTE) == 1


async def test_a_codes_name_is_the_tokens_unless_the_program_says_another(world: World) -> None:
    """HTTP's own name, the code's, the account's: the first there is."""
    person, account = await world.person(), await world.account(name="Owner")
    for of_code, of_http, expected in (
        (None, None, "Owner"),
        ("ci-server", None, "ci-server"),
        ("ci-server", "mine", "mine"),
    ):
        code = await codes.issue(person, world.now, of_code)
        row, _ = await codes.redeem(account, code, world.now, of_http)
        assert row.name == expected


async def told(world: World, token: str, network: str) -> list[outcomes.Claimed]:
    """The notices after a use from there."""
    await send(world, token, network=network)
    await asyncio.gather(*token_networks._noting)
    return [sent for sent in await world.deliver() if sent.kind != "message"]


async def test_the_first_network_is_known_and_each_further_one_is_told_once(world: World) -> None:
    """Where it was redeemed is the first."""
    person, account = await world.person(), await world.account()
    code = await codes.issue(person, world.now)
    _, token = await codes.redeem(account, code, world.now, network="192.0.2.0/24")
    await world.deliver()
    assert await told(world, token, "192.0.2.0/24") == []
    (notice,) = await told(world, token, "198.51.100.0/24")
    assert (notice.kind, notice.text) == ("new_network", "198.51.100.0/24")
    assert await told(world, token, "198.51.100.0/24") == []
    token_networks._seen.clear()  # another process, or this one after a restart
    assert await told(world, token, "198.51.100.0/24") == []


async def test_a_token_from_everywhere_is_told_of_no_more(world: World) -> None:
    """The last note says so."""
    _, token, _ = await linked(world)
    kinds = [
        notice.kind
        for number in range(token_networks.KNOWN_MOST + 3)
        for notice in await told(world, token, f"10.0.{number}.0/24")
    ]
    assert kinds == ["new_network"] * (token_networks.KNOWN_MOST - 2) + ["last_network"]


async def test_what_a_dead_code_left_to_do_is_due_at_once(world: World) -> None:
    """Used, replaced, or expired in its time."""
    person, account = await world.person(), await world.account()
    first = await codes.issue(person, world.now)
    await codes.shown(person.id, first, 5, "start", world.now)
    assert await scheduled.due(world.now, 10) == []
    second = await codes.issue(person, world.now)
    await codes.shown(person.id, second, 6, "code", world.now)
    row, _ = await codes.redeem(account, second, world.now)
    third = await codes.issue(person, world.now)
    await codes.shown(person.id, third, 7, "code", world.now)
    arguments = {chore.message: chore.argument for chore in await scheduled.due(world.now, 10)}
    assert arguments == {5: "start:replaced", 6: f"code:used:{row.id}"}
    arguments = {
        chore.message: chore.argument for chore in await scheduled.due(world.now + codes.CODE_TTL, 10)
    }
    assert arguments[7] == "code"
    assert await codes.live(person.id, third, world.now) is not None
    assert await codes.live(person.id, second, world.now) is None
