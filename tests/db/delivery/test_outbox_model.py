# hypothesis makes its machines' classes at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
"""The outbox against a model of it, driven by Hypothesis, which prints the shortest way to a failure and how
to see it again."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
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
from djangobot.db.delivery import claims, expiry, outbox, outcomes, scheduled, scheduled_messages, settlement
from djangobot.db.delivery.pubsub import wakeups
from djangobot.db.engine import current
from djangobot.db.errors import ChatBanned, ChatBlocked, MessageNotInChat, TokenInvalid
from djangobot.db.messages import acceptance, deletions, presses, schedule
from djangobot.db.messages.buttons import Button
from djangobot.db.messages.files import files
from djangobot.db.messages.new_message import NewMessage
from djangobot.db.people import chats
from djangobot.db.programs import revocations, tokens

from ..conftest import NOW, World, _empty
from .outbox_model import Model, Modelled
from .outbox_rows import OUTCOMES, ROWS, bytes_of, outcome_of, run_job, store, stored

T = TypeVar("T")
CHATS, TOKENS_OF_A_CHAT = 3, 2
NUMBERS = st.sampled_from([0, 0, 0, 0, *range(CHATS * TOKENS_OF_A_CHAT)])
"""Of tokens. One of them is used most, so that much happens to its messages."""


class Outbox(RuleBasedStateMachine):
    fresh: Callable[[], str]
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model(NOW)
        self.claimed: list[outcomes.Claimed] = []

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    @initialize()
    def link(self) -> None:
        url = type(self).fresh()
        files.configure(files.Rules(self.folder))

        async def prepare() -> None:
            await conf.open_database(url)
            world = World()
            account = await world.account()
            self.people = [await world.person() for _ in range(CHATS)]
            self.tokens = [
                await world.link(account, person) for person in self.people for _ in range(TOKENS_OF_A_CHAT)
            ]
            self.rows_of_tokens = [(await tokens.resolve(token, NOW)).id for token in self.tokens]
            self.model.silent = {person.id: set() for person in self.people}

        self.run(prepare())
        wakeups.pop_due(CHATS)
        wakeups.pop_urgent(CHATS)

    def teardown(self) -> None:
        self.run(conf.close_database())
        self.runner.close()

    def chat_of(self, number: int) -> int:
        return self.people[number // TOKENS_OF_A_CHAT].id

    @rule(
        number=NUMBERS,
        urgent=st.booleans(),
        ttl=st.none() | st.sampled_from([1, 5, 6]),
        key=st.sampled_from([None, "k"]),
        delay=st.sampled_from([None, None, None, 1, 5]),
        asks=st.booleans(),
        has_file=st.sampled_from([False, False, False, True]),
    )
    def accept(
        self,
        number: int,
        urgent: bool,
        ttl: int | None,
        key: str | None,
        delay: int | None,
        asks: bool,
        has_file: bool,
    ) -> None:
        serial, now, silent = str(len(self.model.rows)), self.model.now, self.model.silent
        message = NewMessage(
            serial,
            urgent=urgent,
            ttl=ttl,
            replace=key,
            delay=delay,
            buttons=((Button("Yes", value=serial),),) if asks else (),
            files=(self.run(store(serial)),) if has_file else (),
        )
        try:
            accepted = self.run(acceptance.accept(self.tokens[number], message, now))
        except TokenInvalid:
            assert number in self.model.revoked
        except ChatBanned:
            assert "banned" in silent[self.chat_of(number)]
        except ChatBlocked:
            assert silent[self.chat_of(number)] == {"blocked"}
        else:
            assert number not in self.model.revoked
            assert not silent[self.chat_of(number)]
            (row,) = self.run(
                current().fetch("SELECT id, random_id FROM message WHERE public_id = $1::uuid", accepted.id)
            )
            for file in message.files:
                self.model.files[row["id"]] = file.id
            self.model.accept(
                Modelled(
                    row["id"], accepted.id, self.chat_of(number), number, now, row["random_id"], urgent,
                    message.expires(now), serial, serial if asks else None, message.sends(now),
                    status="scheduled" if delay else "queued", key=key,
                )
            )  # fmt: skip

    @rule(limit=st.integers(1, CHATS + 1), among=st.none() | st.sets(st.integers(0, CHATS - 1)))
    def claim(self, limit: int, among: set[int] | None) -> None:
        chosen = None if among is None else [self.people[number].id for number in among]
        model = self.model
        claimed = self.run(claims.claim(model.now, limit=limit, chats=chosen))
        expected = model.due(chosen)[:limit]
        hurrying = [model.has_urgent(m.chat) for m in expected]
        for got, message, hurries in zip(claimed, expected, hurrying, strict=True):
            assert (got.urgent, got.has_urgent, got.expires) == (message.urgent, hurries, message.expires)
            assert (got.public_id, got.chat_id, got.random_id, got.kind) == (
                message.public_id, message.chat, message.random_id, message.kind,
            )  # fmt: skip
            assert (got.attempts, got.first_attempt) == (message.attempts + 1, message.first_attempt)
            root = model.row(message.root)
            assert got.edited_id == (root and root.telegram_id)
            model.take(message)
        self.claimed += claimed

    @precondition(lambda self: self.claimed)
    @rule(picks=st.dictionaries(st.integers(0, 7), st.sampled_from(OUTCOMES), min_size=1, max_size=3))
    def settle(self, picks: dict[int, str]) -> None:
        """Of any late claim: what is not being sent any more is left alone."""
        results: dict[str, outcomes.Settled] = {}
        for number, outcome in picks.items():
            claimed = self.claimed[-1 - number % len(self.claimed)]
            if claimed.public_id not in results:
                results[claimed.public_id] = outcome_of(claimed, outcome, self.model.now)
                self.model.settle(results[claimed.public_id])
        self.run(settlement.settle(list(results.values()), self.model.now))

    @rule()
    def expire(self) -> None:
        """Blocked or not."""
        over = self.model.expire(outcomes.EXPIRED_IN_DOUBT)
        assert self.run(expiry.expire(self.model.now)) == over

    @rule()
    def the_clock_steps_back(self) -> None:
        """What was put off is due at once."""
        late = self.model.make_due()
        assert self.run(outbox.due_now(self.model.now)) == late

    @rule()
    def scheduled_messages_fall_due(self) -> None:
        following = self.model.queue_due()
        assert self.run(scheduled_messages.queue_due(self.model.now)) == following

    @precondition(lambda self: self.model.with_status("scheduled"))
    @rule(number=st.integers(0, 7), now=st.booleans())
    def decide_about_a_scheduled_message(self, number: int, now: bool) -> None:
        """The person may also press what is not scheduled any more."""
        row = self.model.rows[-1 - number % len(self.model.rows)]
        if not now:
            canceled = self.model.cancel(row)
            assert self.run(schedule.cancel(row.chat, row.id)) == canceled
            return
        was_scheduled = row.status == "scheduled"
        self.model.queue([row] if was_scheduled else [])
        assert self.run(schedule.send_now(row.chat, row.id, self.model.now)) == was_scheduled

    @precondition(lambda self: self.model.rows)
    @rule(number=st.integers(0, 7))
    def press(self, number: int) -> None:
        """The first press counts, unless nobody can learn of it."""
        row = self.model.rows[-1 - number % len(self.model.rows)]
        press = self.run(presses.press(row.chat, row.id, 0, self.model.now))
        if row.pressed is None and row.token not in self.model.revoked:
            row.pressed = row.value
        assert (press and press.pressed.value) == row.pressed

    @precondition(lambda self: self.model.rows)
    @rule(number=st.integers(0, 7))
    def delete(self, number: int) -> None:
        """Its program takes a message back. What may be in the chat is deleted by a job."""
        row = self.model.rows[-1 - number % len(self.model.rows)]
        delete = deletions.delete(row.public_id, self.tokens[row.token], 0)
        if row.token in self.model.revoked:
            with pytest.raises(TokenInvalid):
                self.run(delete)
        elif (done := self._deleted(row)) is None:
            with pytest.raises((MessageNotInChat, ChatBanned)):
                self.run(delete)
        else:
            assert self.run(delete).done == done

    def _deleted(self, row: Modelled) -> bool | None:
        """Nothing is deleted from the chat of a banned person."""
        banned = "banned" in self.model.silent[row.chat]
        root = self.model.row(row.root) or row
        if banned and not root.deleted and not row.is_unsent:
            return True if row.status == "canceled" or root.status == "canceled" else None
        return self.model.delete(row)

    @rule(refused=st.booleans())
    def jobs_delete(self, refused: bool) -> None:
        """Unless Telegram refuses."""
        for row in list(self.model.rows):
            if row.doomed:
                deleted = self.model.delete_doomed(row, refused)
                if deleted is None:
                    with pytest.raises(scheduled.TooEarly):
                        self.run(run_job(row.id, self.model.now, refused))
                else:
                    self.run(run_job(row.id, self.model.now, refused))

    @rule()
    def sweep(self) -> None:
        """Bytes are kept as long as their message may be sent."""
        self.run(files.sweep(self.model.now))
        for row_id, file_id in self.model.files.items():
            row = self.model.row(row_id)
            assert row is not None
            kept = self.model.sweep(row, files.KEPT, files.KEPT_FOR_UNDO)
            assert self.run(bytes_of(file_id)) == (row.text.encode() if kept else None)

    @rule(number=st.integers(0, CHATS - 1), banned=st.booleans())
    def silence(self, number: int, banned: bool) -> None:
        chat, silent = self.people[number].id, self.model.silent
        if banned:
            self.run(current().execute("UPDATE chat SET banned = $2 WHERE id = $1", chat, self.model.now))
        else:
            assert self.run(chats.block(chat, self.model.now)) == ("blocked" not in silent[chat])
        silent[chat].add("banned" if banned else "blocked")

    @rule(number=st.integers(0, CHATS - 1), banned=st.booleans())
    def come_back(self, number: int, banned: bool) -> None:
        chat, silent = self.people[number].id, self.model.silent
        if banned:
            self.run(current().execute("UPDATE chat SET banned = NULL WHERE id = $1", chat))
        else:
            assert self.run(chats.unblock(chat, self.model.now)) == ("blocked" in silent[chat])
        silent[chat].discard("banned" if banned else "blocked")

    @rule(number=NUMBERS)
    def revoke(self, number: int) -> None:
        chat, token = self.chat_of(number), self.rows_of_tokens[number]
        self.run(revocations.revoke(chat, token, self.model.now))
        self.model.revoke(number)

    @precondition(lambda self: self.model.revoked)
    @rule(number=NUMBERS)
    def undo_a_revocation(self, number: int) -> None:
        chat, token = self.chat_of(number), self.rows_of_tokens[number]
        self.run(revocations.undo(chat, token, self.model.now))
        card = self.run(tokens.card(chat, token, self.model.now))
        if number in self.model.revoked and card.revoked is None:
            self.model.restore(number)

    @rule()
    def start_again(self) -> None:
        """What a process that was killed had in hand is queued again, under the same random_ids."""
        in_hand = self.model.reclaim()
        assert self.run(claims.reclaim(self.model.now)) == in_hand

    @rule(microseconds=st.sampled_from([1, 500_000, 1_000_000, 5_000_000]))
    def time_passes(self, microseconds: int) -> None:
        self.model.now += timedelta(microseconds=microseconds)

    @invariant()
    def the_rows_are_what_the_model_says(self) -> None:
        """Nothing is lost, no random_id ever changes."""
        if self.model.silent:
            rows = self.run(current().fetch(ROWS))
            assert [stored(row, m) for row, m in zip(rows, self.model.rows, strict=True)] == self.model.rows

    @invariant()
    def what_falls_due_is_known(self) -> None:
        model = self.model
        if not model.silent:
            return
        wakeups.pop_due(100)
        wakeups.pop_urgent(100)
        following = self.run(outbox.poll(model.now))
        due_chats = [m.chat for m in model.waiting() if m.due <= model.now]
        rung, urgently = wakeups.pop_due(100), wakeups.pop_urgent(100)
        assert set(urgently) >= {chat for chat in due_chats if model.has_urgent(chat)}
        assert rung == [chat for chat in due_chats if chat not in urgently]
        assert urgently == [chat for chat in due_chats if chat not in rung]
        assert following == next((m.due for m in model.waiting() if m.due > model.now), None)
        assert self.run(outbox.oldest_due(model.now)) == model.oldest_due()

    @invariant()
    def each_chat_gets_its_messages_in_order_one_at_a_time(self) -> None:
        assert self.model.out_of_place() == []
        sending = [row.chat for row in self.model.with_status("sending")]
        assert len(sending) == len(set(sending))


_copies = count()


def drive(fresh: Callable[[], str], folder: Path, examples: int) -> None:
    machine = type("Machine", (Outbox,), {"fresh": staticmethod(fresh), "folder": folder})
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
    def fresh() -> str:
        return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / f'{next(_copies)}.sqlite')}"

    drive(fresh, tmp_path / "files", 25)


def test_the_outbox_on_postgresql_does_what_its_model_does(postgresql: str, tmp_path: Path) -> None:
    def fresh() -> str:
        with asyncio.Runner() as runner:
            runner.run(_empty(postgresql))
        return postgresql

    drive(fresh, tmp_path / "files", 8)
