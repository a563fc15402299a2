"""Clients that are cut off while people write: nothing is missed."""

import asyncio
from collections.abc import Callable
from typing import Any

from djangobot.bot.sandbox.mtproto import constructors
from djangobot.bot.sandbox.mtproto.session_writer import MAX_WAITING
from djangobot.bot.sandbox.testing import SandboxProcess

from .probe import Message, Probe
from .pyrogram_bot import Bot

ROUNDS = 4


def text_of(probe: Probe, message: Message) -> str | None:
    """The text of an update with a new message."""
    if message.constructor != probe.schema.constructors["updates"].id:
        return None
    updates: dict[str, Any] = probe.schema.read_object(message.whole)
    return next((one["message"]["message"] for one in updates["updates"] if "message" in one), None)


async def texts(probe: Probe, count: int) -> list[tuple[int, str]]:
    """(message id, text) of the next updates with texts."""
    found: list[tuple[int, str]] = []
    while len(found) < count:
        for message in await probe.receive():
            if text := text_of(probe, message):
                found.append((message.msg_id, text))
    return found


async def test_what_came_while_a_session_was_away_is_sent_when_it_is_back(
    shared_sandbox: SandboxProcess, probe: Probe, new_id: Callable[[], int]
) -> None:
    """The same session on a new connection asks for nothing and gets everything, in order."""
    person = await shared_sandbox.person(id=new_id())
    await shared_sandbox.say(person, "/start", probe.number)
    [first] = await texts(probe, 1)
    probe.close()
    await gone(shared_sandbox, probe.number)
    for text in ("one", "two", "three"):
        await shared_sandbox.say(person, text, probe.number)
    await probe.connect()
    probe.send(probe.request({"_": "updates.getState"}))
    # The first one was never acknowledged: it comes again, with the id that it had.
    came = await texts(probe, 4)
    assert [text for _, text in came] == ["/start", "one", "two", "three"]
    assert came[0] == first


async def test_what_was_acknowledged_does_not_come_again(
    shared_sandbox: SandboxProcess, probe: Probe, new_id: Callable[[], int]
) -> None:
    """Only what the client may have missed."""
    person = await shared_sandbox.person(id=new_id())
    await shared_sandbox.say(person, "/start", probe.number)
    [(number, _)] = await texts(probe, 1)
    probe.acknowledge(number)
    await probe.call({"_": "updates.getState"})
    probe.close()
    await gone(shared_sandbox, probe.number)
    await shared_sandbox.say(person, "later", probe.number)
    await probe.connect()
    probe.send(probe.request({"_": "updates.getState"}))
    assert [text for _, text in await texts(probe, 1)] == ["later"]


async def test_updates_are_not_kept_when_that_is_switched_off(
    shared_sandbox: SandboxProcess, probe: Probe, new_id: Callable[[], int]
) -> None:
    """As the difference is empty then, too."""
    await shared_sandbox.settings(keep_updates=False)
    person = await shared_sandbox.person(id=new_id())
    probe.close()
    await gone(shared_sandbox, probe.number)
    await shared_sandbox.say(person, "missed", probe.number)
    await probe.connect()
    await probe.call({"_": "updates.getState"})
    await shared_sandbox.say(person, "heard", probe.number)
    assert [text for _, text in await texts(probe, 1)] == ["heard"]


async def test_imported_authorizations_get_no_updates(
    shared_sandbox: SandboxProcess, probe: Probe, new_id: Callable[[], int]
) -> None:
    """They fetch files; the updates go to the session that has signed in."""
    exported = await probe.call({"_": "auth.exportAuthorization", "dc_id": 2})
    async with Probe(shared_sandbox) as other:
        await other.make_key()
        await other.call({"_": "help.getConfig"}, init=True)
        known = {"id": exported["id"], "bytes": exported["bytes"]}
        await other.call({"_": "auth.importAuthorization", **known})
        person = await shared_sandbox.person(id=new_id())
        await shared_sandbox.say(person, "for the first", probe.number)
        assert [text for _, text in await texts(probe, 1)] == ["for the first"]
        await other.call({"_": "updates.getState"})
        assert not any(text_of(other, message) for message in other.seen)


async def test_a_bot_cut_again_and_again_hears_everything(bot: Bot) -> None:
    """An unmodified Pyrogram, which never asks for a difference. It hears twice what it has acknowledged on a
    connection that was cut before the acknowledgement arrived."""
    for number in range(ROUNDS):
        said = {f"before {number}", f"after {number}"}
        await bot.sandbox.say(bot.person, f"before {number}", bot.id)
        await bot.sandbox.request("POST", "/cut")
        await bot.sandbox.say(bot.person, f"after {number}", bot.id)
        while said:
            said.discard((await bot.hear()).text)


async def gone(sandbox: SandboxProcess, bot: int) -> None:
    """Returns when the sandbox has seen that the bot's connection is closed."""
    while True:
        [known] = [one for one in await sandbox.request("GET", "/bots") if one["id"] == bot]
        if not known["connected"]:
            return
        await asyncio.sleep(0)


def test_a_session_that_missed_too_much_is_told_so() -> None:
    """It asks for the difference then."""
    from djangobot.bot.sandbox.mtproto.auth_keys import AuthKey, Salts
    from djangobot.bot.sandbox.mtproto.message_ids import MessageIds
    from djangobot.bot.sandbox.mtproto.session_writer import SessionWriter

    class Host:
        """Flushes nothing."""

        salts, ids = Salts(), MessageIds()

        def flush_soon(self, session: SessionWriter) -> None:
            """Nothing."""

        def protocol_event(self, name: str) -> None:
            """Nothing."""

    class Line:
        """A connection that takes everything."""

        def send_packet(self, packet: bytes) -> None:
            """Nothing."""

        def disconnect_after(self, delay: float) -> None:
            """Nothing."""

        def cut(self) -> None:
            """Nothing."""

    writer = SessionWriter(Host(), AuthKey(key=bytes(256), first_salt=0, made=0), 1)
    writer._away_since = float("inf")
    for _ in range(MAX_WAITING + 1):
        writer.push(bytes(4))
    writer.connection = Line()
    writer.push_waiting()
    assert [message.body for message in writer._queued] == [
        constructors.UPDATES_TOO_LONG.to_bytes(4, "little")
    ]
