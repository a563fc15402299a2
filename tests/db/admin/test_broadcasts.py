"""Broadcasts: nobody twice, nobody left out, on both databases."""

from datetime import timedelta

from djangobot.db.admin import broadcasts
from djangobot.db.admin.broadcasts import Audience, Progress
from djangobot.db.delivery import claims, outbox, outcomes, settlement
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats
from djangobot.db.people.chats import Chat

from ..conftest import MINUTE, NOW, World

ROOT = 7


async def crowd(world: World, count: int) -> list[Chat]:
    return [await world.person() for _ in range(count)]


async def begun(text: str = "news", audience: Audience | None = None) -> int:
    """A broadcast that has just been started."""
    number = await broadcasts.draft(ROOT, text, NOW)
    if audience:
        await broadcasts.choose(number, audience)
    assert await broadcasts.start(number, ROOT, 5, NOW)
    return number


async def finish(world: World, number: int) -> list[int]:
    """Enrols and sends until the end; the chats, in order."""
    reached = []
    while await broadcasts.step(number, NOW):
        reached += [message.chat_id for message in await world.deliver()]
    return reached


async def test_everybody_gets_it_once_a_few_at_a_time(world: World) -> None:
    """The outbox never holds more than the window; the text stands in the broadcast alone."""
    people = await crowd(world, broadcasts.WINDOW + 20)
    number = await begun("hello")
    assert await broadcasts.step(number, NOW)
    assert await broadcasts.step(number, NOW)
    assert await outbox.depth() == broadcasts.WINDOW
    claimed = await claims.claim(NOW, limit=500)
    assert {(message.text, message.broadcast, message.kind) for message in claimed} == {
        ("hello", True, "broadcast")
    }
    await settlement.settle([outcomes.Sent(message, 1) for message in claimed], NOW)
    rest = await finish(world, number)
    assert sorted([message.chat_id for message in claimed] + rest) == sorted(one.id for one in people)
    assert await broadcasts.progress(number) == Progress(sent=len(people))
    found = await broadcasts.get(number)
    assert found
    assert (found.status, found.total, found.ended) == ("done", len(people), NOW)


async def test_it_is_for_those_it_is_for(world: World) -> None:
    """By their language, by when they wrote; never for who wants no news, has blocked the bot or is
    banned."""
    english, quiet, gone, old, russian = await crowd(world, 5)
    await chats.change_settings(quiet.id, news=False)
    await chats.block(gone.id, NOW)
    await Chat.update({Chat.seen: NOW - timedelta(days=9)}).where(Chat.id == old.id)
    await chats.change_settings(russian.id, language="ru")
    for audience, expected in (
        (Audience(), {english.id, old.id, russian.id}),
        (Audience(language="ru"), {russian.id}),
        (Audience(language="en"), {english.id, old.id}),
        (Audience(days=7), {english.id, russian.id}),
        (Audience(language="en", days=7), {english.id}),
    ):
        assert await broadcasts.count(audience, NOW) == len(expected)
        assert set(await finish(world, await begun(audience=audience))) == expected


async def test_who_wants_no_news_by_then_is_skipped(world: World) -> None:
    """Also who blocked the bot after they were enrolled; it ends all the same."""
    quiet, gone, stays = await crowd(world, 3)
    number = await begun()
    await broadcasts.step(number, NOW)
    await chats.change_settings(quiet.id, news=False)
    await chats.block(gone.id, NOW)
    await broadcasts.step(number, NOW)
    assert await finish(world, number) == [stays.id]
    assert await broadcasts.progress(number) == Progress(sent=1, skipped=2)


async def test_a_pause_holds_what_is_queued_and_holds_nobody_up(world: World) -> None:
    """An ordinary message to the same chat goes by; after the pause everybody gets it, once."""
    owner, ann = await world.account(), await world.person()
    token = await world.link(owner, ann)
    number = await begun()
    await broadcasts.step(number, NOW)
    assert await broadcasts.pause(number, ROOT, NOW)
    assert not await broadcasts.pause(number, ROOT, NOW)
    assert not await broadcasts.step(number, NOW)
    await acceptance.accept(token, NewMessage("goes by"), NOW)
    assert [message.text for message in await world.deliver()] == ["goes by"]
    assert await broadcasts.resume(number, ROOT, NOW)
    assert [message.text for message in await world.deliver()] == ["news"]
    assert await finish(world, number) == []


async def test_what_is_in_hand_when_it_stops_does_not_come_back(world: World) -> None:
    """Put back by the deliverer, or taken up after a crash."""
    await crowd(world, 2)
    number = await begun()
    await broadcasts.step(number, NOW)
    first, _ = await claims.claim(NOW, limit=10)
    await broadcasts.cancel(number, ROOT, NOW)
    await settlement.settle([outcomes.Postponed(first, NOW, "put back", not_done=True)], NOW)
    await claims.reclaim(NOW)
    assert await world.deliver() == []
    assert await broadcasts.progress(number) == Progress(skipped=2)


async def test_one_at_a_time(world: World) -> None:
    """A second waits until the first has ended; a draft is started once."""
    await crowd(world, 1)
    first = await begun()
    assert not await broadcasts.start(first, ROOT, 5, NOW)
    second = await broadcasts.draft(ROOT, "more", NOW)
    assert not await broadcasts.start(second, ROOT, 5, NOW)
    assert [one.id for one in await broadcasts.live()] == [first]
    await broadcasts.cancel(first, ROOT, NOW)
    assert await broadcasts.start(second, ROOT, 5, NOW)


async def test_ordinary_messages_go_first(world: World) -> None:
    """Though they were accepted later."""
    owner, ann, _ = await world.account(), await world.person(), await world.person()
    ben = await world.person()
    token = await world.link(owner, ben)
    await Chat.update({Chat.created: NOW + MINUTE}).where(Chat.id == ben.id)  # not of its people
    number = await begun()
    await broadcasts.step(number, NOW)
    await acceptance.accept(token, NewMessage("ordinary"), NOW + MINUTE)
    claimed = await claims.claim(NOW + MINUTE, limit=10)
    assert [message.text for message in claimed] == ["ordinary", "news", "news"]
    assert ann.id
