"""Guesses at codes: bounded for everybody together, and nobody is locked out."""

import asyncio
import random
from datetime import timedelta

import pytest

from djangobot.db import credentials
from djangobot.db.conf import close_database, open_database
from djangobot.db.engine import current
from djangobot.db.errors import AccessDenied, AccountBanned, CodeInvalid, TooManyWrongCodes
from djangobot.db.people import codes, guesses
from djangobot.db.people.codes import CODE_TTL
from djangobot.db.programs.accounts import Account
from djangobot.db.programs.tokens import BotToken

from ..conftest import NOW, World

LIVING = 100
ALIVE = """
INSERT INTO code (chat, digest, created, expires, length) VALUES ($1, $2, $3, $4, 10)
"""


async def alive(world: World, number: int = LIVING) -> None:
    """So many codes that nobody of the test knows."""
    for _ in range(number):
        person = await world.person()
        await current().execute(ALIVE, person.id, f"{person.id:064}", world.now, world.now + CODE_TTL)


async def guess(account: Account, world: World, network: str | None = None) -> type[Exception] | None:
    """Tries a code that is not alive; what comes of it."""
    try:
        await codes.redeem(account, credentials.new_code(guesses.CODE_LENGTH), world.now, network=network)
    except (CodeInvalid, TooManyWrongCodes) as exc:
        return type(exc)
    return None


async def spend(account: Account, world: World) -> int:
    """Guesses until it is refused; how many were let through."""
    number = 0
    while await guess(account, world) is CodeInvalid:
        number += 1
    return number


async def spent() -> int:
    rows = await current().fetch("SELECT SUM(cost) AS spent FROM wrong_code")
    return int(rows[0]["spent"])


async def test_whoever_guesses_wins_with_less_than_one_in_a_million_a_day(world: World) -> None:
    """However many accounts and networks they have: what all guesses cost together is bounded."""
    await alive(world)
    tried = 0
    for number in range(130):
        account = await world.account(f"guesser{number}")
        tried += await guess(account, world, f"10.0.{number}.0/24") is CodeInvalid
    assert tried == guesses.BUDGET // LIVING
    assert await spent() * 1e-10 <= 1e-6


async def test_one_who_guesses_does_not_use_up_what_is_kept_for_others(world: World) -> None:
    """Their share ends before: an account that has tried nothing wrong redeems its code of ten digits."""
    good, greedy = await world.account("good"), await world.account("greedy")
    await alive(world, LIVING - 1)
    code = await codes.issue(await world.person(), world.now)
    assert await spend(greedy, world) == guesses.OF_ALL // LIVING
    _, token = await codes.redeem(good, code, world.now)
    assert len(token) == 25
    assert await guess(greedy, world) is TooManyWrongCodes


async def test_nobody_is_locked_out_by_guesses(world: World) -> None:
    """When all is spent a new code has twenty digits and lets in whoever has it, also one who was refused."""
    await alive(world)
    early = await codes.issue(await world.person(), world.now)
    assert len(early) == 10
    refused = await world.account("refused")
    await spend(refused, world)
    for number in range(40):
        await guess(await world.account(f"guesser{number}"), world, f"10.0.{number}.0/24")
    with pytest.raises(TooManyWrongCodes) as told:
        await codes.redeem(refused, early, world.now)
    assert 0 < told.value.retry_after <= guesses.DAY.total_seconds()
    person = await world.person()
    code = await codes.issue(person, world.now)
    assert len(code) == 20
    row, _ = await codes.redeem(refused, f"{code[:4]} {code[4:8]}-{code[8:]}", world.now)
    assert (await BotToken.count()) == 1
    assert row.chat == person.id


async def test_wrong_long_codes_cost_nothing(world: World) -> None:
    account = await world.account()
    await alive(world)
    for _ in range(5):
        with pytest.raises(CodeInvalid):
            await codes.redeem(account, credentials.new_code(guesses.LONG_CODE_LENGTH), world.now)
    assert await current().fetch("SELECT id FROM wrong_code") == []


async def test_what_was_alive_is_no_guess(world: World) -> None:
    """Used and expired codes, and any while none is alive, are refused and cost nothing."""
    account = await world.account()
    assert await guess(account, world) is CodeInvalid
    person = await world.person()
    used, expired = await codes.issue(person, world.now), await codes.issue(await world.person(), world.now)
    await codes.redeem(account, used, world.now)
    world.now += CODE_TTL
    await alive(world, 3)
    for code in (used, expired):
        with pytest.raises(CodeInvalid):
            await codes.redeem(account, code, world.now)
    assert await current().fetch("SELECT id FROM wrong_code") == []


async def test_a_day_later_all_is_well(world: World) -> None:
    """The window moves; what is older is not kept."""
    account = await world.account()
    await alive(world)
    assert await spend(account, world) == 80
    assert await guesses.too_many(world.now)
    world.now += guesses.DAY
    assert not await guesses.too_many(world.now)
    assert len(await codes.issue(await world.person(), world.now)) == 10
    await alive(world)
    assert await guess(account, world) is CodeInvalid
    await guesses.tidy(world.now)
    assert len(await current().fetch("SELECT id FROM wrong_code")) == 1


async def test_guesses_outlive_a_restart_and_their_account(world: World, database: str) -> None:
    """In the database, and not bound to who made them."""
    account = await world.account()
    await alive(world)
    assert await spend(account, world) == 80
    await Account.delete(force=True)
    await close_database()
    await open_database(database)
    again = await world.account("again")
    assert await guess(again, world, "10.0.0.0/24") is CodeInvalid, "one of those kept for newcomers"
    assert await guess(again, world, "10.0.0.0/24") is TooManyWrongCodes
    assert await guess(await world.account("next"), world, "10.0.0.0/24") is TooManyWrongCodes


async def test_many_guesses_at_once_are_all_counted(world: World) -> None:
    """On PostgreSQL each has a connection of its own, as if it were a process of its own."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    owners = [await world.account(f"guesser{number}") for number in range(12)]
    await alive(world, 1000)
    order = random.Random(seed).sample([owner for owner in owners for _ in range(3)], 36)
    tries = await asyncio.gather(*(guess(owner, world, f"10.0.{owner.id}.0/24") for owner in order))
    assert tries.count(CodeInvalid) == 10
    assert await spent() == guesses.BUDGET


async def test_an_account_is_let_try_again_as_if_it_had_not_guessed(world: World) -> None:
    """What it has cost stays spent."""
    account = await world.account()
    await alive(world)
    await spend(account, world)
    await guesses.forgive(account.id)
    assert await spent() == guesses.OF_ALL
    assert await guess(account, world) is CodeInvalid
    assert await guess(account, world) is TooManyWrongCodes


async def test_more_codes_alive_than_could_be_tried_once_make_new_ones_long(world: World) -> None:
    """Without anybody having guessed."""
    assert guesses.OF_ALL > LIVING
    await alive(world, 10)
    await current().execute("INSERT INTO wrong_code (time, cost, network) VALUES ($1, $2, '')", NOW, 7991)
    assert len(await codes.issue(await world.person(), world.now)) == 20


async def test_a_code_is_nobodys_whose_access_has_ended(world: World) -> None:
    """Looked at in the same transaction: whoever was banned or changed the password a moment ago."""
    account, person = await world.account(), await world.person()
    code = await codes.issue(person, world.now)
    await Account.update({Account.token_version: 2}, force=True)
    with pytest.raises(AccessDenied):
        await codes.redeem(account, code, world.now)
    await Account.update({Account.token_version: 1, Account.banned: NOW}, force=True)
    with pytest.raises(AccountBanned):
        await codes.redeem(account, code, world.now)
    await Account.update({Account.banned: None}, force=True)
    await codes.redeem(account, code, world.now + timedelta(minutes=1))
