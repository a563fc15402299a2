"""Prepares a copy of TDLib for the sandbox: python -m djangobot.bot.sandbox.tdlib LIBRARY KEY COPY.

TDLib has Telegram's public keys built in and no option for others. The copy has the sandbox's key in their
place, which is as long. The way to the sandbox is an MTProto proxy: `addProxy` with its address and secret.
"""

import argparse
import re
import sys
from pathlib import Path

from djangobot.bot.sandbox.mtproto.transports import PROXY_SECRET

# The built-in keys of the servers end the C string; the one that signs Telegram's configuration does not.
_SERVER_KEY = re.compile(
    rb"-----BEGIN RSA PUBLIC KEY-----\n[\w+/=\n]{360,380}-----END RSA PUBLIC KEY-----(?=\0)"
)
SECRET = PROXY_SECRET.hex()
"""The proxy's secret as `addProxy` takes it."""


class NotTDLib(Exception):
    """The file has no server keys of the sandbox's form."""


def prepare(library: Path, key: Path, copy: Path) -> Path:
    """Writes the copy of a `libtdjson`, which trusts this key alone; NotTDLib when it holds no keys."""
    own = key.read_bytes().strip()
    data, replaced = _SERVER_KEY.subn(lambda found: _fitting(own, found.group()), library.read_bytes())
    if not replaced:
        raise NotTDLib(f"{library} has no public keys of Telegram: give the path of libtdjson")
    copy.write_bytes(data)
    copy.chmod(0o755)
    return copy


def _fitting(own: bytes, built_in: bytes) -> bytes:
    if len(own) != len(built_in):
        raise NotTDLib(f"a built-in key has {len(built_in)} bytes, the sandbox's has {len(own)}")
    return own


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m djangobot.bot.sandbox.tdlib", description=__doc__)
    parser.add_argument("library", type=Path, help="libtdjson.so, as it was installed")
    parser.add_argument("key", type=Path, help="key.pem of the sandbox")
    parser.add_argument("copy", type=Path, help="the file to write")
    given = parser.parse_args(arguments)
    try:
        prepare(given.library, given.key, given.copy)
    except (OSError, NotTDLib) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write(f"{given.copy}: addProxy with proxyTypeMtproto, secret {SECRET}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
