# hypothesis makes its machines' classes at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
"""The outbox against a model of it, driven by Hypothesis, which prints the shortest way to a failure and how
to see it again."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from djangobot.db import conf
from djangobot.db.delivery import claims, outbox, outcomes, settlement, wakeups
from djangobot.db.engine import current
from djangobot.db.errors import ChatBanned, ChatBlocked, TokenInvalid
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats
from djangobot.db.programs import tokens

from ..conftest import MINUTE, NOW, World, _empty

T = TypeVar("T")
CHATS, TOKENS_OF_A_CHAT = 3, 2
OUTCOMES = ["sent", "failed", "uncertain", "expired", "postponed", "not done"]
UNSETTLED = ("queued", "sending")


class Modelled(msgspec.Struct):
    """What a row must say."""

    public_id: str
    chat: int
    token: int
    due: datetime
    random_id: int
    urgent: bool
    expires: datetime | None
    status: str = "queued"
    attempts: int = 0
    first_attempt: datetime | None = None
    failure: str | None = None

    def over(self, now: datetime) -> bool:
        """Queued, and not to be sent any more."""
        return self.status == "queued" and self.expires is not None and self.expires <= now


class Outbox(RuleBasedStateMachine):
    fresh: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = NOW
        self.model: list[Modelled] = []
        self.claimed: list[outcomes.Claimed] = []
        self.sent: list[Modelled] = []
        self.silent: dict[int, set[str]] = {}
        self.revoked: set[int] = set()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    @initialize()
    def link(self) -> None:
        url = type(self).fresh()

        async def prepare() -> None:
            await conf.open_database(url)
            world = World()
            account = await world.account()
            self.people = [await world.person() for _ in range(CHATS)]
            self.tokens = [
                await world.link(account, person) for person in self.people for _ in range(TOKENS_OF_A_CHAT)
            ]
            self.silent = {person.id: set() for person in self.people}

        self.run(prepare())
        wakeups.pop_due(CHATS)
        wakeups.pop_urgent(CHATS)

    def teardown(self) -> None:
        self.run(conf.close_database())
        self.runner.close()

    def heads(self) -> list[Modelled]:
        """Each chat's oldest that is not settled."""
        first: dict[int, Modelled] = {}
        for message in self.model:
            if message.status in UNSETTLED:
                first.setdefault(message.chat, message)
        return list(first.values())

    def waiting(self) -> list[Modelled]:
        """Those of the heads that can be claimed when they fall due."""
        ready = [m for m in self.heads() if m.status == "queued" and not self.silent[m.chat]]
        return sorted(ready, key=lambda m: (m.due, self.model.index(m)))

    def has_urgent(self, chat: int) -> bool:
        return any(m.urgent for m in self.model if m.chat == chat and m.status in UNSETTLED)

    @rule(
        number=st.integers(0, CHATS * TOKENS_OF_A_CHAT - 1),
        urgent=st.booleans(),
        ttl=st.none() | st.sampled_from([1, 5, 6]),
    )
    def accept(self, number: int, urgent: bool, ttl: int | None) -> None:
        chat = self.people[number // TOKENS_OF_A_CHAT].id
        try:
            accepted = self.run(
                acceptance.accept(self.tokens[number], NewMessage("text", urgent=urgent, ttl=ttl), self.now)
            )
        except TokenInvalid:
            assert number in self.revoked
        except ChatBanned:
            assert "banned" in self.silent[chat]
        except ChatBlocked:
            assert self.silent[chat] == {"blocked"}
        else:
            assert number not in self.revoked
            assert not self.silent[chat]
            (row,) = self.run(
                current().fetch("SELECT random_id FROM message WHERE public_id = $1::uuid", accepted.id)
            )
            expires = None if ttl is None else self.now + timedelta(seconds=ttl)
            self.model.append(
                Modelled(accepted.id, chat, number, self.now, row["random_id"], urgent, expires)
            )

    @rule(limit=st.integers(1, CHATS + 1), among=st.none() | st.sets(st.integers(0, CHATS - 1)))
    def claim(self, limit: int, among: set[int] | None) -> None:
        chosen = None if among is None else [self.people[number].id for number in among]
        claimed = self.run(claims.claim(self.now, limit=limit, lease=MINUTE, chats=chosen))
        expected = [m for m in self.waiting() if m.due <= self.now and (chosen is None or m.chat in chosen)]
        expected.sort(key=lambda m: not self.has_urgent(m.chat))
        hurrying = [self.has_urgent(m.chat) for m in expected]
        for got, message, hurries in zip(claimed, expected[:limit], hurrying[:limit], strict=True):
            assert (got.urgent, got.has_urgent, got.expires) == (message.urgent, hurries, message.expires)
            assert (got.public_id, got.chat_id, got.random_id) == (
                message.public_id, message.chat, message.random_id,
            )  # fmt: skip
            assert (got.attempts, got.first_attempt) == (message.attempts + 1, message.first_attempt)
            message.status, message.attempts = "sending", message.attempts + 1
            message.first_attempt = message.first_attempt or self.now
        self.claimed += claimed

    @precondition(lambda self: self.claimed)
    @rule(picks=st.dictionaries(st.integers(0, 7), st.sampled_from(OUTCOMES), min_size=1, max_size=3))
    def settle(self, picks: dict[int, str]) -> None:
        """Of any late claim: what is not being sent any more is left alone."""
        until = self.now + timedelta(seconds=5)
        results: list[outcomes.Settled] = []
        for number, outcome in picks.items():
            claimed = self.claimed[-1 - number % len(self.claimed)]
            if any(result.message.public_id == claimed.public_id for result in results):
                continue
            message = next(m for m in self.model if m.public_id == claimed.public_id)
            ways: dict[str, outcomes.Settled] = {
                "sent": outcomes.Sent(claimed, 7),
                "failed": outcomes.Failed(claimed, "a reason"),
                "uncertain": outcomes.Uncertain(claimed, "a reason"),
                "expired": outcomes.Expired(claimed, "a reason"),
                "postponed": outcomes.Postponed(claimed, until, "a reason"),
                "not done": outcomes.Postponed(claimed, until, "a reason", not_done=True),
            }
            results.append(ways[outcome])
            if message.status != "sending":
                continue
            message.failure = None if outcome == "sent" else "a reason"
            message.status = "queued" if outcome in ("postponed", "not done") else outcome
            if message.status == "queued":
                message.due = until
            if outcome == "not done":
                message.first_attempt = claimed.first_attempt
            if outcome == "sent":
                self.sent.append(message)
        self.run(settlement.settle(results, self.now))

    @rule()
    def expire(self) -> None:
        """Blocked or not; what may be in the chat is not said to have expired."""
        over = [message for message in self.model if message.over(self.now)]
        assert self.run(outbox.expire(self.now)) == len(over)
        for message in over:
            in_doubt = message.first_attempt is not None
            message.status = "uncertain" if in_doubt else "expired"
            message.failure = outcomes.EXPIRED_IN_DOUBT if in_doubt else None

    @rule()
    def the_clock_steps_back(self) -> None:
        """What was put off is due at once."""
        late = [m for m in self.model if m.status == "queued" and m.due > self.now]
        assert self.run(outbox.due_now(self.now)) == len(late)
        for message in late:
            message.due = self.now

    @rule(number=st.integers(0, CHATS - 1), banned=st.booleans())
    def silence(self, number: int, banned: bool) -> None:
        chat = self.people[number].id
        if banned:
            self.run(current().execute("UPDATE chat SET banned = $2 WHERE id = $1", chat, self.now))
        else:
            assert self.run(chats.block(chat, self.now)) == ("blocked" not in self.silent[chat])
        self.silent[chat].add("banned" if banned else "blocked")

    @rule(number=st.integers(0, CHATS - 1), banned=st.booleans())
    def come_back(self, number: int, banned: bool) -> None:
        chat = self.people[number].id
        if banned:
            self.run(current().execute("UPDATE chat SET banned = NULL WHERE id = $1", chat))
        else:
            assert self.run(chats.unblock(chat, self.now)) == ("blocked" in self.silent[chat])
        self.silent[chat].discard("banned" if banned else "blocked")

    @rule(number=st.integers(0, CHATS * TOKENS_OF_A_CHAT - 1))
    def revoke(self, number: int) -> None:
        chat = self.people[number // TOKENS_OF_A_CHAT].id

        async def revoke() -> None:
            try:
                token = await tokens.resolve(self.tokens[number], self.now)
            except TokenInvalid:
                return
            await tokens.revoke(chat, token.id, self.now)

        self.run(revoke())
        if number not in self.revoked:
            self.revoked.add(number)
            for message in self.model:
                if message.token == number and message.status == "queued":
                    message.status, message.failure = "canceled", "token revoked"

    @rule()
    def start_again(self) -> None:
        """What a process that was killed had in hand is queued again, under the same random_ids."""
        in_hand = [message for message in self.model if message.status == "sending"]
        assert self.run(claims.reclaim(self.now)) == len(in_hand)
        for message in in_hand:
            message.status, message.due = "queued", self.now

    @rule(microseconds=st.sampled_from([1, 500_000, 1_000_000, 5_000_000]))
    def time_passes(self, microseconds: int) -> None:
        self.now += timedelta(microseconds=microseconds)

    @invariant()
    def the_rows_are_what_the_model_says(self) -> None:
        """Nothing is lost, no random_id ever changes."""
        if not self.silent:
            return
        rows = self.run(
            current().fetch(
                "SELECT public_id, chat, status, next_attempt, attempts, first_attempt, failure, random_id,"
                " urgent, expires"
                " FROM message WHERE kind = 'message' ORDER BY id"
            )
        )
        found = [
            Modelled(
                str(row["public_id"]), row["chat"], message.token, row["next_attempt"], row["random_id"],
                bool(row["urgent"]), row["expires"], row["status"], row["attempts"],
                row["first_attempt"], row["failure"],
            )
            for row, message in zip(rows, self.model, strict=True)
        ]  # fmt: skip
        assert found == self.model

    @invariant()
    def what_falls_due_is_known(self) -> None:
        if not self.silent:
            return
        wakeups.pop_due(100)
        wakeups.pop_urgent(100)
        following = self.run(outbox.poll(self.now))
        due_chats = [m.chat for m in self.waiting() if m.due <= self.now]
        rung, urgently = wakeups.pop_due(100), wakeups.pop_urgent(100)
        assert set(urgently) >= {chat for chat in due_chats if self.has_urgent(chat)}
        assert rung == [chat for chat in due_chats if chat not in urgently]
        assert urgently == [chat for chat in due_chats if chat not in rung]
        assert following == next((m.due for m in self.waiting() if m.due > self.now), None)
        due = [m.due for m in self.heads() if m.status == "sending" or not self.silent[m.chat]]
        assert self.run(outbox.oldest_due(self.now)) == min(
            (when for when in due if when <= self.now), default=None
        )

    @invariant()
    def each_chat_gets_its_messages_in_order_one_at_a_time(self) -> None:
        for chat in self.silent:
            sent = [self.model.index(message) for message in self.sent if message.chat == chat]
            assert sent == sorted(set(sent))
            assert sum(m.status == "sending" for m in self.model if m.chat == chat) <= 1


_copies = count()


def drive(fresh: Callable[[], str], examples: int) -> None:
    machine = type("Machine", (Outbox,), {"fresh": staticmethod(fresh)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_outbox_on_sqlite_does_what_its_model_does(sqlite_template: Path, tmp_path: Path) -> None:
    drive(lambda: f"sqlite:///{shutil.copy(sqlite_template, tmp_path / f'{next(_copies)}.sqlite')}", 25)


def test_the_outbox_on_postgresql_does_what_its_model_does(postgresql: str) -> None:
    def fresh() -> str:
        with asyncio.Runner() as runner:
            runner.run(_empty(postgresql))
        return postgresql

    drive(fresh, 8)
