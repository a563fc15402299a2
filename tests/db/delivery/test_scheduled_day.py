"""A day with ten thousand scheduled messages, told by a clock of the test: each is sent once, at its time."""

import asyncio
import random
from datetime import datetime, timedelta

import pytest

from djangobot.db import conf
from djangobot.db.delivery import claims, outbox, outcomes, scheduled_messages, settlement
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.engine.postgres import POOL
from djangobot.db.messages import acceptance, idempotency
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chat_settings, digests
from djangobot.db.people.chat_settings import ChatSettings

from ..conftest import NOW, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TICK = timedelta(minutes=15)
"""How often the leader of this day looks what is due. No message may come later than one tick."""
MESSAGES = {"sqlite": 10_000, "postgresql": 1_000}
PEOPLE = 24
AT_ONCE = {"sqlite": 500, "postgresql": POOL}
"""Messages that are accepted at the same moment: a program that has many to send. As many as PostgreSQL has
connections for; more wait for one, and on a slow machine in vain."""
KILLED, AWAY, SET_BACK = 20, range(34, 38), 66
"""The ticks at which the leader is killed, at which there is none, and at which the clock is set back."""
QUIET = {
    0: ChatSettings(quiet_from="22:00", quiet_to="07:00", quiet_mode="digest"),
    1: ChatSettings(quiet_from="22:00", quiet_to="07:00", quiet_mode="silent"),
}
"""The people with quiet hours."""


class Day:
    """The messages of one day by their texts, and what became of them. `now` is the clock on the wall."""

    def __init__(self, database: str, dice: random.Random) -> None:
        self.database, self.dice = database, dice
        self.now = self.begins = (NOW + 2 * DAY).replace(hour=0)
        self.times: dict[str, datetime] = {}
        self.tokens: list[str] = []
        self.ids: dict[str, str] = {}
        self.random_ids: dict[str, set[int]] = {}
        self.shown: dict[int, list[tuple[datetime, str]]] = {}
        """What each chat has got, and when."""
        self.held: list[str] = []
        self.told = 0
        """Messages that digests have told of."""

    async def accept(self, world: World, many: int) -> None:
        """All are accepted two days before, in no order; their keys are older than a key is kept."""
        account = await world.account()
        for number in range(PEOPLE):
            person = await world.person()
            if number in QUIET:
                written = chat_settings.written(QUIET[number])
                await current().execute("UPDATE chat SET settings = $2 WHERE id = $1", person.id, written)
            self.tokens.append(await world.link(account, person))
        for number in range(many):
            self.times[str(number)] = self.begins + self.dice.random() * DAY
        texts = list(self.times)
        at_once = AT_ONCE["sqlite" if self.database.startswith("sqlite") else "postgresql"]
        for start in range(0, many, at_once):
            await asyncio.gather(*(self.send(text, NOW) for text in texts[start : start + at_once]))

    def token_of(self, text: str) -> str:
        return self.tokens[int(text) % PEOPLE]

    async def send(self, text: str, now: datetime) -> str:
        """Sends it, or the same once more."""
        message = NewMessage(text, send_at=self.times[text].isoformat(), key=text)
        accepted = await acceptance.accept(self.token_of(text), message, now)
        assert self.ids.setdefault(text, accepted.id) == accepted.id
        return accepted.status

    async def tick(self) -> None:
        """What the leader does: it queues what is due, sends it, tells of what was held."""
        await scheduled_messages.queue_due(self.now)
        while claimed := await self.claim():
            await settlement.settle([self.sent(message) for message in claimed], self.now)
        while await digests.send_digests(self.now):
            pass

    async def claim(self) -> list[outcomes.Claimed]:
        wakeups.pop_due(PEOPLE)
        return await claims.claim(self.now, limit=PEOPLE)

    def sent(self, message: outcomes.Claimed) -> outcomes.Settled:
        """As the sender says it."""
        if message.kind == "digest":
            self.told += digests.read_digest(message.text).count
            return outcomes.Sent(message, message.id)
        self.random_ids.setdefault(message.text, set()).add(message.random_id)
        if (until := digests.held_until(message, self.now)) is not None:
            self.held.append(message.text)
            return outcomes.Held(message, until)
        self.shown.setdefault(message.chat_id, []).append((self.now, message.text))
        return outcomes.Sent(message, message.id)

    async def repeat_one(self) -> None:
        """A program that repeats a message which waits gets the same one."""
        waiting = [text for text, at in self.times.items() if at > self.now and text not in self.random_ids]
        if waiting:
            assert await self.send(self.dice.choice(waiting), self.now) == "scheduled"

    async def die_in_between(self) -> None:
        """Half of what was claimed is in the chat when the process dies; the other half never went out."""
        await scheduled_messages.queue_due(self.now)
        claimed = await self.claim()
        arrived = claimed[::2]
        for message in arrived:
            self.random_ids.setdefault(message.text, set()).add(message.random_id)
        await conf.close_database()
        await conf.open_database(self.database)
        assert await claims.reclaim(self.now) == len(claimed)

    def late(self) -> dict[str, timedelta]:
        """How late each came that was shown."""
        return {text: at - self.times[text] for one in self.shown.values() for at, text in one}


@pytest.fixture
def day(database: str) -> Day:
    seed = random.randrange(2**32)
    print("seed", seed)
    return Day(database, random.Random(seed))


async def test_a_day_of_scheduled_messages_each_comes_once_and_at_its_time(
    world: World, day: Day, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Across a death in between, an hour without anybody who delivers, a clock that is set back by an hour,
    and quiet hours. Programs repeat what waits all day long, and a sweep takes all keys that it may."""
    monkeypatch.setattr(idempotency, "SWEEP_EVERY", 1)
    many = MESSAGES[request.node.callspec.params["database"]]
    await day.accept(world, many)
    for number in range(1, int((DAY + HOUR) / TICK) + 1):
        day.now += TICK
        if number in AWAY:
            continue
        if number == KILLED:
            await day.die_in_between()
        if number == SET_BACK:
            day.now -= HOUR
            await outbox.due_now(day.now)
        await day.tick()
        await day.repeat_one()
    assert max(day.late().values()) <= TICK * (len(AWAY) + 1)
    assert {text for text, late in day.late().items() if late > TICK} <= {
        text for text, at in day.times.items() if (at - day.begins) // TICK + 1 in AWAY
    }
    day.now += 8 * HOUR
    for _ in range(2):  # the next morning: digests are written, then sent
        await day.tick()
    shown = [text for one in day.shown.values() for _, text in one]
    assert sorted([*shown, *day.held]) == sorted(day.times)
    assert {len(ids) for ids in day.random_ids.values()} == {1}
    assert min(day.late().values()) >= timedelta(0)
    assert day.told == len(day.held)
    rows = await current().fetch(
        "SELECT status, COUNT(*) AS n FROM message WHERE kind = 'message' GROUP BY status"
    )
    assert {row["status"]: row["n"] for row in rows} == {"sent": len(shown), "held": len(day.held)}
