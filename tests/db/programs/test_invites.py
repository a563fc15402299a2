"""Invites: each lets one account in, once, while it is good."""

import asyncio
from datetime import timedelta

import pytest

from djangobot.db import audit
from djangobot.db.engine import current
from djangobot.db.errors import InviteInvalid, InviteMissing, LoginTaken, RegistrationClosed
from djangobot.db.programs import accounts, invites
from djangobot.db.programs.accounts import Account

from ..conftest import NOW, World


async def register(login: str, word: str | None) -> Account:
    return await accounts.register("Guest", login, "password1234", NOW, registration="invite", invite=word)


async def test_of_many_who_use_one_invite_at_once_one_gets_in(world: World) -> None:
    """And the others leave no account behind."""
    _, word = await invites.make(1, NOW)
    tries = await asyncio.gather(*(register(f"guest{n}", word) for n in range(8)), return_exceptions=True)
    assert sum(isinstance(found, Account) for found in tries) == 1
    assert sum(isinstance(found, InviteInvalid) for found in tries) == 7
    assert await Account.count() == 1
    (used,) = await invites.page(NOW, 10)
    assert (used.used, used.login) == (NOW, next(one.login for one in tries if isinstance(one, Account)))


async def test_a_registration_that_fails_has_used_no_invite(world: World) -> None:
    await world.account("taken")
    _, word = await invites.make(1, NOW)
    with pytest.raises(LoginTaken):
        await register("taken", word)
    assert (await register("free", word)).login == "free"


async def test_an_invite_that_is_wrong_revoked_or_over_lets_nobody_in(world: World) -> None:
    """One sentence for all of them, and before it is known whether the login is taken."""
    await world.account("taken")
    number, revoked = await invites.make(1, NOW)
    assert await invites.revoke(number, 1, NOW)
    assert not await invites.revoke(number, 1, NOW)
    _, over = await invites.make(1, NOW - invites.VALID_FOR)
    for word in (revoked, over, "", "no such word", "a" * 100_000, "\0", "\ud800"):
        with pytest.raises(InviteInvalid):
            await register("taken", word)
    with pytest.raises(InviteMissing):
        await register("taken", None)
    with pytest.raises(RegistrationClosed):
        await accounts.register("n", "taken", "password1234", NOW, registration="closed", invite=revoked)


async def test_the_word_is_kept_nowhere(world: World) -> None:
    """Its digest alone; who made and who revoked it stands in the audit."""
    number, word = await invites.make(7, NOW)
    await invites.revoke(number, 8, NOW)
    rows = await current().fetch("SELECT * FROM invite")
    assert word not in str(rows)
    entries = await audit.page(10)
    assert [(entry.actor, entry.action, entry.target) for entry in entries] == [
        (8, "revoke invite", f"invite {number}"), (7, "invite", f"invite {number}"),
    ]  # fmt: skip
    assert word not in str(entries)


async def test_old_invites_go(world: World) -> None:
    """A month after their end."""
    await invites.make(1, NOW)
    await invites.make(1, NOW + invites.VALID_FOR + invites.KEPT_FOR + timedelta(seconds=1))
    rows = await current().fetch("SELECT id FROM invite")
    assert len(rows) == 1
