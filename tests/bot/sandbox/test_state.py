"""What is kept, and that an answer means it is."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from djangobot.bot.sandbox.mtproto import constructors
from djangobot.bot.sandbox.state import State, StateInUse
from djangobot.bot.sandbox.testing import SandboxProcess

from .probe import Probe
from .pyrogram_bot import Bot, Factory, raw, types
from .sent_files import album, as_photo, call_until_answered, png, store_request, stored, uploaded


class Note(msgspec.Struct):
    """Something to keep."""

    text: str


def test_documents_come_back_as_they_stood_when_the_turn_ended(tmp_path: Path) -> None:
    """Changes after put() count, dropped ones are gone."""
    state = State(tmp_path)
    note = Note("first")
    state.put("note", 1, note)
    state.put("note", 2, Note("gone"))
    note.text = "second"
    state.commit()
    state.drop("note", 2)
    state.close()
    again = State(tmp_path)
    assert list(again.all("note", Note)) == [("1", Note("second"))]
    again.close()


def test_a_folder_belongs_to_one_sandbox(tmp_path: Path) -> None:
    """The second one is told so; a closed one frees it."""
    state = State(tmp_path)
    with pytest.raises(StateInUse):
        State(tmp_path)
    state.close()
    State(tmp_path).close()


def test_what_could_not_be_written_is_written_with_the_next_turn(tmp_path: Path) -> None:
    """A locked database loses nothing."""
    state = State(tmp_path)
    state._database.execute("PRAGMA busy_timeout=0")
    other = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    state.put("note", 1, Note("kept"))
    with pytest.raises(sqlite3.OperationalError):
        state.commit()
    other.execute("ROLLBACK")
    other.close()
    state.commit()
    assert list(state.all("note", Note)) == [("1", Note("kept"))]
    state.close()


async def test_what_was_answered_before_a_kill_is_there_once_after_it(
    sandbox_factory: Callable[..., SandboxProcess],
) -> None:
    """SIGKILL among 600 sends: nothing answered is lost, and repeating all of them doubles nothing."""
    sandbox = sandbox_factory()
    person = await sandbox.person()
    async with Probe(sandbox) as probe:
        await probe.sign_in(1)
        await sandbox.say(person, "/start")

        def send(random_id: int) -> int:
            peer = {"_": "inputPeerUser", "user_id": person, "access_hash": 0}
            text = f"message {random_id}"
            request: dict[str, Any] = {"_": "messages.sendMessage", "peer": peer, "message": text}
            return probe.send(probe.request({**request, "random_id": random_id}))

        sent = {send(number): number for number in range(1, 601)}
        answered: set[int] = set()
        while len(answered) < 100:
            for message in await probe.receive():
                if message.constructor == constructors.RPC_RESULT:
                    answered |= {sent[number] for number in [message.reader.int64()] if number in sent}
        sandbox.kill()
        sandbox.start_again()
        kept = (await sandbox.journal())["chats"][str(person)]["random_ids"]
        assert answered <= set(kept)
        assert len(kept) == len(set(kept))
        await probe.connect()
        left = {send(number) for number in range(1, 601)}
        while left:
            for message in await probe.receive():
                if message.constructor == constructors.RPC_RESULT:
                    left.discard(message.reader.int64())
    journal = await sandbox.journal()
    random_ids = journal["chats"][str(person)]["random_ids"]
    assert sorted(random_ids) == list(range(1, 601))
    assert random_ids[: len(kept)] == kept
    assert journal["repeats"] == len(kept)


async def test_a_killed_sandbox_comes_back_with_everything(sandbox_factory: Factory) -> None:
    """SIGKILL after an answer: keys, people, messages, commands and repeats are there; the client goes on."""
    sandbox = sandbox_factory()
    bot = Bot(sandbox, 1, await sandbox.person())
    await bot.start()
    await bot.client.set_bot_commands([types.BotCommand("start", "begin")])
    first = await bot.send("kept", 7)
    before = await bot.shown()
    sandbox.kill()
    sandbox.start_again()
    assert await bot.shown() == before
    assert await sandbox.commands(bot.person) == [{"command": "start", "description": "begin"}]
    repeat = await bot.client.invoke(
        raw.functions.messages.SendMessage(
            peer=await bot.client.resolve_peer(bot.person), message="kept", random_id=7
        )
    )
    assert repeat.updates[0].id == first.id
    await sandbox.say(bot.person, "still there?")
    assert (await bot.hear()).text == "still there?"
    assert (await sandbox.journal())["sign_ins"] == {"bot 1": 1}
    assert (await bot.send("next", 8)).id == first.id + 2
    await bot.client.stop()


async def test_uploaded_parts_and_albums_survive_a_kill(sandbox_factory: Factory) -> None:
    """SIGKILL between the parts and the album, and after it: no part goes up again, no item comes twice."""
    sandbox = sandbox_factory()
    bot = Bot(sandbox, 1, await sandbox.person())
    await bot.start()
    file = await uploaded(bot, 1, png(40, 30), "a.png")
    items = [(11, await stored(bot, as_photo(file))), (12, await stored(bot, as_photo(file)))]
    sandbox.kill()
    sandbox.start_again()
    await call_until_answered(bot, await album(bot, items))
    sandbox.kill()
    sandbox.start_again()
    await call_until_answered(bot, await album(bot, items))
    third = await call_until_answered(bot, await store_request(bot, as_photo(file)))
    assert third.photo.sizes[0].w == 40
    sent = [message for message in await bot.shown() if message["file"]]
    assert [message["random_id"] for message in sent] == [11, 12]
    for message in sent:
        assert await sandbox.file(message["file"]["id"]) == png(40, 30)
    assert (await sandbox.journal())["methods"]["upload.saveFilePart"] == 1
    await bot.client.stop()
