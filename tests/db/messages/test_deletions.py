"""A sender takes a message back: what becomes of it in the database, and of whom it concerns."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from djangobot.db.delivery import claims, outcomes, scheduled, settlement
from djangobot.db.delivery.outcomes import Claimed
from djangobot.db.engine import Row
from djangobot.db.errors import DeletionRefused, MessageNotFound, MessageNotInChat
from djangobot.db.messages import acceptance, deletions, messages, tags
from djangobot.db.messages.deletions import Deletion, Doomed
from djangobot.db.messages.history import history, search
from djangobot.db.messages.messages import Entry
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people.chats import Chat

from ..conftest import MINUTE, NOW, World

PATIENCE = 60.0


@pytest.fixture
async def person(world: World) -> Chat:
    return await world.person()


@pytest.fixture
async def token(world: World, person: Chat) -> str:
    return await world.link(await world.account(), person)


async def send(token: str, text: str = "hello", **more: Any) -> str:
    """Accepts a message. Returns its id."""
    return (await acceptance.accept(token, msgspec.structs.replace(NewMessage(text), **more), NOW)).id


async def claim() -> Claimed:
    (claimed,) = await claims.claim(NOW, limit=100)
    return claimed


async def entry(token: str, public_id: str) -> Entry:
    return await messages.of_token(public_id, token, NOW)


async def job() -> scheduled.ScheduledJob:
    """The job to delete something, which is due."""
    (found,) = await scheduled.due(NOW + timedelta(days=4000), 9)
    assert found.kind == scheduled.DELETION
    return found


async def doomed() -> Doomed:
    """What the job finds to delete."""
    found = await deletions.doomed((await job()).message, NOW)
    assert found is not None
    return found


async def carry_out() -> Doomed:
    """Deletes what is to be deleted, as Telegram would."""
    one = await doomed()
    await deletions.record(one, NOW)
    return one


async def begin_to_delete(token: str, public_id: str) -> asyncio.Task[Deletion]:
    """Somebody deletes a message and waits for that. The job is stored."""
    deleting = asyncio.create_task(deletions.delete(public_id, token, PATIENCE))
    while not await scheduled.due(NOW + timedelta(days=4000), 9):  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0)
    return deleting


@pytest.mark.parametrize("more", [{}, {"delay": 3600.0}, {"replace": "k"}, {"tags": ("backup",)}])
async def test_what_was_not_sent_is_canceled(
    world: World, person: Chat, token: str, more: dict[str, Any]
) -> None:
    """Queued or scheduled: it never comes, and the person's lists have none of its words. To cancel it again
    says the same."""
    public_id = await send(token, "swordfish", **more)
    assert await search.catch_up(PATIENCE)
    for _ in range(2):
        assert await deletions.delete(public_id, token, 0) == Deletion(public_id, "canceled", done=True)
    assert await world.deliver() == []
    assert (await entry(token, public_id)).failure == outcomes.CANCELED_BY_SENDER
    (listed,) = (await history.page(person.id, limit=9)).messages
    assert (listed.status, listed.text) == ("canceled", "")
    assert (await search.find(person.id, "swordfish", limit=9)).messages == []
    assert await tags.find(person.id, "backup") is None


async def test_whoever_waits_for_a_canceled_message_is_told(world: World, token: str) -> None:
    """Another request of the same sender."""
    waiting = asyncio.create_task(acceptance.accept(token, NewMessage("hello", key="k", wait=PATIENCE), NOW))
    await asyncio.sleep(0)
    before = await acceptance.accept(token, NewMessage("hello", key="k"), NOW)  # whichever came first
    await deletions.delete(before.id, token, 0)
    assert (await waiting).status == "canceled"


async def test_a_held_message_is_canceled(world: World, token: str) -> None:
    """No digest tells of it."""
    public_id = await send(token)
    await settlement.settle([outcomes.Held(await claim(), NOW + MINUTE)], NOW)
    assert (await deletions.delete(public_id, token, 0)).status == "canceled"


async def test_a_deletion_that_ends_while_somebody_begins_to_wait_for_it_is_told(
    world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends after the message was read, and before changes of it are watched."""
    public_id = await send(token, "oops")
    await settlement.settle([outcomes.Sent(await claim(), 7)], NOW)
    await deletions.delete(public_id, token, 0)
    read = deletions._of_token

    async def read_too_early(*args: str) -> Row:
        found = await read(*args)
        monkeypatch.undo()
        await carry_out()
        return found

    monkeypatch.setattr(deletions, "_of_token", read_too_early)
    assert await deletions.delete(public_id, token, PATIENCE) == Deletion(public_id, "sent", done=True)


async def test_what_is_in_the_chat_is_deleted_by_a_job(world: World, person: Chat, token: str) -> None:
    """With all its parts. Its status stays; the person's lists have none of its words any more."""
    public_id = await send(token, "the password is swordfish", title="Secret", tags=("oops",))
    await settlement.settle([outcomes.Sent.as_messages(await claim(), [7, 8, 9])], NOW)
    assert await search.catch_up(PATIENCE)
    assert await deletions.delete(public_id, token, 0) == Deletion(public_id, "sent", done=False)
    deleting = asyncio.create_task(deletions.delete(public_id, token, PATIENCE))
    assert (await carry_out()).telegram_ids == (7, 8, 9)
    assert await deleting == Deletion(public_id, "sent", done=True)
    assert await deletions.delete(public_id, token, 0) == Deletion(public_id, "sent", done=True)
    kept = await entry(token, public_id)
    assert (kept.status, kept.deleted, kept.text) == ("sent", NOW, "the password is swordfish")
    (listed,) = (await history.page(person.id, limit=9)).messages
    assert (listed.status, listed.text, listed.content.title, listed.content.tags) == ("deleted", "", "", ())
    assert (await search.find(person.id, "swordfish", limit=9)).messages == []
    assert await tags.find(person.id, "oops") is None


async def test_a_deleted_message_that_was_not_indexed_yet_is_never_found(
    world: World, person: Chat, token: str
) -> None:
    """New messages are indexed a little later. Its neighbours are found."""
    public_id = await send(token, "swordfish")
    await world.deliver()
    await deletions.delete(public_id, token, 0)
    await carry_out()
    await send(token, "swordfish, the fish")
    assert await search.catch_up(PATIENCE)
    found = (await search.find(person.id, "swordfish", limit=9)).messages
    assert [one.text for one in found] == ["swordfish, the fish"]


async def test_a_message_in_flight_is_deleted_after_its_outcome(world: World, token: str) -> None:
    """Its job comes again until then. Nobody waits longer than was asked for."""
    public_id = await send(token)
    claimed = await claim()
    assert await deletions.delete(public_id, token, 0) == Deletion(public_id, "sending", done=False)
    with pytest.raises(scheduled.TooEarly):
        await deletions.doomed((await job()).message, NOW)
    await settlement.settle([outcomes.Sent(claimed, 7)], NOW)
    assert (await carry_out()).telegram_ids == (7,)
    assert (await entry(token, public_id)).deleted == NOW


async def test_a_message_that_comes_back_unsent_is_canceled_by_its_job(world: World, token: str) -> None:
    """A flood wait ended the attempt: Telegram does not have it."""
    public_id = await send(token)
    claimed = await claim()
    deleting = await begin_to_delete(token, public_id)
    await settlement.settle([outcomes.Postponed(claimed, NOW, "flood wait", not_done=True)], NOW)
    assert await deletions.doomed((await job()).message, NOW) is None
    assert await deleting == Deletion(public_id, "canceled", done=True)
    assert await world.deliver() == []


async def test_a_message_whose_answer_was_lost_is_not_called_canceled(world: World, token: str) -> None:
    """It may be in the chat. It is sent under the same random_id, and deleted then."""
    public_id = await send(token)
    await settlement.settle([outcomes.Postponed(await claim(), NOW, "no answer")], NOW)
    assert not (await deletions.delete(public_id, token, 0)).done
    await world.deliver()
    await carry_out()
    assert (await deletions.delete(public_id, token, 0)).done


async def test_a_message_that_fails_meanwhile_is_not_in_the_chat(world: World, token: str) -> None:
    """Whoever waits is told how it ended."""
    public_id = await send(token)
    claimed = await claim()
    deleting = await begin_to_delete(token, public_id)
    await settlement.settle([outcomes.Failed(claimed, "deactivated")], NOW)
    with pytest.raises(MessageNotInChat, match="it is failed"):
        await deleting
    assert await deletions.doomed((await job()).message, NOW) is None


async def test_what_telegram_does_not_delete_is_told_to_who_waits(world: World, token: str) -> None:
    """The message stays, under its replace key too, and it may be tried again."""
    public_id = await send(token, replace="k")
    await world.deliver()
    deleting = await begin_to_delete(token, public_id)
    await deletions.give_up(await doomed())
    with pytest.raises(DeletionRefused):
        await deleting
    await send(token, "later", replace="k")
    (edit,) = await world.deliver()
    assert (edit.is_edit, (await entry(token, public_id)).deleted) == (True, None)


async def test_its_edits_that_wait_are_canceled(world: World, token: str) -> None:
    """One that is being done is waited for. Afterwards the key names a new message."""
    first = await send(token, "0", replace="k")
    await world.deliver()
    await send(token, "1", replace="k")
    under_way = await claim()
    waits = [await send(token, "2", replace="k", delay=60.0), await send(token, "3", replace="k")]
    assert not (await deletions.delete(first, token, 0)).done
    assert [(await entry(token, one)).status for one in waits] == ["canceled"] * 2
    with pytest.raises(scheduled.TooEarly):
        await deletions.doomed((await job()).message, NOW)
    await settlement.settle([outcomes.Sent(under_way, 1)], NOW)
    new = await send(token, "3", replace="k")
    await carry_out()
    (sent,) = await world.deliver()
    assert (sent.public_id, sent.is_edit) == (new, False)


async def test_the_id_of_an_edit_stands_for_what_it_changed(world: World, token: str) -> None:
    """Unless it waits: then it alone is canceled."""
    first = await send(token, "0", replace="k")
    await world.deliver()
    second = await send(token, "1", replace="k")
    await world.deliver()
    third = await send(token, "2", replace="k")
    assert await deletions.delete(third, token, 0) == Deletion(third, "canceled", done=True)
    assert (await entry(token, first)).text == "1"
    assert not (await deletions.delete(second, token, 0)).done
    await carry_out()
    assert (await entry(token, first)).deleted == (await entry(token, second)).deleted == NOW


async def test_a_message_that_ended_otherwise_is_not_in_the_chat(world: World, token: str) -> None:
    """Failed, expired, replaced, uncertain: the error says which."""
    ids = {}
    for ended in (outcomes.Failed, outcomes.Expired, outcomes.Uncertain):
        public_id = await send(token)
        await settlement.settle([ended(await claim(), "no")], NOW)
        ids[ended.__name__.lower()] = public_id
    ids["replaced"] = await send(token, "0", replace="k")
    await send(token, "1", replace="k")
    for status, public_id in ids.items():
        with pytest.raises(MessageNotInChat, match=status):
            await deletions.delete(public_id, token, 0)


async def test_nobody_deletes_another_token_s_message(world: World, person: Chat, token: str) -> None:
    """Not even the same account's, or a message that there never was."""
    public_id = await send(token)
    other = await world.link(await world.account("other"), person)
    for unknown in (public_id, "01902d5e-7c3b-7d7e-a1f4-3b9f1f6f2c11", "7"):
        with pytest.raises(MessageNotFound):
            await deletions.delete(unknown, other, 0)
    assert (await entry(token, public_id)).status in ("queued", "sent")


async def test_what_a_new_message_supersedes_is_deleted_once_that_was_sent(
    world: World, person: Chat, token: str
) -> None:
    """Not before. Then the former ids stand for the new message, which has the history to itself. When
    Telegram refuses, both are there."""
    ids = [await send(token, "0", replace="k")]
    await world.deliver()
    ids.append(await send(token, "1", replace="k", tags=("new",)))
    await settlement.settle([outcomes.SentAnew(await claim(), NOW, "no", ("new",), supersedes=True)], NOW)
    assert await scheduled.due(NOW, 9) == []
    ids.append(await send(token, "2", replace="k", tags=("new",)))
    await world.deliver()
    superseded = await doomed()
    assert [(await entry(token, one)).edited for one in (ids[0], ids[2])] == [1, 1]
    assert [one.text for one in (await history.page(person.id, limit=9, tag="new")).messages] == ["2"]
    assert [one.text for one in (await history.page(person.id, limit=9)).messages] == ["2"]
    await deletions.give_up(superseded)
    assert [one.text for one in (await history.page(person.id, limit=9)).messages] == ["2", "0"]


async def test_what_a_canceled_message_would_have_superseded_is_deleted(world: World, token: str) -> None:
    """Its sender wants neither of them in the chat."""
    first = await send(token, "0", replace="k")
    await world.deliver()
    second = await send(token, "1", replace="k")
    await settlement.settle([outcomes.SentAnew(await claim(), NOW, "no", supersedes=True)], NOW)
    assert (await deletions.delete(second, token, 0)).status == "canceled"
    await carry_out()
    assert (await entry(token, first)).deleted == NOW


async def test_an_edit_that_is_impossible_is_not_sent_when_its_message_is_to_be_deleted(
    world: World, token: str
) -> None:
    """The sender wants neither. Who waits for the deletion is told that it was done."""
    first = await send(token, "0", replace="k")
    await world.deliver()
    second = await send(token, "1", replace="k")
    under_way = await claim()
    deleting = await begin_to_delete(token, first)
    await settlement.settle([outcomes.SentAnew(under_way, NOW, "no", supersedes=True)], NOW)
    await carry_out()
    assert (await deleting).done
    assert await world.deliver() == []
    assert (await entry(token, second)).status == "canceled"
