"""Forgetting: nothing of a person stays, everything of others does."""

from datetime import timedelta

import pytest

from djangobot.db.admin import admins, bans, users
from djangobot.db.delivery import claims, outcomes, scheduled, settlement
from djangobot.db.delivery.pubsub import waiters
from djangobot.db.engine import current
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.history import search
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats, codes, erasure, mutes, questions
from djangobot.db.people.chats import Chat
from djangobot.db.piccolo_app import TABLES
from djangobot.db.programs import accounts, revocations

from ..conftest import MINUTE, World

SECRET = "Zanzibar"
"""A word that only the person's own rows hold."""


async def rows_of(chat_id: int) -> list[str]:
    """Every row of every table that holds the person's number or word."""
    tables = [table._meta.tablename for table in TABLES]
    found = []
    for table in tables:
        for row in await current().fetch(f"SELECT * FROM {table}"):  # noqa: S608
            if str(chat_id) in str(row) or SECRET.lower() in str(row).lower():
                found.append(f"{table}: {row}")
    return found


async def test_nothing_of_a_person_stays_in_any_table(world: World) -> None:
    """Tokens, messages of every status, codes, settings, mutes, what is to be done later; again does no
    more."""
    ci, person, other = await world.account(name="CI"), await world.person(), await world.person()
    token, others = await world.link(ci, person), await world.link(ci, other)
    for _ in range(3):
        await acceptance.accept(token, NewMessage(SECRET), world.now)
    (claimed,) = await claims.claim(world.now, limit=1, chats=[person.id])
    await settlement.settle([outcomes.Uncertain(claimed, "who knows")], world.now)
    await claims.claim(world.now, limit=1, chats=[person.id])
    kept = await acceptance.accept(others, NewMessage("theirs"), world.now)
    await chats.change_settings(person.id, zone="Europe/Berlin")
    await questions.ask(person.id, f"search:{SECRET}", world.now)
    await codes.issue(person, world.now)
    await scheduled.put(person.id, "code", 5, SECRET, world.now + timedelta(hours=1))
    await mutes.mute(person.id, ci.id, world.now + MINUTE)
    await search.remember(person.id, SECRET)
    assert await search.catch_up(30)
    assert (await erasure.stored_counts(person.id, world.now)).waiting == 3
    assert len(await rows_of(person.id)) > 6
    for _ in range(2):
        await erasure.erase(person.id)
        assert await rows_of(person.id) == []
    index = {"sqlite": "message_search_docsize", "postgres": "message_words"}[current().engine_type]
    (found,) = await current().fetch(f"SELECT COUNT(*) AS count FROM {index}")  # noqa: S608
    assert found["count"] == 1
    assert (await messages.of_token(kept.id, others, world.now)).status == "queued"
    assert await chats.get(other.id) is not None


async def test_who_waits_for_a_message_hears_that_it_is_canceled(world: World) -> None:
    """At once, not after the wait."""
    token = await world.link(await world.account(), person := await world.person())
    accepted = await acceptance.accept(token, NewMessage("wait"), world.now)
    settled = waiters.add_waiter(accepted.id)
    await erasure.erase(person.id)
    assert await waiters.wait_settled(accepted.id, settled, 5) == ("canceled", "forgotten")


async def test_a_banned_person_is_forgotten_but_stays_banned(world: World) -> None:
    """Only the number is kept."""
    person = await world.person()
    await Chat.update({Chat.banned: world.now}).where(Chat.id == person.id)
    await erasure.erase(person.id)
    left = await chats.get(person.id)
    assert left is not None
    assert left.banned
    assert not left.first_name
    assert not left.access_hash


async def test_where_a_persons_number_stays_is_known_before(world: World) -> None:
    """An appointed admin's, in the list of admins and in the audit; of whom an admin banned, in the audit."""
    admin, banned, other = await world.person(), await world.person(), await world.person()
    await admins.appoint(admin.id, 0, world.now)
    await bans.ban("chat", banned.id, admin.id, world.now, of_settings=())
    found = [await erasure.stored_counts(person.id, world.now) for person in (admin, banned, other)]
    assert [(kept.appointed, kept.recorded > 0) for kept in found] == [(1, True), (0, True), (0, False)]


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("owner", "account deleted"),
        ("admin deletes account", "deleted by an admin"),
        ("admin deletes chat", "deleted by an admin"),
        ("admin bans account", "account banned"),
        ("person revokes", "token revoked"),
    ],
)
async def test_who_waits_for_what_somebody_deleted_hears_who_did(world: World, who: str, reason: str) -> None:
    """At once, whoever it was."""
    account, person = await world.account(), await world.person()
    token = await world.link(account, person)
    accepted = await acceptance.accept(token, NewMessage("wait"), world.now)
    settled = waiters.add_waiter(accepted.id)
    match who:
        case "owner":
            await accounts.remove(account, now=world.now)
        case "admin deletes account":
            assert await users.delete("account", account.id, 1, world.now, of_settings=())
        case "admin deletes chat":
            assert await users.delete("chat", person.id, 1, world.now, of_settings=())
        case "admin bans account":
            assert await bans.ban("account", account.id, 1, world.now, of_settings=())
        case _:
            (row,) = await current().fetch("SELECT id FROM bot_token")
            await revocations.revoke(person.id, row["id"], world.now)
    assert await waiters.wait_settled(accepted.id, settled, 5) == ("canceled", reason)
