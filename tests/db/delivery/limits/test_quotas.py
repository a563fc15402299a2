"""What may wait: bounds by messages and bytes, for a chat, a token, an account."""

from collections.abc import Iterator
from typing import Any

import pytest

from djangobot.db import state
from djangobot.db.delivery import outbox
from djangobot.db.delivery.limits import quotas
from djangobot.db.delivery.limits.quotas import Bounds
from djangobot.db.errors import TooMuchWaiting
from djangobot.db.messages import acceptance
from djangobot.db.messages.new_message import NewMessage

from ...conftest import World

NONE = {"messages": 0, "bytes": 0, "account_messages": 0, "account_bytes": 0}


def bound(**bounds: int) -> None:
    quotas.bound(Bounds(**{**NONE, **bounds}))


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    quotas.bound(Bounds())


async def filled(token: str, world: World, text: str = "x") -> int:
    """How many more of this text are accepted, one after another."""
    for number in range(1000):
        try:
            await acceptance.accept(token, NewMessage(text), world.now)
        except TooMuchWaiting:
            return number
    raise AssertionError("there is no bound")


@pytest.mark.parametrize("restarted", [False, True])
async def test_so_many_messages_may_wait_and_more_when_some_were_delivered(
    world: World, restarted: bool
) -> None:
    """To the message, however they came to wait; in this process or in the one before."""
    token = await world.link(await world.account(), await world.person())
    bound(messages=13)
    assert await filled(token, world) == 13
    if restarted:
        quotas.forget()
    assert await filled(token, world) == 0
    assert len(await world.deliver()) == 13
    quotas.forget()
    assert await filled(token, world) == 13


async def test_the_bytes_that_wait_are_bounded_whatever_letters_they_are(world: World) -> None:
    """Counted as they are stored."""
    token = await world.link(await world.account(), await world.person())
    bound(bytes=100_000)
    assert await filled(token, world, "Ж" * 1000) == 50


async def test_a_chat_is_bounded_across_its_tokens_and_an_account_across_its_chats(world: World) -> None:
    """Others go on; the refusal names the bound."""
    one, other = await world.account("one"), await world.account("other")
    ann, bob = await world.person(), await world.person()
    to_ann, to_bob = await world.link(one, ann), await world.link(one, bob)
    others_to_ann, others_to_bob = await world.link(other, ann), await world.link(other, bob)
    bound(messages=8)
    assert await filled(to_ann, world) == 8
    with pytest.raises(TooMuchWaiting, match=r"for this person .at most 8 messages"):
        await acceptance.accept(others_to_ann, NewMessage("x"), world.now)
    bound(account_messages=12)
    assert await filled(to_bob, world) == 4
    with pytest.raises(TooMuchWaiting, match=r"of this account .at most 12 messages"):
        await acceptance.accept(to_ann, NewMessage("x"), world.now)
    await acceptance.accept(others_to_bob, NewMessage("x"), world.now)


async def test_a_message_that_was_accepted_before_is_answered_though_there_is_no_room(world: World) -> None:
    """Asked for again under the same key, it adds nothing."""
    token = await world.link(await world.account(), await world.person())
    first = await acceptance.accept(token, NewMessage("x", key="k"), world.now)
    bound(messages=1)
    again = await acceptance.accept(token, NewMessage("x", key="k"), world.now)
    assert (again.id, again.repeated) == (first.id, True)
    with pytest.raises(TooMuchWaiting):
        await acceptance.accept(token, NewMessage("x", key="other"), world.now)


async def test_room_is_not_counted_for_every_message(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few counts for a thousand messages."""
    token = await world.link(await world.account(), await world.person())
    counts: list[str] = []
    real = quotas._count

    async def noting(kind: str, whose: Any) -> None:
        counts.append(kind)
        await real(kind, whose)

    monkeypatch.setattr(quotas, "_count", noting)
    quotas.bound(Bounds())
    for _ in range(300):
        await acceptance.accept(token, NewMessage("x"), world.now)
    assert len(counts) <= 3
    assert await outbox.depth() == 300
    await state.probe(world.now)
