"""Attempts at passwords and codes: one count for all processes, which a restart does not forget."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from djangobot.db.conf import close_database, open_database
from djangobot.db.engine import current
from djangobot.db.errors import CodeInvalid, DatabaseUnavailable, TooManyRequests, WrongCredentials
from djangobot.db.programs import attempts
from djangobot.db.programs.attempts import CODES, KEPT, PASSWORDS, SIGN_INS

from ..conftest import NOW

HERE = "192.0.2.7"
AROUND = "192.0.2.0/24"
LOGIN = "a login that may be a password"


async def guess(address: str = HERE, around: str | None = None, now: datetime = NOW) -> bool:
    """Tries a wrong password. Returns whether it was let through."""
    try:
        async with attempts.sign_in(LOGIN, address, around, now):
            raise WrongCredentials
    except WrongCredentials:
        return True
    except TooManyRequests:
        return False


async def refused_for(now: datetime = NOW) -> float:
    """How long the login is told to wait here."""
    with pytest.raises(TooManyRequests) as refused:
        async with attempts.sign_in(LOGIN, HERE, None, now):
            raise AssertionError("it was let through")
    return refused.value.retry_after


async def rows() -> list[dict[str, object]]:
    return await current().fetch("SELECT * FROM attempt ORDER BY id")


async def test_the_window_moves_and_only_wrong_ones_fill_it(database: str) -> None:
    """A right one gives no room back and takes none; a fault of the service is nobody's guess."""
    for _ in range(5):
        async with attempts.sign_in(LOGIN, HERE, None, NOW):
            pass
        with pytest.raises(OSError, match="away"):
            async with attempts.sign_in(LOGIN, HERE, None, NOW):
                raise OSError("away")
    for number in range(PASSWORDS.most):
        assert await guess(now=NOW + timedelta(seconds=number))
    assert await refused_for(NOW + timedelta(seconds=30)) == PASSWORDS.seconds - 30
    assert await guess("192.0.2.8", now=NOW + timedelta(seconds=30)), "another address"
    assert await guess(now=NOW + timedelta(seconds=PASSWORDS.seconds))
    assert not await guess(now=NOW + timedelta(seconds=PASSWORDS.seconds))


async def test_many_at_once_are_let_through_as_often_as_one_after_another(database: str) -> None:
    """On PostgreSQL each has a connection of its own, as if it were a process of its own."""
    tries = await asyncio.gather(*(guess() for _ in range(2 * PASSWORDS.most)))
    assert tries.count(True) == PASSWORDS.most


async def test_strangers_together_have_a_first_guess_each_and_few_more(database: str) -> None:
    """Also when all of a neighbourhood guess at once."""
    crowd = [guess(f"10.0.{place}.{host}", f"10.0.{place}.0/24") for place in range(3) for host in range(20)]
    tries = await asyncio.gather(*crowd)
    assert tries.count(True) == 3 + attempts.OTHERS.most
    assert await guess("10.0.9.1", "10.0.9.0/24"), "the first one of another neighbourhood"
    assert await guess("10.0.0.1"), "an address that is known"


async def test_sign_ins_of_an_address_are_counted_together_right_or_wrong(database: str) -> None:
    """Whichever the login; a password that is asked for again is no sign-in."""
    for number in range(SIGN_INS.most):
        async with attempts.sign_in(f"login {number}", HERE, None, NOW):
            pass
    assert await refused_for() == SIGN_INS.seconds
    async with attempts.password(LOGIN, HERE, None, NOW):
        pass
    assert await guess(now=NOW + timedelta(seconds=SIGN_INS.seconds))


async def test_what_is_under_way_may_prove_wrong(database: str) -> None:
    """It takes room until it ends, and who is refused for it may come again soon."""
    async with contextlib.AsyncExitStack() as running:
        for _ in range(PASSWORDS.most):
            await running.enter_async_context(attempts.sign_in(LOGIN, HERE, None, NOW))
        assert await refused_for() == 2
    assert await guess()


async def test_a_process_that_dies_leaves_what_it_tried_counted_for_a_while(database: str) -> None:
    """Nobody was told the outcome, so it need not count as long as a wrong one."""

    async def die() -> None:
        async with attempts.sign_in(LOGIN, HERE, AROUND, NOW):
            raise asyncio.CancelledError

    for _ in range(PASSWORDS.most):
        with pytest.raises(asyncio.CancelledError):
            await die()
    assert not await guess(around=AROUND)
    await attempts.tidy(NOW + KEPT)
    assert await guess(around=AROUND)


@pytest.fixture
def same_key() -> Iterator[None]:
    """The key that several processes have."""
    before = attempts._key
    attempts.use_key("a secret that the database does not have")
    yield
    attempts._key = before


async def test_a_restart_forgets_nothing(database: str, same_key: None) -> None:
    """Neither passwords nor codes: the next process on the database has the same count."""
    for _ in range(PASSWORDS.most):
        assert await guess()
    for _ in range(CODES.most):
        with pytest.raises(CodeInvalid):
            async with attempts.code(17, HERE, NOW):
                raise CodeInvalid
    await close_database()
    attempts._key = b""
    await open_database(database)
    attempts.use_key("a secret that the database does not have")
    assert await refused_for() == PASSWORDS.seconds
    with pytest.raises(TooManyRequests) as refused:
        async with attempts.code(17, HERE, NOW):
            pass
    assert refused.value.retry_after == CODES.seconds
    async with attempts.code(18, HERE, NOW):
        pass


async def test_a_wrong_password_that_is_not_recorded_is_not_answered(database: str) -> None:
    """Or it would be a guess for nothing. A right one is answered all the same."""

    async def guess_while_it_goes_away() -> None:
        async with attempts.sign_in(LOGIN, HERE, None, NOW):
            await close_database()
            raise WrongCredentials

    with pytest.raises(DatabaseUnavailable):
        await guess_while_it_goes_away()
    await open_database(database)
    async with attempts.sign_in(LOGIN, HERE, None, NOW):
        await close_database()
    await open_database(database)


async def test_nothing_tells_who_tried_and_nothing_stays(database: str) -> None:
    """A login is no text in the database, for people type passwords there; neither is an address."""
    await guess(around=AROUND)
    await guess()
    stored = json.dumps(await rows(), default=str)
    assert all(word not in stored for word in (LOGIN, HERE, AROUND, "192.0"))
    await attempts.tidy(NOW + KEPT)
    (stranger,) = await rows()
    assert stranger["first"]
    await attempts.tidy(NOW + attempts.DAY)
    assert await rows() == []


async def test_a_flood_does_not_fill_the_disk(database: str) -> None:
    """The newest are kept, also when more than one step is to be removed."""
    fill = (
        "INSERT INTO attempt (kind, time, subject, address, neighbourhood, until) VALUES ($1,$2,$3,$4,$5,$6)"
    )
    until = NOW + attempts.DAY
    flood = [("code", NOW, str(number), "", "", until) for number in range(2 * attempts.STEP + 10)]
    await current().execute_all([(fill, flood)])
    await attempts.tidy(NOW, 7)
    assert [row["subject"] for row in await rows()] == [row[2] for row in flood[-7:]]


async def test_an_account_that_is_forgiven_may_try_again_and_its_address_has_what_it_had(
    database: str,
) -> None:
    """Other accounts have tried nothing less by it."""
    for _ in range(PASSWORDS.most):
        await guess()
    for _ in range(CODES.most):
        with pytest.raises(CodeInvalid):
            async with attempts.code(17, HERE, NOW):
                raise CodeInvalid
    await attempts.forgive(17, LOGIN)
    async with attempts.code(17, HERE, NOW):
        pass
    for _ in range(PASSWORDS.most):
        assert await guess()
    for number in range(SIGN_INS.most - 2 * PASSWORDS.most):
        async with attempts.sign_in(f"login {number}", HERE, None, NOW):
            pass
    with pytest.raises(TooManyRequests):
        async with attempts.sign_in("another login", HERE, None, NOW):
            pass
