"""What a person was asked in the chat."""

from djangobot.db.people import chats, questions

from ..conftest import MINUTE, World


async def test_a_question_is_answered_once(world: World) -> None:
    """The text after the answer is a text like any other."""
    person = await world.person()
    await questions.ask(person.id, "token_rename:7", world.now)
    assert (await chats.get(person.id) or person).question == "token_rename:7"
    assert await questions.pop_question(person.id, world.now + 9 * MINUTE) == "token_rename:7"
    assert await questions.pop_question(person.id, world.now + 9 * MINUTE) is None


async def test_an_old_question_is_forgotten(world: World) -> None:
    """After ten minutes a text is no answer any more."""
    person = await world.person()
    await questions.ask(person.id, "zone:", world.now)
    assert await questions.pop_question(person.id, world.now + questions.ANSWER_WITHIN) is None
