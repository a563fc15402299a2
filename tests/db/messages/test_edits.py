"""Edits: one message that changes, in the database alone."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.admin import bans
from djangobot.db.delivery import claims, outcomes, scheduled_messages, settlement
from djangobot.db.delivery.pubsub import changes
from djangobot.db.engine import current
from djangobot.db.errors import FieldsInvalid, KeyReused, MessageNotFound
from djangobot.db.messages import acceptance, edits, messages
from djangobot.db.messages.history import history, search
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.programs import accounts, revocations, tokens

from ..conftest import MINUTE, NOW, World


async def send(token: str, text: str, key: str | None = "k", **more: object) -> str:
    """Accepts a message with a replace key. Returns its id."""
    message = msgspec.structs.replace(NewMessage(text, replace=key), **more)
    return (await acceptance.accept(token, message, NOW)).id


async def claim() -> list[outcomes.Claimed]:
    return await claims.claim(NOW, limit=100)


async def status(token: str, public_id: str) -> str:
    return (await messages.of_token(public_id, token, NOW)).status


@pytest.fixture
async def token(world: World) -> str:
    return await world.link(await world.account(), await world.person())


async def test_a_later_message_with_the_key_edits_the_one_in_the_chat(world: World, token: str) -> None:
    """The history, the search and the answer to the first id show what the chat shows."""
    first = await send(token, "zero percent")
    (root,) = await world.deliver()
    assert await search.catch_up(5)
    second = await send(token, "half done", title="Backup")
    (edit,) = await world.deliver()
    assert (edit.kind, edit.edited_id) == ("edit", root.id)
    entry = await messages.of_token(first, token, NOW)
    assert (entry.text, entry.content.title, entry.edited) == ("half done", "Backup", 1)
    assert [entry.text for entry in (await history.page(root.chat_id, limit=9)).messages] == ["half done"]
    assert [found.text for found in (await search.find(root.chat_id, "half", limit=9)).messages] == [
        "half done"
    ]
    assert (await search.find(root.chat_id, "percent", limit=9)).messages == []
    edited = await messages.of_token(second, token, NOW)
    assert (edited.status, edited.text, edited.edited) == ("sent", "half done", 1)


async def test_of_edits_that_wait_the_newest_is_done(world: World, token: str) -> None:
    """One that is under way ends as it ends."""
    await send(token, "0")
    await world.deliver()
    ids = [await send(token, "1")]
    (under_way,) = await claim()
    ids += [await send(token, str(number)) for number in range(2, 6)]
    assert [await status(token, one) for one in ids] == ["sending", *["replaced"] * 3, "queued"]
    await settlement.settle([outcomes.Sent(under_way, 1)], NOW)
    assert [message.text for message in await world.deliver()] == ["5"]


async def test_waiters_of_a_replaced_message_are_told(world: World, token: str) -> None:
    """They do not wait until their time is over."""
    await send(token, "0")
    await world.deliver()
    waiting = asyncio.create_task(acceptance.accept(token, NewMessage("1", replace="k", wait=60), NOW))
    while not await current().fetch("SELECT 1 FROM message WHERE kind = 'edit'"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await send(token, "2")
    assert (await waiting).status == "replaced"


async def test_what_was_never_in_the_chat_is_replaced_by_the_newer_one(world: World, token: str) -> None:
    """It was not sent yet, or it is held. No list shows it."""
    first = await send(token, "0")
    second = await send(token, "1")
    (claimed,) = await claim()
    assert (claimed.text, claimed.kind) == ("1", "message")
    await settlement.settle([outcomes.Held(claimed, NOW + timedelta(hours=1))], NOW)
    third = await send(token, "2")
    (shown,) = await world.deliver()
    assert (shown.text, shown.kind) == ("2", "message")
    assert [await status(token, one) for one in (first, second, third)] == ["replaced", "replaced", "sent"]
    assert [entry.text for entry in (await history.page(shown.chat_id, limit=9)).messages] == ["2"]
    assert await current().fetch("SELECT 1 FROM message WHERE held_until IS NOT NULL") == []


async def test_a_message_that_may_be_in_the_chat_is_edited(world: World, token: str) -> None:
    """Its answer was lost: it is repeated first, and then edited."""
    await send(token, "0")
    (claimed,) = await claim()
    await settlement.settle([outcomes.Postponed(claimed, NOW, "no answer")], NOW)
    await send(token, "1")
    assert [(message.text, message.kind) for message in await world.deliver()] == [
        ("0", "message"), ("1", "edit"),
    ]  # fmt: skip


@pytest.mark.parametrize("ended", ["failed", "uncertain", "expired"])
async def test_a_message_that_is_not_in_the_chat_is_sent_as_new(world: World, token: str, ended: str) -> None:
    """The former one keeps its status."""
    first = await send(token, "0")
    (claimed,) = await claim()
    ways: dict[str, Callable[[outcomes.Claimed, str], outcomes.Settled]]
    ways = {"failed": outcomes.Failed, "uncertain": outcomes.Uncertain, "expired": outcomes.Expired}
    await settlement.settle([ways[ended](claimed, "x")], NOW)
    await send(token, "1")
    assert [(message.text, message.kind) for message in await world.deliver()] == [("1", "message")]
    assert await status(token, first) == ended


async def test_edits_yield_to_new_messages_of_their_chat(world: World, token: str) -> None:
    """A message that was accepted later is sent before an edit."""
    await send(token, "0")
    await world.deliver()
    await send(token, "edit")
    await send(token, "new", key=None)
    assert [message.text for message in await world.deliver()] == ["new", "edit"]


async def test_an_edit_that_is_impossible_is_sent_as_new_and_is_edited_from_then_on(
    world: World, token: str
) -> None:
    """The edits that wait are of the new message. The former message is no longer named by the key."""
    first = await send(token, "0")
    await world.deliver()
    second = await send(token, "1")
    (edit,) = await claim()
    await send(token, "2")
    await settlement.settle([outcomes.SentAnew(edit, NOW, "MESSAGE_ID_INVALID")], NOW)
    sent = await world.deliver()
    assert [(message.text, message.kind) for message in sent] == [("1", "message"), ("2", "edit")]
    assert (sent[0].random_id, sent[0].attempts, sent[1].edited_id) == (edit.random_id, 1, sent[0].id)
    assert (await messages.of_token(first, token, NOW)).text == "0"
    entry = await messages.of_token(second, token, NOW)
    assert (entry.text, entry.status, entry.edited) == ("2", "sent", 1)


async def test_a_key_belongs_to_its_token(world: World) -> None:
    """Another token's message with the same key is another message."""
    account, person = await world.account(), await world.person()
    one, other = await world.link(account, person), await world.link(account, person)
    for token in (one, other):
        await send(token, "x")
    assert [message.kind for message in await world.deliver()] == ["message", "message"]


async def test_senders_with_the_same_key_at_once_make_one_message(world: World, token: str) -> None:
    """Whoever is first: one message is in the chat, and the last accepted is what it shows."""
    for _ in range(3):
        await asyncio.gather(*[send(token, str(number)) for number in range(12)])
        await world.deliver()
    rows = await current().fetch("SELECT kind, status FROM message WHERE kind IN ('message', 'edit')")
    assert [row["status"] for row in rows if row["kind"] == "message"] == ["sent"]
    assert len(rows) == 36
    assert {row["status"] for row in rows} == {"sent", "replaced"}


async def test_a_repeat_under_an_idempotency_key_is_recognised_after_an_edit(
    world: World, token: str
) -> None:
    """Though the message shows another text by then. Another replace key is another request."""
    first = await send(token, "0", **{"key": "k"})
    again = NewMessage("1", replace="r", key="i")
    made = await acceptance.accept(token, again, NOW)
    await world.deliver()
    await send(token, "2", key="r")
    await world.deliver()
    repeat = await acceptance.accept(token, again, NOW)
    assert (repeat.id, repeat.repeated, repeat.status) == (made.id, True, "sent")
    assert first != made.id
    with pytest.raises(KeyReused):
        await acceptance.accept(token, msgspec.structs.replace(again, replace="other"), NOW)


async def test_an_edit_does_not_count_for_the_limit_of_its_token(world: World, token: str) -> None:
    """It does not ask for the person's attention."""
    await send(token, "0")
    await world.deliver()
    row = await tokens.resolve(token, NOW)
    await current().execute("UPDATE bot_token SET limit_minute = 1 WHERE id = $1", row.id)
    for number in range(3):
        await send(token, str(number))
    assert [message.text for message in await world.deliver()] == ["2"]


@pytest.mark.parametrize("key", ["", "\u200b", "x" * 65, "a\nb"])
async def test_a_replace_key_is_a_line_of_visible_characters(token: str, key: str) -> None:
    """Nothing is accepted, and the field is named."""
    with pytest.raises(FieldsInvalid) as refused:
        await send(token, "x", key=key)
    assert list(refused.value.details) == ["replace"]


async def test_a_revoked_token_edits_no_more(world: World) -> None:
    """The edits that wait are canceled with its messages."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    await send(token, "0")
    await world.deliver()
    edit = await send(token, "1")
    await revocations.revoke(person.id, (await tokens.resolve(token, NOW)).id, NOW)
    rows = await current().fetch("SELECT status FROM message WHERE public_id = $1::uuid", edit)
    assert rows[0]["status"] == "canceled"


async def test_a_reply_names_the_message_it_answers_by_id_or_by_key(world: World, token: str) -> None:
    """An edit's id names the message that it edits."""
    first = await send(token, "0")
    (root,) = await world.deliver()
    edit = await send(token, "1")
    await world.deliver()
    for answered in (first, edit, "k"):
        await send(token, "reply", key=None, reply_to=answered)
    assert [message.reply_to for message in await world.deliver()] == [root.id] * 3


async def test_a_reply_to_nothing_of_this_token_is_refused(world: World, token: str) -> None:
    """Nor may it answer a message of another token."""
    other = await world.link(await world.account("other"), await world.person())
    foreign = await send(other, "x", key="theirs")
    for unknown in ("nothing", "theirs", foreign):
        with pytest.raises(FieldsInvalid) as refused:
            await send(token, "x", key=None, reply_to=unknown)
        assert list(refused.value.details) == ["reply_to"]
    assert len(await current().fetch("SELECT 1 FROM message WHERE kind = 'message'")) == 1


async def test_a_scheduled_edit_changes_the_message_that_has_the_key_at_its_time(
    world: World, token: str
) -> None:
    """The message it was made for may have failed meanwhile, and another has taken its place."""
    await send(token, "0")
    (under_way,) = await claim()
    edit = await send(token, "later", delay=60)
    await settlement.settle([outcomes.Failed(under_way, "too bad")], NOW)
    await send(token, "1")
    (root,) = await world.deliver()
    world.now = NOW + MINUTE
    await scheduled_messages.queue_due(world.now)
    (edited,) = await world.deliver()
    assert (edited.text, edited.edited_id) == ("later", root.id)
    assert await status(token, edit) == "sent"


async def test_a_scheduled_edit_changes_the_message_that_was_sent_anew(world: World, token: str) -> None:
    """The edit before it could not be made: it became a message of its own."""
    await send(token, "0")
    await world.deliver()
    await send(token, "later", delay=60)
    await send(token, "1")
    (impossible,) = await claim()
    await settlement.settle([outcomes.SentAnew(impossible, NOW, "MESSAGE_ID_INVALID")], NOW)
    (root,) = await world.deliver()
    world.now = NOW + MINUTE
    await scheduled_messages.queue_due(world.now)
    assert [message.edited_id for message in await world.deliver()] == [root.id]


async def test_an_edit_that_is_impossible_yields_to_a_message_that_has_its_key(
    world: World, token: str
) -> None:
    """Its message is held, and a newer one has taken its place while the edit was under way."""
    await send(token, "0")
    (lost,) = await claim()
    await settlement.settle([outcomes.Postponed(lost, NOW, "no answer")], NOW)
    edit = await send(token, "1")
    (first,) = await claim()
    held = msgspec.structs.replace(first, first_attempt=None)
    await settlement.settle([outcomes.Postponed(held, NOW + MINUTE, "not done", not_done=True)], NOW)
    await current().execute("UPDATE message SET status = 'held' WHERE id = $1", first.id)
    (under_way,) = await claim()
    assert under_way.is_edit
    newer = await send(token, "2")
    with changes.watch(edit) as watch:
        await settlement.settle([outcomes.SentAnew(under_way, NOW, "not in the chat")], NOW)
        assert await watch.wait(asyncio.get_running_loop().time() + PATIENCE)
    assert await status(token, edit) == "replaced"
    assert [message.text for message in await world.deliver()] == ["2"]
    assert await status(token, newer) == "sent"


@pytest.mark.parametrize("end", ["ban", "password"])
async def test_whose_account_may_not_send_edits_nothing_later_either(world: World, end: str) -> None:
    """An edit that is scheduled is canceled with the messages."""
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    await send(token, "0")
    await world.deliver()
    edit = await send(token, "later", delay=60)
    if end == "ban":
        await bans.ban("account", account.id, 1, NOW, of_settings=())
    else:
        await accounts.change(account, password="password12345", tokens_end=NOW)
    rows = await current().fetch("SELECT status FROM message WHERE public_id = $1::uuid", edit)
    assert rows[0]["status"] == "canceled"


async def test_old_edits_are_removed_but_the_last_of_a_message(world: World, token: str) -> None:
    """Their message stays as it is. One that waits stays, too; and so do those of the last thirty days."""
    first = await send(token, "0")
    await world.deliver()
    done = []
    for number in range(1, 4):
        done.append(await send(token, str(number)))
        await world.deliver()
    replaced, waits = await send(token, "4"), await send(token, "5")
    assert await edits.sweep(NOW + edits.KEPT) == 0
    assert await edits.sweep(NOW + edits.KEPT + MINUTE) == 3
    for public_id in (*done[:2], replaced):
        with pytest.raises(MessageNotFound):
            await status(token, public_id)
    assert [await status(token, one) for one in (first, done[2], waits)] == ["sent", "sent", "queued"]
    assert (await messages.of_token(first, token, NOW)).edited == 3


async def test_a_sweep_that_removes_no_edit_writes_nothing(
    world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many edits there are, which are read in pages: it keeps nobody from writing."""
    for number in range(7):
        await send(token, str(number))
        await world.deliver()
    with monkeypatch.context() as patch:
        patch.setattr(edits, "READ", 2)
        patch.setattr(type(current()), "execute", None)
        assert await edits.sweep(NOW + edits.KEPT) == 0
    monkeypatch.setattr(edits, "READ", 2)
    assert await edits.sweep(NOW + edits.KEPT + MINUTE) == 5
