"""The environment and its `.env` file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from djangobot.bot.environment import SettingsError, environment


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("DJANGOBOT_HTTP_PORT=9000\n".encode("utf-16"), "UTF-16"),
        ("DJANGOBOT_HTTP_PORT=9000\n".encode("utf-16-le"), "UTF-16"),
        ("# größer\nDJANGOBOT_HTTP_PORT=9000\n".encode("latin-1"), "line 1 is not in UTF-8"),
        (b"DJANGOBOT_HTTP_PORT=9000\nDJANGOBOT BOT_TOKEN: hidden\n", "line 2"),
    ],
)
def test_an_env_file_that_cannot_be_read_is_named_with_its_encoding(
    content: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what stands in it is not shown."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=rf"\.env: .*{says}") as refused:
        environment()
    assert "hidden" not in str(refused.value)


def test_an_env_file_with_a_byte_order_mark_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows' editors write one before the first name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfDJANGOBOT_HTTP_PORT=9000\n")
    assert environment()["DJANGOBOT_HTTP_PORT"] == "9000"


def test_every_setting_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Docker's and other secrets do: the line's end is no part of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("  110201543:secret\n")
    (tmp_path / ".env").write_text("DATABASE_URL_FILE=url\n")
    (tmp_path / "url").write_text("postgresql://127.0.0.1/x\n")
    monkeypatch.setenv("DJANGOBOT_BOT_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("OTHER_FILE", "left alone")
    found = environment()
    assert found["DJANGOBOT_BOT_TOKEN"] == "110201543:secret"
    assert found["DATABASE_URL"] == "postgresql://127.0.0.1/x"
    assert found["OTHER_FILE"] == "left alone"
    assert "DJANGOBOT_BOT_TOKEN_FILE" not in found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "can't be read: No such file"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"hidden" * 10_000, "holds no value"),
    ],
)
def test_a_file_without_a_value_is_named(
    content: bytes | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what stands in it is not shown."""
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    monkeypatch.setenv("DJANGOBOT_JWT_SECRET_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match=rf"DJANGOBOT_JWT_SECRET_FILE: .*secret.* {says}") as refused:
        environment()
    assert "hidden" not in str(refused.value)


def test_a_value_and_its_file_are_not_both_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could say which holds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("x" * 32)
    monkeypatch.setenv("DJANGOBOT_JWT_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("DJANGOBOT_JWT_SECRET", "y" * 32)
    with pytest.raises(SettingsError, match="are both set"):
        environment()


def test_systemds_credentials_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with a setting's name; a variable of the environment goes before."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "credentials"
    folder.mkdir()
    for name in ("DJANGOBOT_BOT_TOKEN", "DJANGOBOT_API_ID", "tls.key"):
        (folder / name).write_text(f"of {name}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("DJANGOBOT_API_ID", "12345")
    found = environment()
    assert (found["DJANGOBOT_BOT_TOKEN"], found["DJANGOBOT_API_ID"]) == ("of DJANGOBOT_BOT_TOKEN", "12345")
    assert "tls.key" not in found


@contextmanager
def without_rights() -> Iterator[None]:
    """As somebody whom the modes of files bind; root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_in_a_folder_that_is_not_ours_to_read_there_is_no_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root calls `doctor` as the service's user, and stands in /root."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0)
    try:
        with without_rights():
            assert "DJANGOBOT_BOT_TOKEN" not in environment()
    finally:
        tmp_path.chmod(0o700)


def test_credentials_that_are_not_ours_to_read_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit names another user than the one it ran as, say."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o711)
    folder.chmod(0)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "credentials")
    try:
        with without_rights(), pytest.raises(SettingsError, match=r"credentials can't be read: Permission"):
            environment()
    finally:
        folder.chmod(0o700)
