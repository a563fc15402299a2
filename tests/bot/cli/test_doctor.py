"""`djangobot doctor`, check by check."""

from pathlib import Path

import pytest

from djangobot.bot.cli.doctor import examine
from djangobot.bot.settings import Settings


@pytest.mark.parametrize(
    ("limit", "floor", "good", "says"),
    [
        (1, 0, True, "up to 1 MiB a message"),
        (2000, 1_000_000_000, False, "make room, or lower DJANGOBOT_FILE_LIMIT"),
    ],
)
async def test_the_doctor_knows_whether_the_disk_has_room_for_files(
    tmp_path: Path, limit: int, floor: int, good: bool, says: str
) -> None:
    """The files of one message, and what must stay free."""
    url = f"sqlite:///{tmp_path / 'djangobot.sqlite'}"
    settings = Settings(database_url=url, data=tmp_path, file_limit=limit, disk_floor=floor)
    (finding,) = [one for one in await examine(settings, bot=False) if one.about == "files"]
    assert finding.good is good
    assert says in finding.says
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a folder of this test
