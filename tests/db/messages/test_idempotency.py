"""A sender's own key for a message: accepted once, however often it comes."""

import asyncio
from datetime import timedelta

import asyncpg
import msgspec
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db import credentials
from djangobot.db.conf import close_database, open_database
from djangobot.db.delivery import claims, outcomes, settlement
from djangobot.db.delivery.pubsub import waiters
from djangobot.db.engine import current
from djangobot.db.engine.sql import for_postgres
from djangobot.db.errors import ChatBlocked, FieldsInvalid, KeyReused, TokenInvalid
from djangobot.db.messages import acceptance, idempotency
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats
from djangobot.db.programs import accounts, revocations, tokens

from ..conftest import MINUTE, NOW, World, on_postgresql, on_sqlite

DAY = timedelta(hours=24)


async def texts(chat_id: int = 5_000_000_001) -> list[str]:
    return [entry.text for entry in (await history.page(chat_id, limit=200)).messages]


async def kept() -> list[str]:
    rows = await current().fetch("SELECT idempotency_key AS key FROM message ORDER BY id")
    return [row["key"] for row in rows if row["key"] is not None]


async def test_the_same_key_and_message_are_one_message(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    first = await acceptance.accept(token, NewMessage("once", "File", key="k"), NOW)
    again = await acceptance.accept(token, NewMessage("once", "File", key="k"), NOW + MINUTE)
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.id, again.status, await texts()) == (first.id, "queued", ["once"])


async def test_a_repeat_tells_what_has_become_of_the_message(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    for key, end in (("good", "sent"), ("bad", "failed")):
        first = await acceptance.accept(token, NewMessage(key, key=key), NOW)
        (message,) = await claims.claim(NOW, limit=1)
        outcome = outcomes.Sent(message, 7) if end == "sent" else outcomes.Failed(message, "deactivated")
        await settlement.settle([outcome], NOW)
        for wait in (0, 30):
            again = await acceptance.accept(token, NewMessage(key, wait=wait, key=key), NOW)
            assert (again.id, again.status) == (first.id, end)
            assert again.failure == (None if end == "sent" else "deactivated")


async def test_all_who_wait_for_one_message_hear_of_it(world: World) -> None:
    """The first and its repeats, one of which has given up by then; nobody is left behind."""
    token = await world.link(await world.account(), await world.person())
    asked = [
        asyncio.create_task(acceptance.accept(token, NewMessage("x", wait=30, key="k"), NOW))
        for _ in range(5)
    ]
    while sum(map(len, waiters._waiters.values())) != 5 or len(waiters._waiters) != 1:  # noqa: ASYNC110
        await asyncio.sleep(0)
    asked.pop().cancel()
    await asyncio.sleep(0)
    assert len(await world.deliver()) == 1
    answers = await asyncio.gather(*asked)
    assert {(answer.id, answer.status) for answer in answers} == {(answers[0].id, "sent")}
    assert sum(not answer.repeated for answer in answers) <= 1
    assert waiters._waiters == {}


async def test_a_message_that_is_settled_while_its_repeat_looks_for_it_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading that it is queued and expecting its end, it ended."""
    token = await world.link(await world.account(), await world.person())
    first = await acceptance.accept(token, NewMessage("x", key="k"), NOW)
    real = idempotency._of_key

    async def of_key(digest: str, key: str, now: object) -> object:
        row = await real(digest, key, NOW)
        monkeypatch.undo()
        await world.deliver()
        return row

    monkeypatch.setattr(idempotency, "_of_key", of_key)
    async with asyncio.timeout(PATIENCE):
        again = await acceptance.accept(token, NewMessage("x", wait=30, key="k"), NOW)
    assert (again.id, again.status) == (first.id, "sent")


async def test_a_repeat_that_has_waited_enough_says_queued(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    first = await acceptance.accept(token, NewMessage("x", key="k"), NOW)
    again = await acceptance.accept(token, NewMessage("x", wait=0.01, key="k"), NOW)
    assert (again.id, again.status, waiters._waiters) == (first.id, "queued", {})


@pytest.mark.parametrize(("text", "kind"), [("another", "Text"), ("one ", "Text"), ("one", "File")])
async def test_the_same_key_for_another_message_is_refused(world: World, text: str, kind: str) -> None:
    token = await world.link(await world.account(), await world.person())
    await acceptance.accept(token, NewMessage("one", key="k"), NOW)
    with pytest.raises(KeyReused):
        await acceptance.accept(token, NewMessage(text, kind, key="k"), NOW)
    assert await texts() == ["one"]


async def test_a_hundred_at_the_same_moment_make_one_message(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    answers = await asyncio.gather(
        *(acceptance.accept(token, NewMessage("once", key="k"), NOW) for _ in range(100))
    )
    assert len({answer.id for answer in answers}) == 1
    assert sum(not answer.repeated for answer in answers) == 1
    assert await texts() == ["once"]


async def test_of_a_hundred_different_messages_under_one_key_one_is_accepted(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    answers = await asyncio.gather(
        *(acceptance.accept(token, NewMessage(str(number), key="k"), NOW) for number in range(100)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, KeyReused) for answer in answers) == 99
    assert len(await texts()) == 1


@on_postgresql  # SQLite has one writer at a time
async def test_a_repeat_waits_for_another_process_that_is_just_accepting(world: World, database: str) -> None:
    """It is not answered before the first is on disk; were the first undone, it would take its place."""
    token = await world.link(await world.account(), await world.person())
    insert = for_postgres(acceptance.ONE)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for number, (end, repeated) in enumerate((("COMMIT", True), ("ROLLBACK", False))):
        key = f"key-{number}"
        row = acceptance.NewRow.of(NewMessage("x", key=key), credentials.digest_token(token), NOW)
        other = await asyncpg.connect(database)
        await other.execute("BEGIN")
        await other.execute(insert, *msgspec.structs.astuple(row))
        accepting = asyncio.create_task(acceptance.accept(token, NewMessage("x", key=key), NOW))
        while not await current().fetch(waiting):
            assert not accepting.done()
        await other.execute(end)
        await other.close()
        accepted = await accepting
        assert (accepted.repeated, accepted.id == row.public_id) == (repeated, repeated)


async def test_a_key_is_its_tokens_own(world: World) -> None:
    account, person = await world.account(), await world.person()
    for name in ("one", "two"):
        token = await world.link(account, person, name)
        assert not (await acceptance.accept(token, NewMessage(name, key="k"), NOW)).repeated
    assert await texts() == ["two", "one"]


async def test_keys_differ_by_their_case_and_every_character(world: World) -> None:
    token = await world.link(await world.account(), await world.person())
    keys = ["a", "A", "a'", '"a"', "%", "_", "a" * 254, "a" * 255, "--", "0", "00"]
    for key in keys:
        assert not (await acceptance.accept(token, NewMessage("x", key=key), NOW)).repeated, key
    for key in keys:
        assert (await acceptance.accept(token, NewMessage("x", key=key), NOW)).repeated, key


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "é", "\x7f", "\0", "\ud800", "a" * 256, "日本"])
async def test_a_key_that_is_none_is_refused_by_name(world: World, key: str) -> None:
    token = await world.link(await world.account(), await world.person())
    with pytest.raises(FieldsInvalid) as refused:
        await acceptance.accept(token, NewMessage("x", key=key), NOW)
    assert list(refused.value.details) == ["Idempotency-Key"]
    assert await texts() == []


async def test_a_key_is_kept_across_a_restart_for_24_hours_and_is_free_then(
    world: World, database: str
) -> None:
    token = await world.link(await world.account(), await world.person())
    first = await acceptance.accept(token, NewMessage("today", key="k"), NOW)
    await close_database()
    await open_database(database)
    almost = NOW + DAY - timedelta(microseconds=1)
    assert (await acceptance.accept(token, NewMessage("today", key="k"), almost)).id == first.id
    await world.deliver()
    tomorrow = NOW + DAY
    answers = await asyncio.gather(
        *(acceptance.accept(token, NewMessage("tomorrow", key="k"), tomorrow) for _ in range(20))
    )
    assert len({answer.id for answer in answers}) == 1
    assert await texts() == ["tomorrow", "today"]
    assert (await acceptance.accept(token, NewMessage("tomorrow", key="k"), tomorrow + MINUTE)).repeated


async def test_expired_keys_do_not_pile_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hundredth message with a key lets go of the oldest of them, a bounded number at a time."""
    token = await world.link(await world.account(), await world.person())
    for number in range(5):
        await acceptance.accept(token, NewMessage("x", key=str(number)), NOW + number * MINUTE)
    world.now = NOW + 5 * MINUTE
    await world.deliver()
    monkeypatch.setattr(idempotency, "SWEEP_EVERY", 1)
    monkeypatch.setattr(idempotency, "SWEEP_MOST", 2)
    for left in (["2", "3", "4", "a"], ["3", "4", "a", "b"]):
        await acceptance.accept(token, NewMessage("x", key=left[-1]), NOW + DAY + 2 * MINUTE)
        assert await kept() == left
    assert len(await texts()) == 7


@on_sqlite  # PostgreSQL chooses by statistics
async def test_keys_are_found_and_swept_by_their_indexes(world: World) -> None:
    plans = {
        "message_idempotency_key": idempotency.OF_KEY,
        "message_idempotency_key_age": idempotency.SWEEP,
    }
    for index, sql in plans.items():
        for number in "1234":
            sql = sql.replace(f"${number}", f"'{number}'")
        plan = [row["detail"] for row in await current().fetch(f"EXPLAIN QUERY PLAN {sql}")]
        assert any(f"INDEX {index} " in line for line in plan), plan
        assert not any("TEMP B-TREE" in line for line in plan), plan


async def test_a_refused_message_leaves_no_key_behind(world: World) -> None:
    """Blocked at that moment; when the person is back, the same key sends whatever it is given."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    await chats.block(person.id, NOW)
    with pytest.raises(ChatBlocked):
        await acceptance.accept(token, NewMessage("first try", key="k"), NOW)
    with pytest.raises(TokenInvalid):
        await acceptance.accept("x" * 25, NewMessage("first try", key="k"), NOW)
    await chats.unblock(person.id, NOW)
    assert not (await acceptance.accept(token, NewMessage("second try", key="k"), NOW)).repeated
    assert await texts() == ["second try"]


async def test_a_message_sent_before_the_block_is_still_answered_for_but_not_to_a_dead_token(
    world: World,
) -> None:
    person = await world.person()
    token = await world.link(await world.account(), person)
    first = await acceptance.accept(token, NewMessage("x", key="k"), NOW)
    await world.deliver()
    await chats.block(person.id, NOW)
    again = await acceptance.accept(token, NewMessage("x", key="k"), NOW)
    assert (again.id, again.status) == (first.id, "sent")
    (card,) = await tokens.of_chat(person.id, NOW)
    await revocations.revoke(person.id, card.id, NOW)
    with pytest.raises(TokenInvalid):
        await acceptance.accept(token, NewMessage("x", key="k"), NOW)


async def test_an_account_that_leaves_takes_its_keys_along(world: World) -> None:
    account = await world.account()
    token = await world.link(account, await world.person())
    await acceptance.accept(token, NewMessage("x", key="k"), NOW)
    await accounts.remove(account, now=NOW)
    assert await kept() == []
