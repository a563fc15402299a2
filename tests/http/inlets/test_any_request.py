"""Any bytes, headers and queries at the calls of Gotify and ntfy: never a 5xx; what is taken can be read."""

import os
import random
from typing import Any

from djangobot.db.fields import visible
from djangobot.db.messages.content import decode
from djangobot.db.messages.messages import Message
from djangobot.db.messages.new_message import TEXT_LIMIT

from ..conftest import Api

SEED = int(os.environ.get("INLETS_SEED", "20261126"))
REQUESTS = int(os.environ.get("INLETS_REQUESTS", "300"))
NAMES = (
    "title",
    "x-title",
    "message",
    "priority",
    "tags",
    "click",
    "attach",
    "filename",
    "actions",
    "delay",
    "at",
    "markdown",
    "x-sequence-id",
    "content-type",
    "icon",
    "email",
    "t",
    "m",
    "p",
    "f",
    "a",
    "x-gotify-key",
)
VALUES = (
    "5",
    "max",
    "-1",
    "warning,tada,a-b,#",
    "https://example.org/a?b=c#d",
    "http://nas:80",
    "mailto:a@b",
    "view, A, https://a.b",
    "[{}]",
    '[{"action":"view","label":"L","url":"https://a.b"}]',
    "=?utf-8?b?8J+YgA==?=",
    "=?utf-8?q?=ff?=",
    "tomorrow, 10am",
    "1h",
    "99999d",
    "yes",
    "text/markdown",
    "application/json",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "../../etc/passwd",
    "a" * 3000,
    "\u202e\u200b",
    "Привет",
    "a\tb",
    "{{.x}}",
)
BODIES = (
    b"",
    b"text",
    b"\xff\xfe\x00",
    b"{}",
    b"[]",
    b"null",
    b'"x"',
    b"\x89PNG\r\n\x1a\n\xff",
    b"message=a&title=b",
    b'{"message": "\\ud800", "priority": 1e400}',
    b'{"message": "m", "extras": {"client::display": null}}',
    b'{"topic": "TOKEN", "message": 5, "tags": [1, null], "actions": [[]], "delay": {}}',
    b'{"topic": "TOKEN", "message": "m", "title": ["x"], "priority": "high", "markdown": "yes"}',
    b"--x\r\nContent-Disposition: form-data; name=message\r\n\r\nhi\r\n--x--\r\n",
    b"# a\n**b** <b>c</b> `d",
    b"\x00\x01\x02",
    b"x" * 70_000,
    "\u200b\ufeff".encode(),
    b"[" * 5000,
)


def a_header(dice: random.Random) -> bytes:
    value = dice.choice((*VALUES, dice.randbytes(12).decode("latin-1")))
    return bytes(one for one in value.encode() if one >= 0x20 and one != 0x7F).strip()


async def test_any_request_is_a_message_that_can_be_read_or_a_refusal(api: Api) -> None:
    """Repeated with its seed, which is printed."""
    print("INLETS_SEED", SEED)
    dice = random.Random(SEED)
    token = await api.bot_token(await api.access())
    paths = (f"/{token}", "/", "/message", f"/{token}/seq", f"/{token}/publish", "/backups")
    accepted = 0
    for number in range(REQUESTS):
        some: dict[str, Any] = {
            "headers": [(dice.choice(NAMES), a_header(dice)) for _ in range(dice.randrange(4))],
            "params": {dice.choice(NAMES): dice.choice(VALUES) for _ in range(dice.randrange(3))},
            "content": dice.choice((*BODIES, dice.randbytes(40))).replace(b"TOKEN", token.encode()),
        }
        if dice.random() < 0.5:
            some["headers"].append(("authorization", f"Bearer {token}".encode()))
        method = dice.choice(("POST", "POST", "PUT", "GET"))
        answer = await api.client.request(method, dice.choice(paths), **some)
        assert answer.status_code < 500, (number, method, some, answer.text)
        assert answer.json()
        assert token not in answer.text or answer.status_code == 200
        accepted += answer.status_code == 200
    print(f"{accepted} of {REQUESTS} were accepted")
    rows = await Message.select(Message.text, Message.rich).where(Message.kind == "message")
    for row in rows:
        content = decode(row["rich"])
        assert visible(row["text"]) or content.files
        assert len(row["text"]) <= TEXT_LIMIT
    assert accepted > REQUESTS / 10
