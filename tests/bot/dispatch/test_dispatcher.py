"""What people do in places and in ways we did not ask for."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from djangobot.bot.context import Context
from djangobot.bot.dispatch import commands
from djangobot.bot.dispatch.dispatcher import Dispatcher
from djangobot.bot.dispatch.throttle import MOST, WITHIN
from djangobot.bot.handlers.admin import status
from djangobot.bot.jobs.scheduler import Scheduler
from djangobot.bot.rendering.replies import say
from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.bot.settings import Settings
from djangobot.bot.telegram.gateway import Peer
from djangobot.bot.telegram.incoming import Callback, GroupMessage, Incoming, Message, Person
from djangobot.bot.telegram.sent_ids import UNKNOWN_TELEGRAM_ID
from djangobot.bot.telegram.text import Text
from djangobot.db import audit, state
from djangobot.db.delivery import scheduled
from djangobot.db.errors import TokenInvalid
from djangobot.db.messages import acceptance
from djangobot.db.messages.history import history
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats, codes, questions
from djangobot.db.programs import accounts, own_tokens, revocations, tokens

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
ANN, EVE = 5_000_000_001, 5_000_000_002


class Telegram:
    """Writes down what it is told to show."""

    def __init__(self) -> None:
        self.online = asyncio.Event()
        self.sent: list[tuple[Peer, str, int]] = []
        self.shown: list[Text] = []
        self.answers: list[str] = []

    async def send(self, peer: Peer, text: Text, random_id: int) -> int:
        self.sent.append((peer, text.text, random_id))
        return len(self.sent)

    async def edit(self, peer: Peer, message_id: int, text: Text, file: Any = None) -> None:
        self.shown.append(text)

    async def answer(self, query_id: int, text: str = "", *, alert: bool = False) -> None:
        self.answers.append(text)

    async def set_commands(self, commands: object, language: str = "", peer: Peer | None = None) -> None:
        """Menus are shown beside the chat."""


class Door:
    """A dispatcher on a fresh database, and a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.telegram = Telegram()
        self.time = NOW
        self.dispatcher = Dispatcher(
            self.telegram,  # type: ignore[arg-type]
            commands.on_message,
            commands.on_callback,
            Settings(database_url=""),
            lambda: self.time,
        )
        self.number = 0

    async def write(self, person: int, text: str = "") -> None:
        self.number += 1
        await self.receive(
            Message(
                self.number, person, Person(7, "Ann", language_tag="en"), text, datetime.fromtimestamp(0, UTC)
            )
        )

    async def receive(self, incoming: Incoming) -> None:
        """It has been handled, if there was anything to handle."""
        handled = self.dispatcher.receive(incoming)
        if handled is not None:
            await asyncio.wait_for(handled, PATIENCE)

    async def settled(self, person: int) -> None:
        """What was lined up for this person has been dealt with."""
        last = self.dispatcher.enqueue(person, lambda: asyncio.sleep(0))
        assert last is not None
        await asyncio.wait_for(last, PATIENCE)

    async def press(self, person: int, data: str) -> str:
        """What is said above the button."""
        self.number += 1
        handled = self.dispatcher.receive(Callback(self.number, person, None, data, 1))
        assert handled is not None
        await asyncio.wait_for(handled, PATIENCE)
        return self.telegram.answers[-1]


@pytest.fixture
async def door(database: None) -> Door:
    return Door()


@pytest.mark.parametrize("peer", [Peer(11, 0, "group"), Peer(12, 0, "channel")])
async def test_groups_and_channels_are_told_once_that_we_talk_with_people_alone(
    door: Door, peer: Peer
) -> None:
    """However often somebody writes there; a restart says it under the same random_id."""
    for _ in range(3):
        await door.receive(GroupMessage(peer, "en"))
    ((told, text, random_id),) = door.telegram.sent
    assert (told, text) == (peer, say("en", "private-only"))
    again = Door()
    await again.receive(GroupMessage(peer, "en"))
    assert again.telegram.sent == [(peer, text, random_id)]


@pytest.mark.parametrize("text", ["", "good morning"])
async def test_what_is_no_command_gets_a_pointer(door: Door, text: str) -> None:
    """Stickers, photos, voice and places, which have no text, and plain words."""
    await door.write(ANN, text)
    assert [said for _, said, _ in door.telegram.sent] == [say("en", "not-a-command")]


async def test_a_flood_is_answered_with_one_word_until_it_is_over(door: Door) -> None:
    """Others are answered meanwhile; a calm minute later everything is as before."""
    for _ in range(MOST + 20):
        await door.write(ANN, "/help")
    texts = [text for peer, text, _ in door.telegram.sent if peer.id == ANN]
    assert len(texts) == MOST + 1
    assert texts[-1] == say("en", "too-much")
    await door.write(EVE, "/help")
    assert door.telegram.sent[-1][0].id == EVE
    door.time += WITHIN - timedelta(seconds=1)
    await door.write(ANN, "/help")
    assert door.telegram.sent[-1][0].id == EVE
    door.time += WITHIN
    await door.write(ANN, "/help")
    assert door.telegram.sent[-1][0].id == ANN


VERBS = (
    "token:{}", "token_name:{}", "token_pause:{}:1", "token_pause:{}:0", "token_limits:{}",
    "token_limit:{}:1", "token_expiries:{}", "token_expiry:{}:1", "token_new:{}", "token_new_sure:{}:{}",
    "token_urgent:{}:1", "token_urgent:{}:0", "revoke:{}", "revoke_sure:{}", "unrevoke:{}",
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("whose", ["ann's", "nobody's", "nonsense"])
async def test_nobody_acts_on_anothers_token_by_a_button(door: Door, verb: str, whose: str) -> None:
    """A callback made up by a client of one's own says the same as one for a token that never was."""
    await door.write(ANN, "/help")
    await door.write(EVE, "/help")
    ann = await chats.get(ANN)
    assert ann is not None
    account = await accounts.register("Owner", "owner", "password1234", NOW)
    row, _ = await codes.redeem(account, await codes.issue(ann, NOW), NOW)
    before = await tokens.card(ANN, row.id, NOW)
    token = {"ann's": str(row.id), "nobody's": "424242", "nonsense": "7;--'"}[whose]
    expected = "button-unknown" if whose == "nonsense" else "tokens-gone"
    assert await door.press(EVE, verb.format(token, before.prefix)) == say("en", expected)
    assert await tokens.card(ANN, row.id, NOW) == before
    assert door.telegram.shown == []


@pytest.mark.parametrize("verb", sorted(commands.ADMIN_BUTTONS))
async def test_to_a_stranger_an_admins_button_does_not_exist(door: Door, verb: str) -> None:
    """The same answer as to nonsense, and nothing is changed or shown."""
    await door.write(ANN, "/help")
    nothing = await door.press(ANN, "nonsense:1")
    for argument in ("", ":1", ":retry", f":{EVE}", ":debug", f":ban:chat:{EVE}"):
        assert await door.press(ANN, f"{verb}{argument}") == nothing
    assert door.telegram.shown == []
    assert await audit.page(1) == []
    assert not await state.get("paused")


@pytest.mark.parametrize("after", [timedelta(seconds=60), timedelta(days=1)])
async def test_a_new_value_goes_after_a_minute_whatever_happens_to_the_process(
    door: Door, after: timedelta
) -> None:
    """That it must go was on disk before it was shown: also another process takes it away."""
    await door.write(ANN, "/help")
    ann = await chats.get(ANN)
    assert ann is not None
    account = await accounts.register("Owner", "owner", "password1234", NOW)
    row, _ = await codes.redeem(account, await codes.issue(ann, NOW), NOW)
    await door.press(ANN, f"token_new_sure:{row.id}:{row.prefix}")
    (shown,) = door.telegram.shown
    assert "spoiler" in [span.kind for span in shown.spans]
    another = Door()
    another.time = NOW + after - timedelta(seconds=after.days < 1)
    worker = Scheduler(another.dispatcher, commands.JOBS)
    await worker.enqueue_due()
    if after.days < 1:
        assert another.telegram.shown == []
        another.time = NOW + after
        await worker.enqueue_due()
    await another.dispatcher.stop(10)
    (card,) = another.telegram.shown
    assert "spoiler" not in [span.kind for span in card.spans]
    assert await scheduled.next_due() is None


@pytest.mark.parametrize(
    "space", [" ", "\n", "\t", "\u00a0", "\u2003", "\u202f", "\u3000", "\r\n", " \u200b ", "\u2028"]
)
async def test_any_white_space_separates_a_command_from_its_words(door: Door, space: str) -> None:
    """Of every command: with a space before its words it answers the same."""
    door.dispatcher.settings = Settings(database_url="", admins=(ANN,))

    async def answers(between: str) -> dict[str, list[str]]:
        found = {}
        for command in commands.COMMANDS:
            seen = len(door.telegram.sent)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(commands, "COMMANDS", [msgspec.structs.replace(command, handler=echo)])
                await door.write(ANN, f"/{command.name}{between}23:00-08:00 two  words\n{space}")
                await door.write(ANN, f"/{command.name.upper()}@a_bot{between}x")
            found[command.name] = [text for _, text, _ in door.telegram.sent[seen:]]
            door.time += timedelta(minutes=2)
        return found

    async def echo(context: Context) -> None:
        await context.reply(Text(f"[{context.argument}]"))

    heard = await answers(space)
    assert heard == await answers(" ")
    assert set(map(tuple, heard.values())) == {("[23:00-08:00 two  words]", "[x]")}


async def test_cancel_and_stop_end_what_was_asked(door: Door) -> None:
    """The next text is then no answer; where nothing was asked they say so."""
    for number, word in enumerate(("/cancel", "/stop", "/CANCEL@a_bot", "/stop please")):
        await door.write(ANN, "/search")
        await door.write(ANN, word)
        await door.write(ANN, f"build {number}")
        *_, stopped, heard = [text for _, text, _ in door.telegram.sent]
        assert (stopped, heard) == (say("en", "stopped"), say("en", "not-a-command"))
    await door.write(ANN, "/cancel")
    assert door.telegram.sent[-1][1] == say("en", "nothing-to-stop")


async def test_a_token_of_ones_own_is_shown_for_a_minute_with_its_first_call(door: Door) -> None:
    """Handled again after a crash it is the same answer; whoever does the chores takes it away."""
    await door.write(ANN, "/token")
    assert door.telegram.sent[-1][1] == say("en", "own-ask")
    await door.write(ANN, "two\nlines")
    assert door.telegram.sent[-1][1] == say("en", "token-name-wrong")
    await door.write(ANN, " ci server ")
    first = door.telegram.sent[-1]
    door.number -= 1
    another = Door()
    another.number = door.number
    await questions.ask(ANN, "own_token", NOW)
    await another.write(ANN, " ci server ")
    assert another.telegram.sent == [first]
    (card,) = await tokens.of_chat(ANN, NOW)
    assert (card.name, card.account_name) == ("ci server", None)
    (value,) = set(re.findall(r"\b[A-Za-z0-9]{25}\b", first[1]))
    assert first[1].count(value) == 2
    assert f"curl -X POST {another.dispatcher.settings.address}/api/send_message" in first[1]
    await acceptance.accept(value, NewMessage("done"), NOW)
    another.time += timedelta(minutes=1)
    await Scheduler(another.dispatcher, commands.JOBS).enqueue_due()
    await another.dispatcher.stop(10)
    assert another.telegram.shown
    assert all("ci server" in shown.text for shown in another.telegram.shown)
    assert not any(value in shown.text for shown in another.telegram.shown)
    assert await own_tokens.issue(ANN, "ci server", NOW, origin=another.number, secret="") == (card.id, None)


async def test_a_value_whose_message_telegram_does_not_name_is_replaced(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be taken away from the chat is worth nothing."""
    ids = iter((UNKNOWN_TELEGRAM_ID, 7))
    send = door.telegram.send

    async def send_without_id(peer: Peer, text: Text, random_id: int) -> int:
        await send(peer, text, random_id)
        return next(ids)

    monkeypatch.setattr(door.telegram, "send", send_without_id)
    await door.write(ANN, "/token ci")
    values = [re.findall(r"\b[A-Za-z0-9]{25}\b", text)[0] for _, text, _ in door.telegram.sent]
    assert len(set(values)) == 2
    with pytest.raises(TokenInvalid):
        await acceptance.accept(values[0], NewMessage("done"), NOW)
    await acceptance.accept(values[1], NewMessage("done"), NOW)
    (chore,) = await scheduled.due(NOW + timedelta(minutes=1), 10)
    assert (chore.kind, chore.message) == ("token", 7)


@pytest.mark.parametrize("asks", ["/start", "/start ci", "/code", "/code ci"])
async def test_a_message_handled_again_is_answered_with_the_same_code(door: Door, asks: str) -> None:
    """Under the same random_id, so that Telegram knows it again; also when the code was used meanwhile. When
    a later one was given, there is no answer."""
    await door.write(ANN, asks)
    (answer,) = door.telegram.sent
    (code,) = re.findall(r"\b\d{3} \d{3} \d{4}\b", answer[1])
    account = await accounts.register("Owner", "owner", "password1234", NOW)
    await codes.redeem(account, code, NOW)
    another = Door()
    await another.write(ANN, asks)
    assert another.telegram.sent == [answer]
    await another.write(ANN, "/code")
    seen, another.number = len(another.telegram.sent), 0
    await another.write(ANN, asks)
    assert len(another.telegram.sent) == seen


async def test_chats_are_told_what_who_they_let_in_is_called_now(door: Door) -> None:
    """Once, however often that changes in five minutes; not those that revoked the token, nor of a name that
    came back meanwhile."""
    for person in (ANN, EVE):
        await door.write(person, "/help")
    account = await accounts.register("Bank", "owner", "password1234", NOW)
    for person in (ANN, EVE):
        chat = await chats.get(person)
        assert chat is not None
        row, _ = await codes.redeem(account, await codes.issue(chat, NOW), NOW)
    await revocations.revoke(EVE, row.id, NOW)
    worker = Scheduler(door.dispatcher, commands.JOBS)

    async def told(after: timedelta, *names: str) -> list[tuple[int, str]]:
        door.time += after
        seen = len(door.telegram.sent)
        for name in names:
            await accounts.change(account, name=name)
            await worker.enqueue_due()
            await door.settled(ANN)
            await door.settled(EVE)
        await worker.enqueue_due()
        await door.settled(ANN)
        return [(peer.id, text) for peer, text, _ in door.telegram.sent[seen:]]

    def now_called(before: str, who: str) -> tuple[int, str]:
        return ANN, say("en", "renamed", before=before, who=who)

    assert await told(timedelta(), "Bank") == []
    assert await told(timedelta(), "Shop", "BotState", "Police") == [now_called("Bank", "Shop")]
    assert await told(timedelta(minutes=4)) == []
    assert await told(timedelta(minutes=1)) == [now_called("Shop", "Police")]
    assert await told(timedelta(), "Shop", "Police") == []
    assert await told(timedelta(minutes=5)) == []
    assert await told(timedelta(minutes=5), "Shop") == [now_called("Police", "Shop")]
    assert len({random_id for _, _, random_id in door.telegram.sent}) == len(door.telegram.sent)


async def test_a_held_message_can_be_read_in_full(door: Door) -> None:
    """By a button; nobody reads another's."""
    await door.write(ANN, "/help")
    _, value = await own_tokens.issue(ANN, "ci", NOW, origin=1, secret="s")
    text = "\n".join(f"line {number} of a long report" for number in range(160))
    await acceptance.accept(value or "", NewMessage(text), NOW)
    await acceptance.accept(value or "", NewMessage("short"), NOW)
    await door.write(ANN, "/history")
    found = await history.page(ANN, limit=5)
    (long,) = [entry.seq for entry in found.messages if entry.text == text]
    seen = len(door.telegram.sent)
    await door.press(ANN, f"full:{long}")
    assert text in "".join(text for _, text, _ in door.telegram.sent[seen:])
    await door.write(EVE, "/help")
    assert await door.press(EVE, f"full:{long}") == say("en", "history-gone")
    for data in ("full:", "full:x", f"full:{2**70}"):
        assert await door.press(EVE, data) == say("en", "button-unknown")


async def test_an_old_button_says_what_is_so(door: Door) -> None:
    """Under a token that has ended nothing is changed by any of them."""
    await door.write(ANN, "/help")
    ann = await chats.get(ANN)
    assert ann is not None
    account = await accounts.register("Owner", "owner", "password1234", NOW)
    row, _ = await codes.redeem(account, await codes.issue(ann, NOW), NOW)
    await revocations.revoke(ANN, row.id, NOW)
    before = await tokens.card(ANN, row.id, NOW)
    door.time += timedelta(hours=1)
    for verb in VERBS:
        answer = await door.press(ANN, verb.format(row.id, before.prefix))
        if verb.startswith(("token_pause", "token_limit", "token_expiry", "token_urgent")):
            assert answer == say("en", "token-over")
    assert await tokens.card(ANN, row.id, door.time) == before


async def test_a_status_card_is_kept_up_to_date_for_a_while(door: Door) -> None:
    """The newest one alone; for one who is no admin any more it stays as it is."""
    door.dispatcher.settings = Settings(database_url="", admins=(ANN,))
    door.telegram.online.set()
    worker = Scheduler(door.dispatcher, commands.JOBS)

    async def look(later: timedelta) -> int:
        """How often a card was edited, so much later."""
        door.time += later
        door.telegram.shown.clear()
        await worker.enqueue_due()
        await door.settled(ANN)
        return len(door.telegram.shown)

    await door.write(ANN, "/status")
    await door.write(ANN, "/status")
    assert await look(status.EDIT_EVERY / 2) == 0
    assert [await look(status.EDIT_EVERY) for _ in range(3)] == [1, 1, 1]
    door.dispatcher.settings = Settings(database_url="", admins=())
    assert await look(status.EDIT_EVERY) == 0
    door.dispatcher.settings = Settings(database_url="", admins=(ANN,))
    assert await look(status.EDIT_EVERY) == 0
    await door.write(ANN, "/status")
    assert await look(status.LIVES_FOR) == 1
    assert await look(status.LIVES_FOR) == 0
