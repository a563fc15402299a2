"""Networks of accounts: where an owner may try a password whatever strangers try elsewhere."""

from datetime import timedelta

from djangobot.db.programs import account_networks, accounts
from djangobot.db.programs.account_networks import KNOWN_FOR, KNOWN_MOST, NOTED_EVERY, AccountNetwork

from ..conftest import NOW, World

HERE = "192.0.2.7"


async def test_an_address_is_known_after_a_sign_in_for_that_account_alone(world: World) -> None:
    account = await world.account()
    await world.account("other")
    assert not await account_networks.known("owner", HERE, NOW)
    await account_networks.note(account.id, HERE, NOW)
    assert await account_networks.known("owner", HERE, NOW)
    for login, address in (("owner", "192.0.2.8"), ("other", HERE), ("nobody", HERE)):
        assert not await account_networks.known(login, address, NOW)


async def test_an_address_is_forgotten_when_it_was_not_used_for_long(world: World) -> None:
    """Each use begins the time anew."""
    account = await world.account()
    await account_networks.note(account.id, HERE, NOW)
    again = NOW + NOTED_EVERY
    await account_networks.note(account.id, HERE, again)
    assert await account_networks.known("owner", HERE, again + KNOWN_FOR - timedelta(seconds=1))
    assert not await account_networks.known("owner", HERE, again + KNOWN_FOR)


async def test_the_addresses_last_used_are_kept_and_no_more(world: World) -> None:
    """However many an account signs in from."""
    account = await world.account()
    for number in range(KNOWN_MOST + 5):
        await account_networks.note(account.id, f"192.0.2.{number}", NOW + timedelta(seconds=number))
    assert await AccountNetwork.count() == KNOWN_MOST
    assert not await account_networks.known("owner", "192.0.2.4", NOW)
    assert await account_networks.known("owner", "192.0.2.5", NOW)


async def test_a_new_password_makes_every_address_strange(world: World) -> None:
    """Whoever knew the former one is nobody special; another name changes nothing."""
    account = await world.account()
    await account_networks.note(account.id, HERE, NOW)
    await accounts.change(account, name="Another", password="password1234")
    assert await account_networks.known("owner", HERE, NOW)
    await accounts.change(account, password="another password")
    assert not await account_networks.known("owner", HERE, NOW)


async def test_an_account_that_is_gone_leaves_no_address(world: World) -> None:
    """Neither before nor after a sign-in that was under way."""
    account = await world.account()
    await account_networks.note(account.id, HERE, NOW)
    await accounts.remove(account, now=NOW)
    await account_networks.note(account.id, HERE, NOW)
    assert await AccountNetwork.count() == 0
