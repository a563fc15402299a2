"""The server's RSA key."""

from pathlib import Path

from djangobot.bot.sandbox.mtproto import rsa_key


def test_the_server_key_is_made_once_and_readable_by_others(tmp_path: Path) -> None:
    """The public part as PKCS#1, the private part for its owner only; the numbers are an RSA key's."""
    made = rsa_key.load(tmp_path)
    assert rsa_key.load(tmp_path) == made
    assert rsa_key.read_public(tmp_path / "key.pem") == (made.n, made.e, made.fingerprint)
    assert (tmp_path / rsa_key.SECRET).stat().st_mode & 0o077 == 0
    assert pow(pow(12345, made.e, made.n), made.d, made.n) == 12345
