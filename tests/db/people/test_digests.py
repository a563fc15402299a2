"""Mutes and held messages: nothing is lost, everything is told of once."""

from datetime import UTC, timedelta

from djangobot.bot.callback_data.buttons import ShowFull
from djangobot.bot.callback_data.packing import parse
from djangobot.bot.rendering.entries import in_full
from djangobot.bot.rendering.messages import render_message
from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.delivery.outcomes import Claimed, Held, Sent
from djangobot.db.engine import current
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import digests, mutes
from djangobot.db.people.chat_settings import ChatSettings
from djangobot.db.programs import accounts

from ..conftest import MINUTE, World


async def deliver(world: World) -> list[Claimed]:
    """As the deliverer does; what was shown."""
    shown = []
    while claimed := await claims.claim(world.now, limit=100):
        for message in claimed:
            until = digests.held_until(message, world.now)
            await settlement.settle([Held(message, until) if until else Sent(message, message.id)], world.now)
            shown += [] if until else [message]
    return shown


def digest_of(shown: list[Claimed]) -> list[tuple[str, int, list[str]]]:
    """What the only notice tells."""
    (notice,) = shown
    assert notice.kind == "digest"
    return [(share.account, share.count, share.first) for share in digests.read_digest(notice.text).shares]


async def test_what_a_muted_sender_sends_is_held_and_told_of_once_when_the_mute_ends(world: World) -> None:
    """Others are shown; urgent or not makes no difference."""
    ci, other, person = (
        await world.account(name="CI"),
        await world.account("b", "Other"),
        await world.person(),
    )
    token, others = await world.link(ci, person), await world.link(other, person)
    assert await mutes.mute(person.id, ci.id, world.now + 60 * MINUTE)
    held = await acceptance.accept(token, NewMessage("one", urgent=True), world.now)
    for text in ("two", "three", "four"):
        await acceptance.accept(token, NewMessage(text), world.now)
    await acceptance.accept(others, NewMessage("seen"), world.now)
    assert [message.text for message in await deliver(world)] == ["seen"]
    assert (await messages.of_token(held.id, token, world.now)).status == "held"
    assert await digests.send_digests(world.now) == 0
    world.now += 60 * MINUTE
    assert await digests.send_digests(world.now) == 1
    assert digest_of(await deliver(world)) == [("CI", 4, ["one", "two", "three"])]
    assert await digests.send_digests(world.now) == 0
    await acceptance.accept(token, NewMessage("again"), world.now)
    assert [message.text for message in await deliver(world)] == ["again"]


async def test_unmuting_tells_at_once_and_twice_does_no_more(world: World) -> None:
    """The second time it says that nobody was muted."""
    ci, person = await world.account(name="CI"), await world.person()
    token = await world.link(ci, person)
    await mutes.mute(person.id, ci.id, world.now + 60 * MINUTE)
    await acceptance.accept(token, NewMessage("one"), world.now)
    assert await deliver(world) == []
    assert await mutes.unmute(person.id, ci.id, world.now)
    assert not await mutes.unmute(person.id, ci.id, world.now)
    assert await digests.send_digests(world.now) == 1
    assert digest_of(await deliver(world)) == [("CI", 1, ["one"])]


async def test_a_longer_mute_keeps_what_was_held_for_its_end(world: World) -> None:
    """Nothing is told of while the sender is muted."""
    ci, person = await world.account(name="CI"), await world.person()
    token = await world.link(ci, person)
    await mutes.mute(person.id, ci.id, world.now + MINUTE)
    await acceptance.accept(token, NewMessage("one"), world.now)
    await deliver(world)
    await mutes.mute(person.id, ci.id, world.now + 60 * MINUTE)
    assert await digests.send_digests(world.now + MINUTE) == 0
    assert await digests.send_digests(world.now + 60 * MINUTE) == 1


async def test_quiet_hours_hold_for_one_digest_but_what_is_urgent(world: World) -> None:
    """At their end one notice tells of all; changing them tells at once, but not of muted senders."""
    ci, noisy, person = (
        await world.account(name="CI"),
        await world.account("n", "Noisy"),
        await world.person(),
    )
    token, noise = await world.link(ci, person), await world.link(noisy, person)
    hours = {"quiet_from": "00:00", "quiet_to": "08:00", "quiet_mode": "digest"}
    await current().execute(
        "UPDATE chat SET settings = $2 WHERE id = $1",
        person.id,
        '{"quiet_from":"00:00","quiet_to":"08:00","quiet_mode":"digest"}',
    )
    await mutes.mute(person.id, noisy.id, world.now + timedelta(days=1))
    await acceptance.accept(token, NewMessage("quiet"), world.now)
    await acceptance.accept(noise, NewMessage("noise"), world.now)
    await acceptance.accept(token, NewMessage("fire", urgent=True), world.now)
    assert [message.text for message in await deliver(world)] == ["fire"]
    end = ChatSettings(**hours).quiet_until(world.now)  # type: ignore[arg-type]
    assert end is not None
    assert end == world.now + timedelta(hours=3)
    assert await digests.send_digests(end - MINUTE) == 0
    await digests.release(person.id, world.now)
    assert await digests.send_digests(world.now) == 1
    assert digest_of(await deliver(world)) == [("CI", 1, ["quiet"])]


async def test_what_may_be_in_the_chat_already_is_not_held(world: World) -> None:
    """Its answer was lost: it is asked for again under its random_id, mute or not."""
    ci, person = await world.account(name="CI"), await world.person()
    token = await world.link(ci, person)
    await acceptance.accept(token, NewMessage("one"), world.now)
    (message,) = await claims.claim(world.now, limit=1)
    await settlement.settle([outcomes.Postponed(message, world.now, "no answer")], world.now)
    await mutes.mute(person.id, ci.id, world.now + MINUTE)
    assert [message.text for message in await deliver(world)] == ["one"]


async def test_an_account_that_goes_takes_its_held_messages_along(world: World) -> None:
    """Nothing is left to tell of, and the notice about the account is told."""
    ci, person = await world.account(name="CI"), await world.person()
    token = await world.link(ci, person)
    await mutes.mute(person.id, ci.id, world.now + MINUTE)
    await acceptance.accept(token, NewMessage("one"), world.now)
    await deliver(world)
    await accounts.remove(ci, now=world.now)
    assert await digests.send_digests(world.now + MINUTE) == 0
    assert [message.kind for message in await deliver(world)] == ["account_removed"]


async def test_a_digest_quotes_what_goes_with_a_text_and_a_tap_shows_all_of_it(world: World) -> None:
    """The title, the tags, and a button for a text of 900 characters, which the history has in full."""
    ci, person = await world.account(name="CI"), await world.person()
    token = await world.link(ci, person)
    assert await mutes.mute(person.id, ci.id, world.now + MINUTE)
    long = "word " * 180
    await acceptance.accept(token, NewMessage(long, title="Nightly", tags=("disk_full",)), world.now)
    await deliver(world)
    world.now += MINUTE
    assert await digests.send_digests(world.now) == 1
    (notice,) = await deliver(world)
    (text,) = render_message(notice, world.now)
    assert "Nightly · word word" in text.text
    assert text.text.endswith("… · #disk_full")
    button = parse(text.buttons[0][0].data, ShowFull)
    entry = await history.one(person.id, button.message)
    assert entry is not None
    full = in_full("en", entry, UTC).text
    assert full.endswith(f"kept, not shown\nNightly\n{long}\n#disk_full")
