"""A server's public key in its file."""

from pathlib import Path

import pytest

from djangobot.bot.key_file import read_public_key


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    """With what was expected."""
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(ValueError, match="RSA PUBLIC KEY"):
        read_public_key(path.read_text())
