"""The copy of TDLib that trusts the sandbox."""

from pathlib import Path

import pytest

from djangobot.bot.sandbox import tdlib
from djangobot.bot.sandbox.mtproto import rsa_key

BUILT_IN = (
    b"-----BEGIN RSA PUBLIC KEY-----\n"
    + b"\n".join([b"A" * 64] * 5 + [b"B" * 40])
    + b"\n-----END RSA PUBLIC KEY-----"
)


@pytest.fixture
def key(tmp_path: Path, sandbox_key: str) -> Path:
    """A sandbox's public key."""
    (tmp_path / rsa_key.SECRET).write_text(sandbox_key)
    rsa_key.load(tmp_path)
    return tmp_path / rsa_key.PUBLIC


def test_every_server_key_is_replaced_and_nothing_else(tmp_path: Path, key: Path) -> None:
    """The file stays as long as it was; a key that ends in a line break signs something else and stays."""
    library = tmp_path / "libtdjson.so"
    own = key.read_bytes().strip()
    assert len(own) == len(BUILT_IN)
    parts = [b"code", BUILT_IN, b"\0", BUILT_IN, b"\0 other ", BUILT_IN, b"\n\0 code"]
    library.write_bytes(b"".join(parts))
    copy = tdlib.prepare(library, key, tmp_path / "copy.so")
    assert copy.read_bytes() == b"".join([parts[0], own, parts[2], own, *parts[4:]])


def test_a_file_that_is_not_tdlib_is_refused(
    tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a sentence, and nothing is written."""
    other = tmp_path / "other.so"
    other.write_bytes(b"nothing of the kind")
    assert tdlib.main([str(other), str(key), str(tmp_path / "copy.so")]) == 1
    assert "no public keys" in capsys.readouterr().err
    assert not (tmp_path / "copy.so").exists()
