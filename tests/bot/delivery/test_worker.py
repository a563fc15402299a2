"""Delivery: what is not plain sending. The rest is proven end to end in tests/e2e."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
import structlog

from djangobot.bot.delivery import sender
from djangobot.bot.delivery.pacing import CHAT_BURST, Pacing
from djangobot.bot.delivery.sender import SAFE_TO_REPEAT
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.settings import GUIDANCE_RATE_CHAT, GUIDANCE_RATE_TOTAL
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.db import state
from djangobot.db.admin import users
from djangobot.db.delivery import claims, outbox, outcomes, recalls, settlement
from djangobot.db.engine import current
from djangobot.db.errors import DatabaseUnavailable
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats, codes
from djangobot.db.programs import accounts

NOW = datetime.now(UTC)


async def chat_of(sandbox: SandboxProcess) -> tuple[int, list[str]]:
    (person,) = [person["id"] for person in await sandbox.request("GET", "/people")]
    said = [message["text"] for message in await sandbox.messages(person) if message["from"] == "bot"]
    return person, said


class Running:
    """A delivery at work for the length of a block."""

    def __init__(self, client: TelegramClient, delivery: Worker | None = None) -> None:
        self.delivery = delivery or Worker(Gateway(client), Pacing(0, 0))

    async def __aenter__(self) -> Worker:
        self.task = asyncio.create_task(self.delivery.run())
        return self.delivery

    async def __aexit__(self, *_: object) -> None:
        self.delivery.stop()
        await self.task


async def test_a_message_first_tried_too_long_ago_is_never_repeated_blindly(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Nobody knows how long Telegram remembers a random_id: it becomes uncertain, an admin decides."""
    long_ago = datetime.now(UTC) - SAFE_TO_REPEAT - timedelta(minutes=1)
    accepted = await acceptance.accept(token, NewMessage("old"), NOW)
    await current().execute(
        "UPDATE message SET first_attempt = $1, attempts = 1 WHERE kind = 'message'", long_ago
    )
    async with Running(client):
        after = await acceptance.accept(token, NewMessage("new", wait=PATIENCE), datetime.now(UTC))
    assert after.status == "sent"
    assert (await messages.of_token(accepted.id, token, NOW)).status == "uncertain"
    _, said = await chat_of(sandbox)
    assert "Fedor\nold" not in said
    assert "Fedor\nnew" in said


async def test_a_message_to_an_idle_service_is_sent_without_being_looked_for(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes into the deliverer's hand with the commit that accepts it; while delivery is paused it does
    not."""
    claimed: list[str] = []
    claim = claims.claim

    async def noting(*args: Any, **more: Any) -> list[outcomes.Claimed]:
        found = await claim(*args, **more)
        claimed.extend(message.text for message in found)
        return found

    monkeypatch.setattr(claims, "claim", noting)
    async with Running(client) as at_work, asyncio.timeout(PATIENCE):
        await acceptance.accept(token, NewMessage("behind what waited", wait=PATIENCE), datetime.now(UTC))
        for number in range(3):
            while not (at_work.idle and at_work.free):  # noqa: ASYNC110 - nothing tells when nothing is to be done
                await asyncio.sleep(0.01)
            sent = await acceptance.accept(token, NewMessage(str(number), wait=PATIENCE), datetime.now(UTC))
            assert sent.status == "sent"
        assert not set(claimed) & {"0", "1", "2"}
        await state.put("paused", True, datetime.now(UTC))
        await recalls.apply()
        assert not at_work.free
    _, said = await chat_of(sandbox)
    assert said[-3:] == ["Fedor\n0", "Fedor\n1", "Fedor\n2"]
    rows = await current().fetch("SELECT attempts FROM message WHERE kind = 'message'")
    assert [row["attempts"] for row in rows] == [1, 1, 1, 1]


async def test_telegrams_refusal_is_the_reason_of_the_failure(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """And the messages behind it go on."""
    await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
    async with Running(client):
        await acceptance.accept(token, NewMessage("the notice before it takes the fault", wait=PATIENCE), NOW)
        await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
        failed = await acceptance.accept(token, NewMessage("no", wait=PATIENCE), NOW)
        sent = await acceptance.accept(token, NewMessage("yes", wait=PATIENCE), NOW)
    assert (failed.status, failed.failure) == ("failed", "CHAT_RESTRICTED")
    assert sent.status == "sent"


async def test_a_stop_gives_back_what_was_not_begun(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A message held for its chat's turn is queued again, and does not count as tried."""
    delivery = Worker(Gateway(client), Pacing(rate_chat=0.001, rate_total=0))
    running = asyncio.create_task(delivery.run())
    for number in range(5):
        await acceptance.accept(token, NewMessage(f"number {number}"), datetime.now(UTC))
    async with asyncio.timeout(PATIENCE):
        while not delivery.in_flight.paced:  # noqa: ASYNC110 - nothing tells when a message is held
            await asyncio.sleep(0.01)
    delivery.stop()
    await running
    rows = await current().fetch(
        "SELECT status, first_attempt FROM message WHERE status <> 'sent' ORDER BY id"
    )
    assert rows
    assert {(row["status"], row["first_attempt"]) for row in rows} == {("queued", None)}
    assert await claims.reclaim(NOW) == 0


async def test_every_transition_is_an_event_with_its_fields_and_no_text(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """What happened to a message can be read from the log by its id; what it said cannot."""
    async with Running(client):
        await acceptance.accept(token, NewMessage("the notice goes before it", wait=PATIENCE), NOW)
        with structlog.testing.capture_logs() as logs:
            await sandbox.fault("flood_wait", "messages.sendMessage", value=1, times=1)
            await acceptance.accept(
                token, NewMessage("the secret text", wait=PATIENCE, key="the-secret-key"), NOW
            )
            await acceptance.accept(token, NewMessage("the secret text", key="the-secret-key"), NOW)
            await sandbox.fault("error", "messages.sendMessage", value="500 INTERNAL", times=1)
            await acceptance.accept(token, NewMessage("the secret text", wait=PATIENCE), NOW)
            await sandbox.fault("error", "messages.sendMessage", value="400 CHAT_RESTRICTED", times=1)
            failed = await acceptance.accept(token, NewMessage("the secret text", wait=PATIENCE), NOW)
    assert [entry["event"] for entry in logs if entry["event"] != "message claimed"] == [
        "message accepted", "flood wait", "message sent", "message asked for again",
        "message accepted", "message put off", "message sent",
        "message accepted", "message failed",
    ]  # fmt: skip
    assert [entry["event"] for entry in logs].count("message claimed") == 5
    assert all(entry["id"] for entry in logs)
    assert {
        entry["log_level"] for entry in logs if entry["event"] in ("message accepted", "message sent")
    } == {"debug"}
    (last,) = [entry for entry in logs if entry["event"] == "message failed"]
    assert (last["id"], last["reason"], last["log_level"]) == (failed.id, "CHAT_RESTRICTED", "warning")
    for secret in ("secret", token):
        assert secret not in str(logs)


async def test_a_fault_of_ours_is_logged_by_its_place_alone_and_the_message_goes_on(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception's words and its variables may hold the text."""

    def broken(message: outcomes.Claimed, *_: object, **__: object) -> Any:
        monkeypatch.undo()
        raise RuntimeError(f"can't show {message.text}")

    async with Running(client):
        await acceptance.accept(token, NewMessage("the notice goes before it", wait=PATIENCE), NOW)
        monkeypatch.setattr(sender, "render_message", broken)
        with structlog.testing.capture_logs() as logs:
            accepted = await acceptance.accept(token, NewMessage("the secret text", wait=PATIENCE), NOW)
    assert accepted.status == "sent"
    (fault,) = [entry for entry in logs if entry["event"] == "delivery failed unexpectedly"]
    assert (fault["id"], fault["error"]) == (accepted.id, "RuntimeError")
    assert fault["at"][-1].endswith(" broken")
    assert "secret" not in str(logs)


async def people(client: TelegramClient, sandbox: SandboxProcess, many: int) -> dict[int, str]:
    """So many more persons who have met the bot, each with a bot token; no notice about it is to come."""
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def hear(update: Any, users: dict[int, Any]) -> None:
        for user in users.values():
            if not user.bot:
                heard.put_nowait(user)

    client.on_update = hear
    account = await accounts.register("Nora", "nora", "password1234", NOW)
    linked = {}
    for number in range(many):
        await sandbox.say(await sandbox.person(first_name=f"P{number}"), "/start")
        user = await heard.get()
        chat = await chats.meet(
            user.id, access_hash=user.access_hash, first_name="P", last_name="", username="",
            language="en", now=NOW,
        )  # fmt: skip
        _, linked[chat.id] = await codes.redeem(account, await codes.issue(chat, NOW), NOW)
    await current().execute("UPDATE message SET status = 'canceled' WHERE kind <> 'message'")
    return linked


async def status(public_id: str) -> str:
    (row,) = await current().fetch("SELECT status FROM message WHERE public_id = $1::uuid", public_id)
    return str(row["status"])


async def test_an_urgent_message_overtakes_what_waits_for_other_chats(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Though all of that was in flight before, waiting for its place; also when its own chat is among it."""
    linked = list((await people(client, sandbox, 12)).values())
    at_work = Worker(Gateway(client), Pacing(0, rate_total=3), concurrency=6)
    running = asyncio.create_task(at_work.run())
    plain = [await acceptance.accept(one, NewMessage("plain"), datetime.now(UTC)) for one in linked]
    async with asyncio.timeout(PATIENCE):
        while len(at_work.in_flight.ready) < 4:  # noqa: ASYNC110 - nothing tells what is in flight
            await asyncio.sleep(0.01)
    urgent = await acceptance.accept(
        linked[-1], NewMessage("now!", wait=PATIENCE, urgent=True), datetime.now(UTC)
    )
    assert urgent.status == "sent"
    assert await status(plain[-1].id) == "sent", "the order in its chat stays"
    waiting = [await status(message.id) for message in plain]
    assert waiting.count("sent") < len(plain), "others wait on"
    at_work.stop()
    await running


class Recording(Gateway):
    """Notes what is sent, in the order in which that began."""

    def __init__(self, client: TelegramClient) -> None:
        super().__init__(client)
        self.begun: list[tuple[int, str]] = []

    async def send(self, peer: Any, text: Any, random_id: int) -> int:
        self.begun.append((peer.id, text.text.partition("\n")[2]))
        return await super().send(peer, text, random_id)


@pytest.mark.parametrize("slots", [50, 5], ids=["slots for all", "fewer slots than wait"])
async def test_an_urgent_message_takes_the_next_place_whatever_came_before(
    client: TelegramClient, sandbox: SandboxProcess, token: str, slots: int
) -> None:
    """A place in the pacing belongs to no message before it has come: what waits for one can be overtaken,
    and so can an urgent chat overtake with what stands there before the urgent one."""
    linked = await people(client, sandbox, 16)
    (alone, idle), *others = linked.items()
    busy, last = others[-1]
    gateway = Recording(client)
    at_work = Worker(gateway, Pacing(0, rate_total=4), concurrency=slots)
    for _, one in others:
        await acceptance.accept(one, NewMessage("plain"), datetime.now(UTC))
    async with Running(client, at_work), asyncio.timeout(PATIENCE):
        while not gateway.begun:  # noqa: ASYNC110 - nothing tells what is in flight
            await asyncio.sleep(0)
        for chat, one, place in ((alone, idle, 2), (busy, last, 3)):
            before = len(gateway.begun)
            await acceptance.accept(one, NewMessage("now!", urgent=True), datetime.now(UTC))
            while (chat, "now!") not in gateway.begun:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert gateway.begun.index((chat, "now!")) < before + place
        assert gateway.begun.index((busy, "plain")) < gateway.begun.index((busy, "now!"))


async def test_a_chat_with_a_long_queue_slows_only_itself(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Round robin: who comes later is not behind all that one sender has piled up."""
    flooded, *others = (await people(client, sandbox, 6)).values()
    for number in range(100):
        await acceptance.accept(flooded, NewMessage(str(number)), datetime.now(UTC))
    later = [await acceptance.accept(one, NewMessage("later"), datetime.now(UTC)) for one in others]
    at_work = Worker(Gateway(client), Pacing(0, 0), concurrency=1)
    running = asyncio.create_task(at_work.run())
    async with asyncio.timeout(PATIENCE):
        while [await status(message.id) for message in later] != ["sent"] * len(later):  # noqa: ASYNC110
            await asyncio.sleep(0)
    left = await current().fetch("SELECT COUNT(*) AS left FROM message WHERE status = 'queued'")
    assert left[0]["left"] > 50
    at_work.stop()
    await running


async def test_a_message_that_expired_while_it_waited_is_never_sent(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Its turn came too late; the one behind it goes."""
    accepted = await acceptance.accept(token, NewMessage("old news", ttl=60), NOW - timedelta(minutes=2))
    async with Running(client):
        after = await acceptance.accept(token, NewMessage("news", wait=PATIENCE), datetime.now(UTC))
    assert (after.status, await status(accepted.id)) == ("sent", "expired")
    _, said = await chat_of(sandbox)
    assert "Fedor\nold news" not in said


async def test_several_chats_told_to_wait_make_the_whole_bot_wait_also_after_a_restart(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """It is the bot that is too fast, then; two chats are their own affair."""
    *flooded, quiet = (await people(client, sandbox, 4)).items()
    for chat, _ in flooded:
        await sandbox.fault("flood_wait", "messages.sendMessage", value=30, times=1, chat=chat)
    async with Running(client) as at_work:
        for _, one in flooded[:2]:
            await acceptance.accept(one, NewMessage("x"), datetime.now(UTC))
        fine = await acceptance.accept(quiet[1], NewMessage("two are none", wait=PATIENCE), datetime.now(UTC))
        assert fine.status == "sent"
        await acceptance.accept(flooded[2][1], NewMessage("x"), datetime.now(UTC))
        async with asyncio.timeout(PATIENCE):
            while at_work.flood_control.open:  # noqa: ASYNC110 - nothing tells when it closes
                await asyncio.sleep(0.01)
        held = await acceptance.accept(quiet[1], NewMessage("three are all", wait=1), datetime.now(UTC))
        assert held.status == "queued"
    assert 20 < await state.flood_left(datetime.now(UTC)) <= 30
    async with Running(client) as at_work:
        again = await acceptance.accept(quiet[1], NewMessage("still", wait=1), datetime.now(UTC))
        assert (again.status, at_work.flood_control.open) == ("queued", False)
    await state.note_flood(timedelta(0), datetime.now(UTC))
    async with Running(client):
        assert (
            await acceptance.accept(quiet[1], NewMessage("over", wait=PATIENCE), datetime.now(UTC))
        ).status == "sent"
    said = await sandbox.messages(quiet[0])
    assert [message["text"].partition("\n")[2] for message in said if message["from"] == "bot"] == [
        "two are none", "three are all", "still", "over",
    ]  # fmt: skip


async def test_all_messages_of_a_chat_that_was_told_to_wait_do_after_a_restart(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Its wait stands in the row; nobody asks Telegram meanwhile."""
    await sandbox.fault("flood_wait", "messages.sendMessage", value=60, times=1)
    for number in range(3):
        await acceptance.accept(token, NewMessage(f"number {number}"), datetime.now(UTC))
    async with Running(client), asyncio.timeout(PATIENCE):
        while not await current().fetch(  # noqa: ASYNC110 - in the database
            "SELECT 1 FROM message WHERE failure LIKE 'flood wait%'"
        ):
            await asyncio.sleep(0.01)
    asked = (await sandbox.request("GET", "/journal"))["methods"]["messages.sendMessage"]
    async with Running(client):
        late = await acceptance.accept(token, NewMessage("number 3", wait=1), datetime.now(UTC))
    assert late.status == "queued"
    assert (await sandbox.request("GET", "/journal"))["methods"]["messages.sendMessage"] == asked


async def test_a_pause_is_obeyed_within_a_second_and_gives_back_what_was_not_begun(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Accepting goes on; the end of the pause is noticed as soon."""
    async with Running(client) as at_work:
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), datetime.now(UTC))
        await state.put("paused", True, datetime.now(UTC))
        async with asyncio.timeout(PATIENCE / 10):
            while at_work.flood_control.open:  # noqa: ASYNC110 - nothing tells when it closes
                await asyncio.sleep(0.01)
        held = await acceptance.accept(token, NewMessage("held", wait=0.5), datetime.now(UTC))
        assert (held.status, await status(held.id)) == ("queued", "queued")
        await state.put("paused", False, datetime.now(UTC))
        waiting = await acceptance.accept(token, NewMessage("behind it", wait=PATIENCE), datetime.now(UTC))
    assert (waiting.status, await status(held.id)) == ("sent", "sent")


async def test_who_is_banned_while_their_message_waits_for_its_turn_has_it_taken_back(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Within a second, not when its turn would have come."""
    running = Running(client, Worker(Gateway(client), Pacing(1 / PATIENCE, 0)))
    async with running as at_work:
        for number in range(CHAT_BURST - 1):  # the notice was one
            sent = await acceptance.accept(token, NewMessage(f"{number}", wait=PATIENCE), NOW)
            assert sent.status == "sent"
        late = await acceptance.accept(token, NewMessage("late"), NOW)
        async with asyncio.timeout(PATIENCE):
            while not at_work.in_flight.paced:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            await users.ban("account", 1, 0, datetime.now(UTC), of_settings=())
            while at_work.in_flight.paced or not at_work.idle:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        assert await status(late.id) == "canceled"
    _, said = await chat_of(sandbox)
    assert "Fedor\nlate" not in said


class SteppingClock:
    """A wall clock that can be set back."""

    def __init__(self) -> None:
        self.behind = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.behind


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_set_back_by_hours_holds_nothing_up(
    client: TelegramClient, sandbox: SandboxProcess, token: str, restarted: bool
) -> None:
    """Accepted by the clock of before, put off by the clock of before: due at once by the new one."""
    clock = SteppingClock()
    await state.note_clock(clock())
    at_work = Worker(Gateway(client), Pacing(0, 0), now=clock)
    running = None if restarted else asyncio.create_task(at_work.run())
    if not restarted:
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), clock())
    ahead = clock()
    clock.behind = timedelta(hours=5)
    accepted = asyncio.create_task(acceptance.accept(token, NewMessage("ahead", wait=PATIENCE), ahead))
    while not await current().fetch("SELECT id FROM message WHERE text = 'ahead'"):  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0)
    running = running or asyncio.create_task(at_work.run())
    assert (await accepted).status == "sent"
    at_work.stop()
    await running


async def test_what_is_accepted_by_the_old_clock_after_the_step_was_noticed_waits_seconds(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A request may read the clock before the step and commit its message after it."""
    clock = SteppingClock()
    at_work = Worker(Gateway(client), Pacing(0, 0), now=clock)
    with structlog.testing.capture_logs() as logs:
        async with Running(client, at_work), asyncio.timeout(PATIENCE):
            await acceptance.accept(token, NewMessage("before", wait=PATIENCE), clock())
            ahead = clock()
            clock.behind = timedelta(hours=5)
            while "the clock stepped back" not in {entry["event"] for entry in logs}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await sandbox.fault("delay", "messages.sendMessage", value=0.5, times=1)
            await acceptance.accept(token, NewMessage("in its chat's way"), clock())
            late = await acceptance.accept(token, NewMessage("late", wait=PATIENCE), ahead)
    assert late.status == "sent"


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "flood_wait"])
async def test_what_breaks_between_two_parts_doubles_none(
    client: TelegramClient, sandbox: SandboxProcess, token: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part has a random_id of its own, derived from the message's; the first is known when it comes
    again."""
    real = Gateway.send
    parts = 0

    async def send(self: Gateway, peer: Any, text: Any, random_id: int) -> int:
        nonlocal parts
        parts += 1
        if parts == 2:
            value = 1 if fault == "flood_wait" else None
            await sandbox.fault(fault, "messages.sendMessage", value=value, times=1)
        return await real(self, peer, text, random_id)

    async with Running(client):
        await acceptance.accept(token, NewMessage("the notice goes before it", wait=PATIENCE), NOW)
        monkeypatch.setattr(Gateway, "send", send)
        text = "".join(f"{number:04} " for number in range(4096 // 5))
        accepted = await acceptance.accept(token, NewMessage(text.ljust(4096, "x"), wait=PATIENCE), NOW)
    assert accepted.status == "sent"
    assert parts == 4
    _, said = await chat_of(sandbox)
    shown = "".join(said[-2:]).replace(" ", "")
    assert shown == "Fedor\n" + text.ljust(4096, "x").replace(" ", "")
    assert len(said) == 4, "the notice, the message before, two parts"


async def test_the_slots_are_as_many_as_set(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """No more calls are under way at once than DJANGOBOT_CONCURRENCY says."""
    linked = await people(client, sandbox, 6)
    under_way = most = 0

    class Counting(Gateway):
        async def send(self, peer: Any, text: Any, random_id: int) -> int:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await super().send(peer, text, random_id)
            finally:
                under_way -= 1

    for one in linked.values():
        await acceptance.accept(one, NewMessage("x"), datetime.now(UTC))
    await sandbox.fault("delay", "messages.sendMessage", value=0.05, times=6)
    at_work = Worker(Counting(client), Pacing(0, 0), concurrency=2)
    running = asyncio.create_task(at_work.run())
    async with asyncio.timeout(PATIENCE):
        while await outbox.depth():  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)
    at_work.stop()
    await running
    assert most == 2


@pytest.mark.parametrize(
    "each",
    [8, pytest.param(60, marks=[pytest.mark.chaos, pytest.mark.timeout(7 * PATIENCE)])],
    ids=["short", "long"],
)
async def test_under_strict_limits_a_queue_drains_at_telegrams_pace(
    client: TelegramClient, sandbox: SandboxProcess, token: str, each: int
) -> None:
    """At most a tenth longer than the ideal schedule (a burst, then one a second for each chat), with no
    limit broken."""
    linked = await people(client, sandbox, 10)
    await sandbox.settings(strict_limits=True)
    for number in range(each):
        for one in linked.values():
            await acceptance.accept(one, NewMessage(f"number {number}"), datetime.now(UTC))
    at_work = Worker(Gateway(client), Pacing(GUIDANCE_RATE_CHAT, GUIDANCE_RATE_TOTAL))
    running = asyncio.create_task(at_work.run())
    began = time.monotonic()
    while await outbox.depth():  # noqa: ASYNC110 - in the database
        await asyncio.sleep(0.02)
    took = time.monotonic() - began
    at_work.stop()
    await running
    ideal = (each - CHAT_BURST) / GUIDANCE_RATE_CHAT
    print(f"{took:.2f} s, ideally {ideal:.2f} s")
    assert took <= 1.1 * ideal
    journal = await sandbox.journal()
    assert (journal["limits_broken"], journal["errors"].get("FLOOD_WAIT")) == ({}, None)
    for chat in linked:
        said = [m["text"] for m in await sandbox.messages(chat) if m["from"] == "bot"]
        assert said == [f"Nora\nnumber {number}" for number in range(each)]


async def test_what_the_database_refuses_while_delivering_is_done_when_it_answers_again(
    client: TelegramClient, sandbox: SandboxProcess, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a claim nor an outcome is lost; Telegram is asked once."""
    refusals = {"_claim": 2, "settle": 2}

    def refusing(module: ModuleType, name: str) -> Callable[..., Awaitable[Any]]:
        real = getattr(module, name)

        async def refuse(*args: Any) -> Any:
            if refusals[name]:
                refusals[name] -= 1
                raise DatabaseUnavailable from sqlite3.OperationalError("database is locked")
            return await real(*args)

        return refuse

    for module, name in ((claims, "_claim"), (settlement, "settle")):
        monkeypatch.setattr(module, name, refusing(module, name))
    async with Running(client):
        accepted = await acceptance.accept(token, NewMessage("through", wait=PATIENCE), NOW)
    assert (accepted.status, refusals) == ("sent", {"_claim": 0, "settle": 0})
    _, said = await chat_of(sandbox)
    assert said.count("Fedor\nthrough") == 1
    journal = await sandbox.journal()
    assert journal["repeats"] == 0


async def test_after_an_unblock_the_queue_goes_on_and_what_came_too_late_has_expired(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """The one that hears of the block fails; those behind it wait, in order, with the token alive."""
    person, _ = await chat_of(sandbox)
    async with Running(client):  # the notice of the link
        while await outbox.depth():  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)
    queued = [
        await acceptance.accept(token, NewMessage(text, ttl=ttl), datetime.now(UTC))
        for text, ttl in (("hears", None), ("late", 1), ("first", None), ("second", None))
    ]
    await sandbox.block(person)
    async with Running(client):
        async with asyncio.timeout(PATIENCE):
            while await outbox.depth() > 2:  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)
        await sandbox.unblock(person)
        await chats.unblock(person, datetime.now(UTC))
        async with asyncio.timeout(PATIENCE):
            while await outbox.depth():  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)
    found = [await messages.of_token(one.id, token, datetime.now(UTC)) for one in queued]
    assert [one.status for one in found] == ["failed", "expired", "sent", "sent"]
    _, said = await chat_of(sandbox)
    assert said[-2:] == ["Fedor\nfirst", "Fedor\nsecond"]


@pytest.mark.parametrize(
    "error",
    [
        "420 FLOOD_PREMIUM_WAIT_1", "401 USER_DEACTIVATED", "401 AUTH_KEY_PERM_EMPTY", "401 NEVER_HEARD_OF",
        "406 AUTH_KEY_DUPLICATED", "400 CONNECTION_NOT_INITED", "303 USER_MIGRATE_2", "503 Timeout",
    ],
)  # fmt: skip
async def test_what_is_no_refusal_of_the_message_ends_none(
    client: TelegramClient, sandbox: SandboxProcess, token: str, error: str
) -> None:
    """A wait, the session's trouble, the connection's, Telegram's own: the queue stands, and goes on with the
    same message."""

    async def sign_in_again() -> None:
        while True:
            await client.key_forgotten.wait()
            await client.start()

    signing_in = asyncio.create_task(sign_in_again())
    async with Running(client):
        await acceptance.accept(token, NewMessage("the notice goes before it", wait=PATIENCE), NOW)
        await sandbox.fault("error", "messages.sendMessage", value=error, times=1)
        queued = [
            await acceptance.accept(token, NewMessage(str(number)), datetime.now(UTC)) for number in range(3)
        ]
        last = await acceptance.accept(token, NewMessage("last", wait=PATIENCE), datetime.now(UTC))
    signing_in.cancel()
    assert [await status(one.id) for one in queued] == ["sent"] * 3
    assert last.status == "sent"
    _, said = await chat_of(sandbox)
    assert said[-4:] == ["Fedor\n0", "Fedor\n1", "Fedor\n2", "Fedor\nlast"]


async def test_a_connection_that_is_cut_again_and_again_makes_nothing_wait_longer(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """What was lost with it is asked as soon as there is one: no back-off grows, however often."""
    linked = await people(client, sandbox, 4)
    gateway = Recording(client)
    at_work = Worker(gateway, Pacing(0, 0))
    await sandbox.fault("drop_answer", "messages.sendMessage", times=1000)
    async with Running(client, at_work), asyncio.timeout(PATIENCE):
        for chat, one in linked.items():
            await acceptance.accept(one, NewMessage(f"to {chat}"), datetime.now(UTC))
        for cut in range(1, 9):
            while min(sum(chat == to for to, _ in gateway.begun) for chat in linked) < cut:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await sandbox.cut()
        await sandbox.clear_faults()
        assert not at_work.sender.losses
        await sandbox.cut()
        while await outbox.depth():  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)
    for chat in linked:
        said = [message["text"] for message in await sandbox.messages(chat) if message["from"] == "bot"]
        assert said == [f"Nora\nto {chat}"]


async def test_back_off_grows_for_what_telegram_itself_did_not_do(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A 500 on a living connection counts; the message's end forgets it."""
    at_work = Worker(Gateway(client), Pacing(0, 0))
    await sandbox.fault("error", "messages.sendMessage", value="500 INTERNAL", times=2)
    with structlog.testing.capture_logs() as logs:
        async with Running(client, at_work):
            sent = await acceptance.accept(token, NewMessage("x", wait=PATIENCE), NOW)
    assert sent.status == "sent"
    first, second = [entry["seconds"] for entry in logs if entry["event"] == "message put off"]
    assert 0.5 <= first <= 1 <= second <= 2
    assert not at_work.sender.losses


async def test_a_pause_holds_when_it_is_announced(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Not half a second later: what is accepted from then on waits."""
    async with Running(client) as at_work, asyncio.timeout(PATIENCE):
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), datetime.now(UTC))
        await state.put("paused", True, datetime.now(UTC))
        await recalls.apply()
        assert not at_work.free
        held = await acceptance.accept(token, NewMessage("after", wait=1), datetime.now(UTC))
        assert (held.status, await status(held.id)) == ("queued", "queued")
        await state.put("paused", False, datetime.now(UTC))
        await recalls.apply()
        while await status(held.id) != "sent":  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)


async def test_whoever_waits_for_a_message_in_flight_hears_at_once_that_its_account_was_banned_or_deleted(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """It waits for its chat's turn by then; it is not sent."""
    running = Running(client, Worker(Gateway(client), Pacing(1 / PATIENCE, 0)))
    async with running as at_work, asyncio.timeout(PATIENCE):
        for number in range(CHAT_BURST - 1):  # the notice was one
            await acceptance.accept(token, NewMessage(f"{number}", wait=PATIENCE), NOW)
        for entry, reason in ((users.ban, "account banned"), (users.delete, "deleted by an admin")):
            waiting = asyncio.create_task(acceptance.accept(token, NewMessage("late", wait=PATIENCE), NOW))
            while not at_work.in_flight.paced:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            await entry("account", 1, 0, datetime.now(UTC), of_settings=())
            settled = await waiting
            assert (settled.status, settled.failure) == ("canceled", reason)
            if entry is users.ban:
                await current().execute("UPDATE message SET failure = NULL WHERE status = 'canceled'")
                await users.unban("account", 1, 0, datetime.now(UTC))
    _, said = await chat_of(sandbox)
    assert "Fedor\nlate" not in said


async def test_who_may_have_been_deposed_begins_no_send(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Neither of what is in flight nor of what comes; it goes on when it is certain again."""
    async with Running(client) as at_work, asyncio.timeout(PATIENCE):
        await acceptance.accept(token, NewMessage("before", wait=PATIENCE), datetime.now(UTC))
        client.may_call = lambda: False
        asked = (await sandbox.journal())["methods"]
        held = await acceptance.accept(token, NewMessage("after", wait=1), datetime.now(UTC))
        assert held.status == "queued"
        assert (await sandbox.journal())["methods"] == asked
        assert not at_work.free
        client.may_call = lambda: True
        while await status(held.id) != "sent":  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)
