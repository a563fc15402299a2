"""What a session remembers of the message ids it has received."""

import random
import time
import tracemalloc

from djangobot.bot.sandbox.mtproto.message_ids import REMEMBERED, ReceivedIds

FIRST = int(time.time() * 4294967296) & ~3


def test_ids_in_any_order_are_recognised() -> None:
    """Each that was added is known, and none besides."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    ids, received = [FIRST + 4 * number for number in range(200)], ReceivedIds()
    added = dice.sample(ids, 100)
    for number in added + dice.sample(added, 20):
        received.add(number)
    assert [number for number in ids if number in received] == sorted(added)


def test_the_oldest_id_is_forgotten_and_what_is_older_still_is_too_old() -> None:
    """A repeat of it could not be recognised, so it is refused."""
    received = ReceivedIds()
    for number in range(REMEMBERED):
        received.add(FIRST + 4 * number)
    assert FIRST in received
    assert not received.too_old(FIRST)
    received.add(FIRST + 4 * REMEMBERED)
    assert FIRST not in received
    assert received.too_old(FIRST)
    assert FIRST + 4 in received
    assert not received.too_old(FIRST + 4)


def test_an_id_costs_little() -> None:
    """A hundred busy sessions hold hundreds of thousands of them."""
    tracemalloc.start()
    try:
        received = ReceivedIds()
        for number in range(2 * REMEMBERED):
            received.add(FIRST + 4 * number)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert FIRST + 4 * REMEMBERED in received
    assert held < 16 * REMEMBERED
