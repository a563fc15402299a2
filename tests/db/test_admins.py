"""Admins and what they did, on both databases."""

from djangobot.db import admins, audit, overview

from .conftest import NOW, World


async def test_the_last_admin_stays(world: World) -> None:
    """Unless the settings name others; those cannot be dismissed."""
    assert await admins.appoint(1, 0, NOW)
    assert not await admins.appoint(1, 0, NOW)
    assert await admins.dismiss(1, 1, (), NOW) == "the last"
    assert await admins.dismiss(7, 1, (7,), NOW) == "of the settings"
    assert await admins.dismiss(9, 1, (), NOW) == "no admin"
    assert await admins.every((7,)) == [7, 1]
    assert await admins.dismiss(1, 7, (7,), NOW) == "dismissed"
    assert not await admins.is_admin(1, (7,))
    assert await admins.is_admin(7, (7,))


async def test_each_deed_is_written_down_once(world: World) -> None:
    """Newest first, in pages."""
    await admins.appoint(1, 7, NOW)
    await admins.appoint(1, 7, NOW)
    await admins.appoint(2, 1, NOW)
    await admins.dismiss(1, 2, (), NOW)
    deeds = await audit.page(2)
    assert [(deed.who, deed.action, deed.target, deed.before, deed.after) for deed in deeds] == [
        (2, "dismiss", "1", "true", "false"),
        (1, "appoint", "2", "false", "true"),
    ]
    (first,) = await audit.page(2, before=deeds[-1].id)
    assert (first.who, first.action, first.target) == (7, "appoint", "1")


async def test_an_overview_tells_what_is_so(world: World) -> None:
    """Also of an empty database."""
    empty = await overview.overview(NOW)
    assert (empty.depth, empty.oldest_due, empty.accepted, empty.sent) == (0, None, 0, 0)
    assert empty.size > 0
    assert await overview.standing(NOW) == overview.Standing()
    assert await overview.causes(5) == []
    await world.link(await world.account(), await world.person())
    counts = await overview.counts()
    assert (counts.accounts, counts.chats, counts.tokens, counts.messages) == (1, 1, 1, {"sent": 1})
