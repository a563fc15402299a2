"""Secrets that are kept in files: made once, whole or not at all, for their owner alone."""

import os
import secrets
import tempfile
from pathlib import Path

LEAST = 32
"""Bytes of a secret (RFC 7518, 3.2: a key of the hash's size or larger)."""
FORGET = {
    "jwt_secret": "delete it to have a new one made: who signed in then signs in anew",
    "session_key": "put the lost one back, or delete it and the session it sealed "
    "(DELETE FROM telegram_session)",
}


class SecretUnusable(Exception):
    """A kept secret is none: which file, and what to do."""


def kept(path: Path) -> str:
    """The secret in this file, made when there is no file. Raises SecretUnusable."""
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
    """256 bits. Of two processes that make it at once, one does."""
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
    """Gives the whole file its name, unless another has it by now."""
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        os.replace(made, path)
