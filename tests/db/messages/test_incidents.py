"""Incidents: which delivery opens one, which closes it, and which comes too late, on either database."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from djangobot.db.engine import current
from djangobot.db.errors import TokenInvalid
from djangobot.db.messages import acceptance, incidents
from djangobot.db.messages.incidents import State, Step, Update
from djangobot.db.people import erasure

from ..conftest import NOW, World


class Things:
    """One thing of one token, and what is told about it."""

    def __init__(self, token: int) -> None:
        self.token = token

    async def follow(self, minutes: int = 0, partial: bool = False, **states: tuple[float, bool]) -> Step:
        told: Mapping[str, State] = {name: State(*state) for name, state in states.items()}
        update = Update("group", told, partial=partial)
        return await incidents.follow(self.token, update, NOW + timedelta(minutes=minutes))


@pytest.fixture
async def things(world: World) -> Things:
    person = await world.person()
    token = await world.link(await world.account(), person)
    return Things((await acceptance.sender(token, NOW)).token)


async def test_an_incident_has_one_name_from_its_beginning_to_its_end(things: Things) -> None:
    """Firing, more firing, partly resolved, resolved; the end says how long it took."""
    first = await things.follow(a=(1, True))
    more = await things.follow(a=(1, True), b=(2, True))
    partly = await things.follow(a=(3, False), b=(2, True))
    over = await things.follow(12, b=(4, False))
    assert {first.key, more.key, partly.key, over.key} == {first.key}
    assert [step.lasted for step in (first, more, partly, over)] == [None, None, None, timedelta(minutes=12)]
    assert not any(step.late for step in (first, more, partly, over))


async def test_the_next_incident_has_another_name(things: Things) -> None:
    """An edit makes no sound: what fires again is a new message."""
    first = await things.follow(a=(1, True))
    await things.follow(a=(2, False))
    again = await things.follow(5, a=(3, True))
    assert again.key != first.key
    assert (await things.follow(9, a=(4, False))).lasted == timedelta(minutes=4)


async def test_what_comes_too_late_is_told_so(things: Things) -> None:
    """Also when nothing in it is older, but an open state is missing that was told before."""
    await things.follow(a=(1, True), b=(2, True))
    assert (await things.follow(a=(1, True))).late
    assert not (await things.follow(a=(1, True), partial=True)).late
    await things.follow(a=(3, False), b=(4, False))
    assert (await things.follow(a=(1, True), b=(2, True))).late
    assert (await things.follow(a=(1, True))).late


async def test_an_alert_that_nobody_knew_is_never_late(things: Things) -> None:
    """It may have begun before the end of another one that closed the incident."""
    first = await things.follow(a=(10, True))
    await things.follow(a=(20, False))
    other = await things.follow(b=(15, True))
    assert not other.late
    assert other.key != first.key


async def test_a_repeat_is_the_same_step(things: Things) -> None:
    """A delivery that broke off in the middle is sent again, and must find what it found before."""
    assert await things.follow(a=(1, True)) == await things.follow(a=(1, True))
    over = await things.follow(3, a=(2, False))
    assert await things.follow(3, a=(2, False)) == over
    assert over.lasted == timedelta(minutes=3)


async def test_an_end_without_a_beginning_lasted_nobody_knows_how_long(things: Things) -> None:
    """Nobody subscribed to the beginning; each end is a message of its own."""
    first, second = await things.follow(a=(1, False)), await things.follow(a=(2, False))
    assert (first.lasted, second.lasted) == (None, None)
    assert first.key != second.key


async def test_of_many_parts_the_newest_are_kept(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row has a bound, whatever is sent."""
    monkeypatch.setattr(incidents, "STATES_MOST", 3)
    for name in ("part", "more"):
        states = {f"{name}{number}": State(number, open=True) for number in range(9)}
        await incidents.follow(things.token, Update("group", states), NOW)
    (row,) = await current().fetch("SELECT states FROM incident")
    assert len(incidents._decoder.decode(row["states"])) == 3


async def test_nothing_of_it_outlives_the_token(world: World) -> None:
    """Erasing the person deletes it; a delivery that comes then is refused."""
    person = await world.person()
    token = await world.link(await world.account(), person)
    things = Things((await acceptance.sender(token, NOW)).token)
    await things.follow(a=(1, True))
    await erasure.erase(person.id, NOW)
    assert await current().fetch("SELECT id FROM incident") == []
    with pytest.raises(TokenInvalid):
        await things.follow(a=(1, True))


async def test_what_was_silent_for_long_is_forgotten(things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of many deliveries sweeps."""
    monkeypatch.setattr(incidents, "SWEEP_EVERY", 1)
    await things.follow(a=(1, True))
    await incidents.follow(things.token, Update("other", {"": State(1, open=True)}), NOW + incidents.KEPT * 2)
    assert len(await current().fetch("SELECT id FROM incident")) == 1
