"""Reports to admins: once for each change, rarely for one that comes and goes, known to the next process."""

from djangobot.db.admin.alerts import COOL_DOWN, Reports

from ..conftest import MINUTE, NOW, World


def test_each_change_is_reported_once() -> None:
    """That a cause holds, and that it is over; nothing in between."""
    reports = Reports()
    assert not reports.is_due("disk", False, NOW)
    assert reports.is_due("disk", True, NOW)
    reports.note("disk", True, NOW)
    assert not reports.is_due("disk", True, NOW + COOL_DOWN)
    assert reports.is_due("disk", False, NOW + MINUTE)
    reports.note("disk", False, NOW + MINUTE)
    assert not reports.is_due("disk", False, NOW + MINUTE)


def test_a_cause_that_comes_back_soon_is_not_reported_again() -> None:
    """The hour counts from the report that it holds, not from the one that it is over."""
    reports = Reports()
    reports.note("disk", True, NOW)
    reports.note("disk", False, NOW + MINUTE)
    assert not reports.is_due("disk", True, NOW + COOL_DOWN - MINUTE)
    assert reports.is_due("disk", True, NOW + COOL_DOWN)


async def test_the_next_process_knows_what_was_reported(world: World) -> None:
    """What was noted while the database was away is stored later."""
    reports = Reports()
    reports.note("database", True, NOW)
    await reports.save(NOW + MINUTE)
    another = Reports()
    await another.recall()
    assert another.last == {"database": reports.last["database"]}
    assert another.is_due("database", False, NOW + MINUTE)
