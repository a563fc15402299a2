"""Messages: accepting them and reading histories."""

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.db.delivery import claims
from djangobot.db.delivery.pubsub import waiters
from djangobot.db.engine import current
from djangobot.db.errors import FieldsInvalid, MessageNotFound, TextTooLong, TokenInvalid
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import TEXT_LIMIT, NewMessage

from ..conftest import NOW, World, on_sqlite


async def test_what_was_accepted_is_in_the_history_to_the_letter(world: World) -> None:
    account, person = await world.account(), await world.person()
    token = await world.link(account, person, "backups")
    text = "<b>*_ \n\t\u202e 😀 'quoted' \\ {}" + "x" * 4000
    accepted = await acceptance.accept(token, NewMessage(text, "Document"), NOW)
    (entry,) = (await messages.page(account.id)).messages
    assert (entry.id, entry.text, entry.type, entry.status) == (accepted.id, text, "Document", "queued")
    assert (entry.time, entry.sender, entry.token, entry.chat) == (NOW, "Owner", "backups", person.id)
    assert await messages.of_token(accepted.id, token, NOW) == entry


@pytest.mark.parametrize(
    ("text", "kind"), [("", "Text"), ("a\0", "Text"), ("\ud800", "Text"), ("a", "Photo")]
)
async def test_a_text_or_type_that_cannot_be_is_refused(world: World, text: str, kind: str) -> None:
    token = await world.link(await world.account(), await world.person())
    with pytest.raises(FieldsInvalid):
        await acceptance.accept(token, NewMessage(text, kind), NOW)
    with pytest.raises(TextTooLong):
        await acceptance.accept(token, NewMessage("x" * (TEXT_LIMIT + 1)), NOW)


async def test_an_unknown_token_writes_to_nobody(world: World) -> None:
    for token in ("x" * 25, "", "\ud800", "\0"):
        with pytest.raises(TokenInvalid):
            await acceptance.accept(token, NewMessage("hello"), NOW)


async def test_one_chats_messages_keep_the_order_they_were_accepted_in(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    for number in range(20):
        await acceptance.accept(token, NewMessage(str(number)), NOW)
    assert [message.text for message in await world.deliver()] == [str(number) for number in range(20)]


async def test_many_accepted_at_once_are_each_there_once(world: World) -> None:
    account = await world.account()
    token = await world.link(account, await world.person())
    accepted = await asyncio.gather(*(acceptance.accept(token, NewMessage(str(n)), NOW) for n in range(150)))
    page = await messages.page(account.id, limit=200)
    assert {entry.id for entry in page.messages} == {one.id for one in accepted}
    sent = await world.deliver()
    assert len({message.random_id for message in sent}) == len(sent) == 150
    assert 0 not in {message.random_id for message in sent}


async def test_pages_follow_each_other_without_gap_or_repeat_and_show_no_notices(world: World) -> None:
    account, person, other = await world.account(), await world.person(), await world.person()
    token, elsewhere = await world.link(account, person), await world.link(account, other)
    for number in range(7):
        await acceptance.accept(token, NewMessage(str(number)), NOW)
        await acceptance.accept(elsewhere, NewMessage(f"other {number}"), NOW)
    for limit in (1, 2, 3, 7, 14, 200):
        read: list[str] = []
        before: int | None = None
        while True:
            page = await messages.page(account.id, limit=limit, before=before)
            read += [entry.text for entry in page.messages]
            if page.next is None:
                break
            before = page.next
        assert read == [text for n in reversed(range(7)) for text in (f"other {n}", str(n))]
    assert [e.text for e in (await messages.page(account.id, chat=person.id, limit=3)).messages] == [
        "6",
        "5",
        "4",
    ]


async def test_a_token_finds_its_own_messages_only(world: World) -> None:
    account, person = await world.account(), await world.person()
    one, two = await world.link(account, person), await world.link(account, person)
    accepted = await acceptance.accept(one, NewMessage("mine"), NOW)
    for public_id, token in ((accepted.id, two), ("nonsense", one), ("0" * 36, one)):
        with pytest.raises(MessageNotFound):
            await messages.of_token(public_id, token, NOW)


async def test_a_wait_that_is_over_says_queued_and_leaves_nothing_behind(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    accepted = await acceptance.accept(token, NewMessage("slow", wait=0.01), NOW)
    assert accepted.status == "queued"
    waiting = asyncio.create_task(acceptance.accept(token, NewMessage("cut off", wait=30), NOW))
    while (await history.page(5_000_000_001, limit=1)).messages[0].text != "cut off":  # noqa: ASYNC110
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiters._waiters == {}


moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)) | st.integers(0, 3).map(
    lambda micros: datetime(2026, 1, 1, microsecond=micros)
)


@given(moments, moments)
def test_times_compare_in_sqlite_as_they_do_in_life(one: datetime, two: datetime) -> None:
    """SQLite compares them as text; a whole second has no fraction in it."""
    utc = NOW.tzinfo
    a, b = one.replace(tzinfo=utc), two.replace(tzinfo=utc)
    assert (str(a) < str(b)) == (a < b)


async def test_a_message_due_to_the_microsecond_is_due(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    later = NOW + timedelta(microseconds=1)
    await acceptance.accept(token, NewMessage("late"), later)
    assert await world.deliver() == []
    world.now = later
    assert len(await world.deliver()) == 1


@on_sqlite  # PostgreSQL chooses by statistics
async def test_histories_and_outbox_are_read_by_their_indexes(world: World) -> None:
    """Of an account and a token, no edits are read: there may be thousands of one message."""
    plans = {
        "message_of_account": f"{messages.ENTRY} AND m.account = 1 ORDER BY m.id DESC LIMIT 50",
        "message_of_chat": f"{messages.ENTRY} AND m.chat = 1 ORDER BY m.created DESC, m.id DESC LIMIT 50",
        "message_of_token": f"{history.OF_TOKEN} ORDER BY m.id DESC LIMIT 50".replace("$1", "1").replace(
            "$2", "1"
        ),
        "message_unsettled": claims.DUE_ANYWHERE.replace("$1", "'2026'").replace("$2", "100"),
    }
    for index, sql in plans.items():
        plan = [row["detail"] for row in await current().fetch(f"EXPLAIN QUERY PLAN {sql}")]
        by_kind = ["kind=?"] if "kind = 'message'" in sql else []
        assert any(all(part in line for part in (index, *by_kind)) for line in plan), plan
        assert not any(line.startswith("SCAN m ") or line == "SCAN m" for line in plan), plan
