"""Clients generated from the OpenAPI document compile, ask for no more than must be there, and work."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from djangobot.http.openapi.document import openapi_document

from .conftest import Api

TYPESCRIPT = Path(__file__).parents[1] / "clients"
MODULES = TYPESCRIPT / "node_modules"
NODE = shutil.which("node")

PYTHON = """
import json, os
from client import AuthenticatedClient
from client.api.cabinet import get_cabinet, post_cabinet
from client.api.messages import get_messages_id
from client.api.send_message import post_send_message
from client.models import SendMessage, SendMessageForm, SendMessageMultipart, SendMessageType
from client.models import Redemption, SendResult
from client.types import UNSET

bot = AuthenticatedClient(os.environ["API"], os.environ["TOKEN"])
owner = AuthenticatedClient(os.environ["API"], os.environ["ACCESS"])
sent = post_send_message.sync_detailed(client=bot, body=SendMessage("from Python"))
full = SendMessage("all", SendMessageType.FILE, urgent=True, ttl=60)
all = post_send_message.sync_detailed(client=bot, body=full, prefer="respond-async", idempotency_key="python")
form = post_send_message.sync_detailed(client=bot, body=SendMessageForm("as a form"), prefer="respond-async")
parts = post_send_message.sync_detailed(
    client=bot, body=SendMessageMultipart("in parts", urgent=True), prefer="respond-async"
)
found = get_messages_id.sync_detailed(sent.parsed.id, client=bot)
history = get_cabinet.sync_detailed(client=owner, limit=3)
wrong = post_cabinet.sync_detailed(client=owner, body=Redemption("0123456789"))
assert SendResult("a", "b", "sent").failure is UNSET
print(json.dumps({
    "statuses": [one.status_code for one in (sent, all, form, parts, found, history, wrong)],
    "texts": [line.text for line in history.parsed.messages],
    "text": found.parsed.text,
    "sentence": wrong.parsed.answer,
}))
"""


async def run(*command: str, cwd: Path, **environ: str) -> str:
    """What a program printed; fails with all it said when it failed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def play(api: Api, *command: str, cwd: Path) -> dict[str, Any]:
    """Runs a client against the door; what it printed."""
    access = await api.access()
    token = await api.bot_token(access)

    async def deliver() -> None:
        while True:
            await api.deliver()
            await asyncio.sleep(0.05)

    delivering = asyncio.create_task(deliver())
    environ = {"API": str(api.client.base_url), "TOKEN": token, "ACCESS": access["authorization"][7:]}
    try:
        printed: dict[str, Any] = json.loads(await run(*command, cwd=cwd, **environ))
    finally:
        delivering.cancel()
    return printed


def written(folder: Path) -> Path:
    document = folder / "openapi.json"
    document.write_text(json.dumps(openapi_document("0.0.test", "https://example.org/notify")))
    return document


@pytest.mark.skipif(
    NODE is None or not MODULES.exists(),
    reason="needs Node.js, and openapi-typescript: npm install --no-package-lock --prefix tests/clients",
)
async def test_a_typescript_client_compiles_and_works(api: Api, tmp_path: Path) -> None:
    """openapi-typescript's types under tsc --strict, and a program on them in Node.js."""
    assert NODE is not None
    document = written(tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    for name in ("client.ts", "package.json"):
        shutil.copy(TYPESCRIPT / name, tmp_path)
    cli = str(MODULES / "openapi-typescript" / "bin" / "cli.js")
    await run(NODE, cli, str(document), "-o", "api.d.ts", cwd=tmp_path)
    tsc = str(MODULES / "typescript" / "bin" / "tsc")
    options = ["--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
    await run(NODE, tsc, *options, "--types", "node", "client.ts", cwd=tmp_path)
    said = await play(api, NODE, "client.js", cwd=tmp_path)
    assert said["statuses"] == [200, 202, 200, 200, 403]
    assert said["texts"] == ["all", "from TypeScript"]
    assert (said["text"], said["failure"]) == ("from TypeScript", None)
    assert said["sentence"].endswith(".")


async def test_a_python_client_compiles_and_works(api: Api, tmp_path: Path) -> None:
    """openapi-python-client's package, and a program on it."""
    generate = ("-m", "openapi_python_client", "generate", "--meta", "none", "--path", str(written(tmp_path)))
    await run(sys.executable, *generate, "--output-path", str(tmp_path / "client"), cwd=tmp_path)
    await run(sys.executable, "-m", "compileall", "-q", "client", cwd=tmp_path)
    said = await play(api, sys.executable, "-c", PYTHON, cwd=tmp_path)
    assert said["statuses"] == [200, 202, 202, 202, 200, 200, 403]
    assert said["texts"] == ["in parts", "as a form", "all"]
    assert said["text"] == "from Python"
    assert said["sentence"].endswith(".")


def test_no_field_with_a_default_is_always_there() -> None:
    """Generators make such fields required, also in answers that leave them out."""
    for name, schema in openapi_document("1")["components"]["schemas"].items():
        for field, described in schema["properties"].items():
            assert "default" not in described, (name, field)
