"""What a person was asked, and what is to be done in their chat later."""

from datetime import timedelta

from djangobot.db.delivery import scheduled
from djangobot.db.people import chats

from ..conftest import MINUTE, World


async def test_a_question_is_answered_once(world: World) -> None:
    """The text after the answer is a text like any other."""
    person = await world.person()
    await chats.ask(person.id, "token_rename:7", world.now)
    assert (await chats.get(person.id) or person).asked == "token_rename:7"
    assert await chats.take_asked(person.id, world.now + 9 * MINUTE) == "token_rename:7"
    assert await chats.take_asked(person.id, world.now + 9 * MINUTE) is None


async def test_an_old_question_is_forgotten(world: World) -> None:
    """After ten minutes a text is no answer any more."""
    person = await world.person()
    await chats.ask(person.id, "zone:", world.now)
    assert await chats.take_asked(person.id, world.now + chats.ASKED_FOR) is None


async def test_a_chore_is_due_in_its_time_until_it_is_done(world: World) -> None:
    """What is put for one message again replaces what was to be done about it."""
    person = await world.person()
    await scheduled.put(person.id, "code", 5, "expired", world.now + 10 * MINUTE)
    assert await scheduled.due(world.now, 10) == []
    assert await scheduled.next_due() == world.now + 10 * MINUTE
    await scheduled.put(person.id, "code", 5, "used", world.now)
    (chore,) = await scheduled.due(world.now, 10)
    assert (chore.chat, chore.kind, chore.message, chore.argument) == (person.id, "code", 5, "used")
    await scheduled.done(chore)
    assert await scheduled.next_due() is None


async def test_a_chore_that_was_replaced_while_it_was_done_stays(world: World) -> None:
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
