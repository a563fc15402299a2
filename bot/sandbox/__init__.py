"""A Telegram of our own on loopback: real MTProto 2.0 for real client libraries, for the demo and for tests.

Alone:

    python -m djangobot.bot.sandbox --port 8443 --web-port 8081 --state DIR [--strict-limits]

When both ports listen it prints one line:

    sandbox ready telegram=127.0.0.1:8443 web=http://127.0.0.1:8081 key=DIR/key.pem

Port 0 means a free one, which the line names. A port in use ends it with one line and exit code 1.
SIGTERM and SIGINT end it with exit code 0. From Python: `await serve(SandboxOptions(...))`, both in `app.py`.

Any token `N:anything` signs in as bot N; `N:invalid` is refused. People sign in with any phone number
and the code 12345. How Pyrogram 2.0.106 is made to use it:

    from pyrogram.connection import connection
    from pyrogram.crypto import rsa
    from djangobot.bot.sandbox import read_public_key

    n, e, fingerprint = read_public_key(Path("DIR/key.pem"))
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(n, e)
    connection.DataCenter = lambda dc_id, test_mode, ipv6, media: ("127.0.0.1", 8443)

docs/sandbox.md has the same for other libraries, a fixture for pytest, the JSON API, what is not modelled.
"""

from djangobot.bot.sandbox.mtproto.rsa_key import read_public as read_public_key

__all__ = ["read_public_key"]
