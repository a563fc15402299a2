"""Secrets of tokens: sealed in the database, changed once by each press, gone with the token."""

import pytest

from djangobot.db.engine import current
from djangobot.db.errors import FieldsInvalid, TokenNotFound
from djangobot.db.messages import acceptance
from djangobot.db.people import erasure
from djangobot.db.programs import token_secrets
from djangobot.db.programs.token_secrets import SecretState

from ..conftest import MINUTE, NOW, World

KEY = "a key of 32 bytes, for tests only"


async def test_a_secret_is_stored_sealed(world: World) -> None:
    """The database alone does not tell it."""
    person = await world.person()
    token = (await acceptance.sender(await world.link(await world.account(), person), NOW)).token
    assert await token_secrets.of_token(token, KEY) is None
    assert await token_secrets.put(person.id, token, "secret-one", KEY, version=0)
    (row,) = await current().fetch("SELECT sealed FROM token_secret")
    assert "secret-one" not in row["sealed"]
    assert await token_secrets.of_token(token, KEY) == "secret-one"


async def test_each_version_is_replaced_once(world: World) -> None:
    """A button that is pressed twice does not make two secrets."""
    person, stranger = await world.person(), await world.person()
    token = (await acceptance.sender(await world.link(await world.account(), person), NOW)).token
    assert not await token_secrets.put(stranger.id, token, "secret-one", KEY, version=0)
    assert await token_secrets.put(person.id, token, "secret-one", KEY, version=0)
    assert not await token_secrets.put(person.id, token, "secret-two", KEY, version=0)
    await token_secrets.note_refused(token, "github", NOW)
    assert await token_secrets.state(person.id, token) == SecretState(1, 1, NOW)
    assert not await token_secrets.put(stranger.id, token, "secret-two", KEY, version=1)
    assert await token_secrets.put(person.id, token, "secret-two", KEY, version=1)
    assert await token_secrets.state(person.id, token) == SecretState(2)
    assert await token_secrets.of_token(token, KEY) == "secret-two"
    await token_secrets.remove(stranger.id, token)
    await token_secrets.remove(person.id, token)
    assert await token_secrets.of_token(token, KEY) is None
    with pytest.raises(TokenNotFound):
        await token_secrets.state(stranger.id, token)


@pytest.mark.parametrize("secret", ["", "short", "with space", "ключ-ключ", "x" * 201, "a\nb-long-enough"])
async def test_a_secret_is_one_visible_word(world: World, secret: str) -> None:
    """It is written into forms and headers."""
    with pytest.raises(FieldsInvalid):
        await token_secrets.put(1, 1, secret, KEY, version=0)


async def test_wrong_signatures_are_told_for_a_week_and_go_with_the_person(world: World) -> None:
    """By the token's name and first characters."""
    person = await world.person()
    value = await world.link(await world.account(), person)
    token = (await acceptance.sender(value, NOW)).token
    await token_secrets.put(person.id, token, "secret-one", KEY, version=0)
    await token_secrets.note_refused(token, "github", NOW)
    await token_secrets.note_refused(token, "gitlab", NOW)
    (told,) = await token_secrets.refused(NOW + MINUTE)
    assert (told.prefix, told.format, told.times, told.latest) == (value[:4], "gitlab", 2, NOW)
    assert await token_secrets.refused(NOW + token_secrets.LOOKED_BACK) == []
    await erasure.erase(person.id, NOW)
    assert await current().fetch("SELECT id FROM token_secret") == []
