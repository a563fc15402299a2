"""Edits and replies as the chat shows them, on a real connection to the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from djangobot.bot.delivery.worker import Worker
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Peer
from djangobot.db import state
from djangobot.db.delivery.pubsub import recalls
from djangobot.db.engine import current
from djangobot.db.messages import acceptance, messages
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.db.people import mutes

from .conftest import Running, chat_of, from_bot, until_so


@pytest.fixture
async def worker(client: TelegramClient, token: str) -> AsyncIterator[Worker]:
    """A worker that delivers for the length of the test."""
    async with Running(client) as worker:
        yield worker


async def send(token: str, text: str, **more: object) -> Accepted:
    """Sends a message and waits for its outcome."""
    message = msgspec.structs.replace(NewMessage(text, wait=PATIENCE), **more)
    return await acceptance.accept(token, message, datetime.now(UTC))


async def shown(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    """What the chat shows of the program's messages."""
    person, _ = await chat_of(sandbox)
    found = await from_bot(sandbox, person)
    return [m for m in found if m["text"].startswith("Fedor\n") and not m["deleted"]]


async def delete(worker: Worker, telegram_id: int) -> None:
    """Deletes a message of the chat."""
    (chat,) = await current().fetch("SELECT id, access_hash FROM chat")
    await worker.gateway.delete(Peer(chat["id"], chat["access_hash"]), [telegram_id])


@pytest.mark.usefixtures("worker")
async def test_one_message_changes_its_text_its_progress_and_its_title(
    sandbox: SandboxProcess, token: str
) -> None:
    """The same number of messages is in the chat, whatever it said before."""
    first = await send(token, "starting", replace="backup", progress=0.0)
    for number in range(1, 5):
        edit = await send(token, f"step {number}", replace="backup", progress=number / 4, title="Backup")
        assert edit.status == "sent"
    (message,) = await shown(sandbox)
    assert message["text"].startswith("Fedor\nBackup\nstep 4\n▓▓▓▓▓▓▓▓▓▓ 100")
    assert message["edited"]
    assert (await messages.of_token(first.id, token, datetime.now(UTC))).edited == 4


@pytest.mark.usefixtures("worker")
async def test_an_edit_that_says_the_same_is_sent(sandbox: SandboxProcess, token: str) -> None:
    """Telegram answers MESSAGE_NOT_MODIFIED."""
    await send(token, "same", replace="k")
    assert (await send(token, "same", replace="k")).status == "sent"
    assert len(await shown(sandbox)) == 1


async def test_what_the_person_deleted_is_sent_as_new_and_edited_from_then_on(
    worker: Worker, sandbox: SandboxProcess, token: str
) -> None:
    """The edit waits for its own outcome, as if it had been a message."""
    await send(token, "0", replace="k")
    (before,) = await shown(sandbox)
    await delete(worker, before["id"])
    assert (await send(token, "1", replace="k")).status == "sent"
    assert (await send(token, "2", replace="k")).status == "sent"
    (after,) = await shown(sandbox)
    assert (after["text"], after["id"] > before["id"]) == ("Fedor\n2", True)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("word", ["MESSAGE_EDIT_TIME_EXPIRED", "MESSAGE_AUTHOR_REQUIRED"])
async def test_what_can_not_be_edited_any_more_is_sent_as_new(
    sandbox: SandboxProcess, token: str, word: str
) -> None:
    """Whatever Telegram's reason is."""
    await send(token, "0", replace="k")
    await sandbox.fault("error", "messages.editMessage", value=f"400 {word}", times=1)
    assert (await send(token, "1", replace="k")).status == "sent"
    assert [message["text"] for message in await shown(sandbox)] == ["Fedor\n0", "Fedor\n1"]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "drop_answer"])
async def test_a_lost_answer_to_an_edit_costs_nothing(
    sandbox: SandboxProcess, token: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edit is repeated."""
    await send(token, "0", replace="k")
    monkeypatch.setattr("djangobot.bot.telegram.client.ANSWER_TIMEOUT", 1.0)
    await sandbox.fault(kind, "messages.editMessage", times=1)
    assert (await send(token, "1", replace="k")).status == "sent"
    assert [message["text"] for message in await shown(sandbox)] == ["Fedor\n1"]


@pytest.mark.usefixtures("worker")
async def test_telegrams_wait_holds_for_edits_and_the_newest_is_done_after_it(
    sandbox: SandboxProcess, token: str
) -> None:
    """Those accepted meanwhile are replaced."""
    await send(token, "0", replace="k")
    await sandbox.fault("error", "messages.editMessage", value="420 FLOOD_WAIT_1", times=1)
    waiting = [asyncio.create_task(send(token, "1", replace="k"))]

    async def told_to_wait() -> bool:
        return bool(await current().fetch("SELECT 1 FROM message WHERE failure = 'flood wait 1 s'"))

    async def accepted() -> bool:
        (row,) = await current().fetch("SELECT COUNT(*) AS count FROM message WHERE kind <> 'linked'")
        return bool(row["count"] == 4)

    await until_so(told_to_wait)
    await state.put("paused", True, datetime.now(UTC))  # the wait must not end before the others are there
    await recalls.apply()
    waiting += [asyncio.create_task(send(token, str(number), replace="k")) for number in (2, 3)]
    await until_so(accepted)
    await state.put("paused", False, datetime.now(UTC))
    await recalls.apply()
    done = [accepted.status for accepted in await asyncio.gather(*waiting)]
    assert sorted(done) == ["replaced", "replaced", "sent"]
    (message,) = await shown(sandbox)
    assert message["text"] in ("Fedor\n2", "Fedor\n3")


@pytest.mark.usefixtures("worker")
async def test_a_mute_does_not_hold_an_edit(sandbox: SandboxProcess, token: str) -> None:
    """It makes no sound, and what it changes is in the chat already. New messages are held."""
    await send(token, "0", replace="k")
    (row,) = await current().fetch("SELECT m.chat AS chat, m.account AS account FROM message m LIMIT 1")
    await mutes.mute(row["chat"], row["account"], datetime.now(UTC) + timedelta(hours=1))
    assert (await send(token, "1", replace="k")).status == "sent"
    assert (await send(token, "2")).status == "held"
    assert [message["text"] for message in await shown(sandbox)] == ["Fedor\n1"]


@pytest.mark.usefixtures("worker")
async def test_a_message_that_changes_is_one_message_however_long_it_gets(
    sandbox: SandboxProcess, token: str
) -> None:
    """It ends with an ellipsis, above its progress; the history has the whole text."""
    accepted = await send(token, "word " * 4000, replace="k", progress=0.5)
    await send(token, "text " * 4000, replace="k", progress=0.6)
    (message,) = await shown(sandbox)
    assert "…\n▓▓▓▓▓▓" in message["text"]
    whole = (await messages.of_token(accepted.id, token, datetime.now(UTC))).text
    assert whole == "text " * 4000


@pytest.mark.usefixtures("worker")
async def test_a_reply_answers_what_it_names(sandbox: SandboxProcess, token: str) -> None:
    """By id and by key."""
    first = await send(token, "question", replace="k")
    await send(token, "one", reply_to=first.id)
    await send(token, "two", reply_to="k")
    question, one, two = await shown(sandbox)
    assert [one["reply_to"], two["reply_to"]] == [question["id"]] * 2


async def test_a_reply_to_what_was_deleted_is_sent_without_it(
    worker: Worker, sandbox: SandboxProcess, token: str
) -> None:
    """Telegram refuses a reply to nothing."""
    first = await send(token, "question")
    (question,) = await shown(sandbox)
    await delete(worker, question["id"])
    assert (await send(token, "answer", reply_to=first.id)).status == "sent"
    (answer,) = await shown(sandbox)
    assert (answer["text"], answer["reply_to"]) == ("Fedor\nanswer", None)
