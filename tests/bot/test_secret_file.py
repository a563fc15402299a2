"""Secrets in files: made once, whole, and for their owner alone."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from djangobot.bot import secret_file
from djangobot.bot.environment import SettingsError
from djangobot.bot.settings import load


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", b"\xff" * 40])
@pytest.mark.parametrize("name", ["jwt_secret", "session_key"])
def test_a_secret_file_that_holds_none_is_refused_by_name(content: bytes, name: str, tmp_path: Path) -> None:
    """A first start on a full disk left one; nothing may be signed or sealed with it."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=f"{name} holds no secret of at least 32 bytes"):
        load({"DJANGOBOT_DATA": str(tmp_path)}).prepared()


def test_secret_files_are_whole_or_not_there_and_made_once(tmp_path: Path) -> None:
    """Of several that make one at the same moment all get the same, and nothing is left beside it."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: secret_file.kept(tmp_path / "jwt_secret"), range(32)))
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["jwt_secret"]


def test_a_disk_that_is_full_leaves_no_empty_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start makes it."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SettingsError, match="No space left"):
            load({"DJANGOBOT_DATA": str(tmp_path)}).prepared()
    assert list(tmp_path.iterdir()) == []
    assert len(load({"DJANGOBOT_DATA": str(tmp_path)}).prepared().jwt_secret) >= 32


def test_the_jwt_secret_is_generated_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Access tokens outlive a restart, and nobody else can read what signs them."""
    settings = load({"DJANGOBOT_DATA": str(tmp_path / "data")})
    first, second = settings.prepared(), settings.prepared()
    assert len(first.jwt_secret) >= 32
    assert first.jwt_secret == second.jwt_secret
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "jwt_secret").stat().st_mode) == 0o600
