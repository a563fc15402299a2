"""What is to be done in a chat later."""

from datetime import timedelta

from djangobot.db.delivery import scheduled

from ..conftest import MINUTE, World


async def test_a_scheduled_job_is_due_in_its_time_until_it_is_done(world: World) -> None:
    """What is put for one message again replaces what was to be done about it."""
    person = await world.person()
    await scheduled.put(person.id, "code", 5, "expired", world.now + 10 * MINUTE)
    assert await scheduled.due(world.now, 10) == []
    assert await scheduled.next_due() == world.now + 10 * MINUTE
    await scheduled.put(person.id, "code", 5, "used", world.now)
    (job,) = await scheduled.due(world.now, 10)
    assert (job.chat, job.kind, job.message, job.argument) == (person.id, "code", 5, "used")
    await scheduled.done(job)
    assert await scheduled.next_due() is None


async def test_a_scheduled_job_that_was_replaced_while_it_was_done_stays(world: World) -> None:
    """Done, put off or dropped is what was seen, not what came after it."""
    person = await world.person()
    await scheduled.put(person.id, "code", 5, "expired", world.now)
    (seen,) = await scheduled.due(world.now, 10)
    await scheduled.put(person.id, "code", 5, "used", world.now)
    await scheduled.done(seen)
    await scheduled.postpone(seen, world.now + timedelta(days=1))
    (left,) = await scheduled.due(world.now, 10)
    assert left.argument == "used"
    await scheduled.postpone(left, world.now + MINUTE)
    assert await scheduled.next_due() == world.now + MINUTE
    await scheduled.drop(person.id, "code", 5)
    assert await scheduled.next_due() is None
