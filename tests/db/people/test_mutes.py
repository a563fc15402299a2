"""Mutes: a person hides senders of theirs, and no others."""

from djangobot.db.people import mutes

from ..conftest import MINUTE, World


async def test_nobody_mutes_who_never_wrote_to_them(world: World) -> None:
    """An account without a token for this person is none of their senders."""
    ci, person, other = await world.account(name="CI"), await world.person(), await world.person()
    await world.link(ci, person)
    assert not await mutes.mute(other.id, ci.id, world.now + MINUTE)
    assert await mutes.senders(other.id, world.now) == []
    assert [sender.name for sender in await mutes.senders(person.id, world.now)] == ["CI"]
