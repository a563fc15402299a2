"""The world in memory: what many messages cost."""

import gc

from djangobot.bot.sandbox.world import Event, Message


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
