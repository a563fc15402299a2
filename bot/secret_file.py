"""Secrets in files. Each is made once, completely or not at all, and only its owner can read it."""

import os
import secrets
import tempfile
from pathlib import Path

LEAST = 32
"""The least length of a secret in bytes (RFC 7518, 3.2: a key of the hash's size or larger)."""
FORGET = {
    "jwt_secret": "delete it to have a new one made: who signed in then signs in anew",
    "session_key": "put the lost one back, or delete it and the session it sealed "
    "(DELETE FROM telegram_session)",
}


class SecretUnusable(Exception):
    """A stored secret cannot be used. Says which file it is, and what to do."""


def kept(path: Path) -> str:
    """Returns the secret in this file. Makes it when there is no file. Raises SecretUnusable."""
    try:
        if not os.path.lexists(path):
            _make(path)
        secret = path.read_bytes().decode("ascii").strip()
    except UnicodeDecodeError:
        secret = ""
    except OSError as exc:
        raise SecretUnusable(f"{path} can't be used: {exc.strerror or exc}") from exc
    if len(secret) < LEAST:
        what = FORGET.get(path.name, "delete it to have a new one made")
        raise SecretUnusable(f"{path} holds no secret of at least {LEAST} bytes; {what}")
    return secret


def _make(path: Path) -> None:
    """Makes a secret of 256 bits. If two processes do so at once, one of them succeeds."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        _name(name, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        if os.path.lexists(name):
            os.unlink(name)


def _name(made: str, path: Path) -> None:
    """Gives the complete file its name, unless another process has made that file."""
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        os.replace(made, path)
