"""The world in memory: what many messages cost."""

import gc
import tracemalloc
from pathlib import Path

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world import Event, Message, World

TEXT = b"A message of usual length, such as programs send: build 4711 has passed in 93 seconds."


def fill(world: World, count: int) -> list[Message]:
    """Messages of ten bots, each to a person of its own."""
    made = []
    for number in range(count):
        bot = 10_000 + number % 10
        made.append(
            world.store(bot, bot + 10, from_bot=True, text=TEXT.decode(), random_id=(1 << 40) + number)
        )
        if number % 100 == 0:
            world.state.commit()
    world.state.commit()
    return made


def test_the_garbage_collector_walks_no_message_and_no_event() -> None:
    """Else each full collection would stop the sandbox for longer, the more it holds."""
    kept = [
        Message(
            bot=1,
            person=2,
            id=number,
            person_side_id=number,
            from_bot=True,
            date=0,
            text="text",
        )
        for number in range(10)
    ]
    logged = [Event(kind="delete", count=2, ids=(number, number + 1)) for number in range(10)]
    gc.collect()  # which is when Python finds out that a tuple refers to nothing it has to walk
    walked = {id(thing) for thing in gc.get_objects()}
    parts = [*kept, *(message.entities for message in kept), *logged, *(event.ids for event in logged)]
    assert not walked.intersection(map(id, parts))


def test_a_message_costs_little_memory(tmp_path: Path) -> None:
    """Under 600 bytes with its text, its places in both boxes and in its chat: 60 MB for 100 000 of them."""
    count = 10_000
    state = State(tmp_path)
    world = World(state)
    tracemalloc.start()
    try:
        fill(world, count)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        state.close()
    assert held < 600 * count


def test_boxes_share_the_numbers_they_count_with(tmp_path: Path) -> None:
    """Also after a start: the tenth message of every box has one id, and one object for it."""
    state = State(tmp_path)
    made = fill(World(state), 6_000)
    state.close()
    state = State(tmp_path)
    world = World(state)
    again = [message for bot in range(10_000, 10_010) for message in world.history(bot, bot + 10)]
    state.close()
    for messages in (made, again):
        assert sorted({message.id for message in messages}) == list(range(1, 601))
        assert len({id(message.id) for message in messages}) == 600
        assert len({id(message.person_side_pts) for message in messages}) == 600
