"""The environment and its `.env` file."""

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
