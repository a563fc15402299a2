"""What is sent of a message is fixed with it: every repeat sends the same, whatever has changed meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from djangobot.bot.delivery import parts
from djangobot.bot.delivery.mute_prompts import MutePrompts
from djangobot.bot.delivery.pacing import CHAT_BURST, Pacing
from djangobot.bot.delivery.worker import Worker
from djangobot.bot.rendering import buttons, digest
from djangobot.bot.rendering import messages as rendering
from djangobot.bot.rendering.humanize import whose
from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess
from djangobot.bot.telegram.client import TelegramClient
from djangobot.bot.telegram.gateway import Gateway
from djangobot.bot.telegram.text import Button, Text
from djangobot.db.admin import broadcasts
from djangobot.db.delivery import outbox
from djangobot.db.engine import current
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.messages.rich_text.spans import Kind, Span
from djangobot.db.people.digests import Digest, Share

from .conftest import Running, SteppingClock, chat_of, drained, until

LONG = "".join(f"{number:04} " for number in range(4096 // 5)).ljust(4096, "x")
Step = Callable[[], Awaitable[None]]


class Watching(Gateway):
    """Notes every call that sends, answered or not; `before` is awaited before the call of that number."""

    def __init__(self, client: TelegramClient, before: dict[int, Step]) -> None:
        super().__init__(client)
        self.before = before
        self.calls: list[tuple[int, str]] = []

    async def send(self, peer: Any, text: Text, random_id: int) -> int:
        self.calls.append((random_id, str(text)))
        if step := self.before.get(len(self.calls)):
            await step()
        return await super().send(peer, text, random_id)

    def each_is_always_the_same(self) -> bool:
        """And something was sent again."""
        shown: dict[int, set[str]] = {}
        for random_id, text in self.calls:
            shown.setdefault(random_id, set()).add(text)
        return len(shown) < len(self.calls) and all(len(texts) == 1 for texts in shown.values())


async def rename(name: str) -> None:
    await current().execute("UPDATE account SET name = $1", name)


def faults(sandbox: SandboxProcess, kind: str, change: Step) -> Step:
    async def step() -> None:
        value = 1 if kind == "flood_wait" else None
        await sandbox.fault(kind, "messages.sendMessage", value=value, times=1)
        await change()

    return step


async def begin(sandbox: SandboxProcess) -> None:
    """The notice of the link is out of the way."""
    await current().execute("UPDATE message SET status = 'canceled' WHERE kind = 'linked'")


@pytest.mark.parametrize(
    ("fault", "name", "later"),
    [
        ("flood_wait", "W" * 100, "A"),
        ("flood_wait", "A", "W" * 100),
        ("cut_before", "A", "W" * 100),
        ("cut_after", "Ж" * 40, "🇩🇪" * 20),
    ],
)
async def test_a_sender_renamed_between_two_parts_loses_and_doubles_nothing(
    client: TelegramClient, sandbox: SandboxProcess, token: str, fault: str, name: str, later: str
) -> None:
    """The cut between the parts stays where it was: each part's random_id stands for the same text."""
    await begin(sandbox)
    await rename(name)
    gateway = Watching(client, {2: faults(sandbox, fault, lambda: rename(later))})
    async with Running(client, Worker(gateway, Pacing(0, 0))):
        accepted = await acceptance.accept(token, NewMessage(LONG, wait=PATIENCE), datetime.now(UTC))
    assert accepted.status == "sent"
    assert gateway.each_is_always_the_same()
    _, said = await chat_of(sandbox)
    assert "".join(said).replace(" ", "") == f"{whose(name, 'Fedor')}\n{LONG}".replace(" ", "")


async def test_a_head_that_would_grow_over_the_limit_adds_no_part(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Telegram has the message as one part and its answer was lost: it stays one."""
    await begin(sandbox)
    text = "x" * 4080
    gateway = Watching(client, {1: faults(sandbox, "cut_after", lambda: rename("W" * 100))})
    async with Running(client, Worker(gateway, Pacing(0, 0))):
        accepted = await acceptance.accept(token, NewMessage(text, wait=PATIENCE), datetime.now(UTC))
    assert accepted.status == "sent"
    _, said = await chat_of(sandbox)
    assert said == [f"Fedor\n{text}"]


CHANGES = (
    "UPDATE account SET name = 'Somebody else'",
    "UPDATE bot_token SET name = 'another name'",
    """UPDATE chat SET language = 'ru', settings = '{"quiet_from":0,"quiet_to":1439,"clock":"Asia/Tokyo"}'""",
)


@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "another process"])
@pytest.mark.parametrize("kind", ["message", "linked", "digest", "new_network", "broadcast"])
async def test_whatever_changes_between_two_attempts_the_second_sends_the_same(
    client: TelegramClient,
    sandbox: SandboxProcess,
    token: str,
    kind: str,
    restarted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Names, the language, the settings, the clock, the buttons, texts of a newer version of ours; in this
    process and in the next."""
    clock, mute_prompts = SteppingClock(), MutePrompts()
    if kind != "linked":
        await begin(sandbox)
        await queue(kind, token)

    async def happen() -> None:
        for change in CHANGES:
            await current().execute(change)
        clock.behind = -timedelta(hours=1)
        monkeypatch.setattr(mute_prompts, "fits", lambda *_: True)
        for module in (buttons, digest, rendering):
            if hasattr(module, "say"):
                monkeypatch.setattr(module, "say", lambda *_, **__: "of a newer version")
            if hasattr(module, "formatted"):
                monkeypatch.setattr(module, "formatted", lambda *_, **__: Text("of a newer version"))
        if restarted:
            at_work.stop()

    last = 2 if kind == "digest" else 1
    gateway = Watching(client, {last: faults(sandbox, "cut_before", happen)})
    at_work = Worker(gateway, Pacing(0, 0), mute_prompts=mute_prompts, now=clock)
    await at_work.run() if restarted else None
    again = at_work if not restarted else Worker(gateway, Pacing(0, 0), mute_prompts=mute_prompts, now=clock)
    async with Running(client, again):
        await drained()
    assert gateway.each_is_always_the_same()
    (left,) = await current().fetch("SELECT COUNT(*) AS kept FROM message WHERE parts IS NOT NULL")
    assert left["kept"] == 0, "what was sent is kept once"


async def queue(kind: str, token: str) -> None:
    """A message of this kind is due in the only chat."""
    now = datetime.now(UTC)
    (row,) = await current().fetch("SELECT chat, account, id FROM bot_token")
    if kind == "message":
        await acceptance.accept(token, NewMessage(LONG[:3000]), now)
    elif kind == "broadcast":
        number = await broadcasts.draft(row["chat"], LONG[:3000], now)
        assert await broadcasts.start(number, row["chat"], 0, now)
        await broadcasts.step(number, now)
    else:
        text = digest_text() if kind == "digest" else "203.0.113.0/24"
        await outbox.add_notice(
            kind, row["chat"], now, text=text, account_id=row["account"], token_id=row["id"]
        )


def digest_text() -> str:
    """One that takes two parts."""
    shares = [
        Share(f"Account {number}", "token", 5, ["x" * 119, "y" * 119, "z" * 119]) for number in range(15)
    ]
    return msgspec.json.encode(Digest(shares)).decode()


async def test_what_was_not_begun_is_not_fixed(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """A message put back before Telegram was asked is sent under the name of then."""
    await begin(sandbox)
    at_work = Worker(Gateway(client), Pacing(rate_chat=0.001, rate_total=0))
    async with Running(client, at_work):
        for number in range(CHAT_BURST + 1):
            await acceptance.accept(token, NewMessage(f"number {number}"), datetime.now(UTC))
        await until(lambda: bool(at_work.in_flight.paced))
    await rename("Nora")
    async with Running(client):
        await drained()
    _, said = await chat_of(sandbox)
    assert said[-1] == f"Nora · Fedor\nnumber {CHAT_BURST}"


async def test_a_message_that_waited_in_flight_says_how_late_it_is(
    client: TelegramClient, sandbox: SandboxProcess, token: str
) -> None:
    """Its first attempt fixes the time on it, not the claim long before."""
    await begin(sandbox)
    clock = SteppingClock()
    at_work = Worker(Gateway(client), Pacing(rate_chat=0.001, rate_total=0), now=clock)
    async with Running(client, at_work):
        for number in range(CHAT_BURST + 1):
            await acceptance.accept(token, NewMessage(f"number {number}"), datetime.now(UTC))
        await until(lambda: bool(at_work.in_flight.paced))
        clock.behind = -timedelta(hours=1)
        (message, turn) = next(iter(at_work.in_flight.paced.values()))
        turn.cancel()
        at_work.in_flight.on_chat_turn(message)
        await drained()
    _, said = await chat_of(sandbox)
    assert said[-1].startswith("Fedor · ")
    assert said[-1].endswith(f"\nnumber {CHAT_BURST}")


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
SPANS = st.builds(
    Span,
    st.sampled_from(get_args(Kind)),
    st.integers(0, 4096),
    st.integers(1, 4096),
    st.none() | TEXTS,
)
BUTTONS = st.lists(st.lists(st.builds(Button, TEXTS, TEXTS), max_size=3).map(tuple), max_size=3).map(tuple)


@given(st.lists(st.builds(Text, TEXTS, st.lists(SPANS, max_size=3).map(tuple), BUTTONS, st.booleans())))
def test_what_is_read_back_is_what_was_stored(texts: list[Text]) -> None:
    """To the byte: text, formatting, buttons, silence."""
    assert parts.decode(parts.encode(texts)) == texts


def test_parts_are_stored_as_arrays() -> None:
    """The stored form, to the letter: another process must read it."""
    bold = Text("Fedor\nhi", (Span("bold", 0, 5),))
    link = Text("x", (Span("text_link", 0, 1, "https://example.org"),), ((Button("Mute", "mute:1"),),), True)
    assert parts.encode([bold, link]) == (
        '[["Fedor\\nhi",[["bold",0,5,null]],[],false,false,null,[],null],'
        '["x",[["text_link",0,1,"https://example.org"]],[[["Mute","mute:1",""]]],true,false,null,[],null]]'
    )
