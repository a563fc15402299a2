"""The snippets that are commands run, as they are shown, and reach the chat."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from djangobot.bot.rendering.snippets import BY_KEY, snippet

from ..conftest import Api

CURL = shutil.which("curl")


async def run(command: str) -> None:
    """Runs it by a shell that finds this environment's programs."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = await asyncio.create_subprocess_shell(command, env={**os.environ, "PATH": path})
    assert await process.wait() == 0, command


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
@pytest.mark.parametrize(
    ("key", "text"), [("cron", "🔴 backup.sh has failed"), ("systemd", "🔴 backup.service has failed on db1")]
)
async def test_curl_sends_what_the_snippet_says(api: Api, key: str, text: str) -> None:
    """The call of cron, and that of a unit with systemd's specifiers filled in."""
    access = await api.access()
    written = snippet(BY_KEY[key], str(api.client.base_url).rstrip("/"), await api.bot_token(access))
    call = re.search(r"(?:\|\| |ExecStart=/usr/bin/)(curl .*)", written, re.DOTALL)
    assert call is not None
    await run(call[1].replace("%i", "backup.service").replace("%H", "db1"))
    (line,) = await api.told(access)
    assert line["text"] == text


async def test_apprise_sends_what_the_snippet_says(api: Api) -> None:
    """By its command."""
    access = await api.access()
    address = str(api.client.base_url).rstrip("/")
    await run(snippet(BY_KEY["apprise"], address, await api.bot_token(access)))
    (line,) = await api.told(access)
    assert (line["title"], line["text"]) == ("Title", "Text")
