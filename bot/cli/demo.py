"""`djangobot demo`: runs sandbox, bot and HTTP at once on loopback, and the walkthrough through them."""

import asyncio
import contextlib
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import click
import httpx
import msgspec

from djangobot.bot.app import serve
from djangobot.bot.cli.walkthrough import Steps, walk
from djangobot.bot.environment import SettingsError, environment
from djangobot.bot.settings import Settings, load
from djangobot.bot.startup import StartError, listen, only_one
from djangobot.db.tasks import Tasks

HOST = "127.0.0.1"
DEFAULT_FOLDER = Path("data/demo")
FIRST_PERSON = 1001
PERSON = {"id": FIRST_PERSON, "first_name": "Alex", "last_name": "Demo", "username": "alex", "language": "en"}
START_TIMEOUT = 30.0
TELEGRAMS = {f"DJANGOBOT_{name}" for name in ("API_HASH", "BOT_TOKEN", "TELEGRAM_SERVER", "TELEGRAM_KEY")}
"""Variables for another Telegram. The demo ignores them."""
PORT_PATIENCE = 3.0
"""Seconds that a port may stay taken by a demo that was killed just before."""


class Ports(msgspec.Struct, frozen=True):
    """The three ports on loopback."""

    http: int
    web: int
    telegram: int


@contextlib.contextmanager
def folder(chosen: Path | None, *, throw_away: bool) -> Iterator[Path]:
    """The folder for the demo's data. A temporary one when nothing is to be kept."""
    if chosen is None and throw_away:
        with tempfile.TemporaryDirectory(prefix="djangobot-") as made:
            yield Path(made)
    else:
        yield chosen or DEFAULT_FOLDER


def settings(data: Path, ports: Ports) -> Settings:
    """The environment's settings, with Telegram, database and ports of the demo."""
    own = {
        "DJANGOBOT_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{(data / 'djangobot.sqlite').absolute()}",
        "DJANGOBOT_API_ID": "1",
        "DJANGOBOT_HTTP_HOST": HOST,
        "DJANGOBOT_HTTP_PORT": str(ports.http),
    }
    chosen = {name: value for name, value in environment().items() if name not in TELEGRAMS}
    return msgspec.structs.replace(
        load({**chosen, **own}),
        api_hash="sandbox",
        bot_token="1:sandbox",  # noqa: S106 - the sandbox takes any
        telegram_server=(HOST, ports.telegram),
        telegram_key=data / "sandbox" / "key.pem",
    )


async def play(settings: Settings, ports: Ports, *, walkthrough: bool) -> None:
    """Runs the demo until it is stopped; with `walkthrough`, until that has ended.

    Raises StartError: a port is taken, the sandbox does not start, a step of the walkthrough failed.
    """
    try:
        prepared = settings.prepared()
    except SettingsError as exc:
        raise StartError(str(exc).replace("DJANGOBOT_DATA", "--data")) from exc
    with only_one(settings.data, "--data"):
        pass  # checks the lock early; the service takes it after the sandbox has started
    listen(HOST, ports.http, "--http-port").close()
    steps = Steps(http=f"http://{HOST}:{ports.http}", sandbox=f"http://{HOST}:{ports.web}")

    async def once_up() -> bool:
        await _person(steps.sandbox)
        if walkthrough:
            await walk(steps, FIRST_PERSON)
        else:
            click.echo(_banner(steps, settings))
        return walkthrough

    async with _sandbox(settings.data / "sandbox", ports):
        await serve(prepared, once_up=once_up)


@contextlib.asynccontextmanager
async def _sandbox(state: Path, ports: Ports) -> AsyncIterator[None]:
    """Runs the sandbox in a process of its own. It ends with this process, however this process ends."""
    deadline = asyncio.get_running_loop().time() + PORT_PATIENCE
    while True:
        process = await _start_sandbox(state, ports)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                said = await _until_ready(process)
        except TimeoutError:
            process.kill()
            raise StartError(f"The sandbox did not start within {START_TIMEOUT:g} s") from None
        if said is None:
            break
        if asyncio.get_running_loop().time() > deadline:
            raise StartError(_in_our_words(said) or "The sandbox did not start")
        await asyncio.sleep(0.2)
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _in_our_words(said: str) -> str:
    """The sandbox's message, with the demo's names for its options."""
    options = {"--port": "--telegram-port", "--state": "--data"}
    return re.sub(r"--[a-z-]+", lambda found: options.get(found[0], found[0]), said)


async def _start_sandbox(state: Path, ports: Ports) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "djangobot", "sandbox", "--until-stdin-closes"),
        *("--port", str(ports.telegram), "--web-port", str(ports.web), "--state", str(state)),
        *("--first-steps", f"http://{HOST}:{ports.http}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: the sandbox outlives the bot that is still sending
    )


async def _until_ready(process: asyncio.subprocess.Process) -> str | None:
    """Waits until the sandbox listens, and returns None. If it ends first, returns its last words. Its later
    output is read and passed on."""
    assert process.stdout is not None  # noqa: S101 - was asked for
    assert process.stderr is not None  # noqa: S101 - was asked for
    async for line in process.stdout:
        if line.startswith(b"sandbox ready"):
            for stream in (process.stdout, process.stderr):
                _passing.start(_pass_on(stream))
            return None
    words = (await process.stderr.read()).decode(errors="replace").strip()
    await process.wait()
    return words


_passing = Tasks()


async def _pass_on(stream: asyncio.StreamReader) -> None:
    async for line in stream:
        click.echo(line.decode(errors="replace").rstrip(), err=True)


async def _person(sandbox: str) -> None:
    """Creates the person for the chat page."""
    async with httpx.AsyncClient() as client:
        await client.post(f"{sandbox}/people", json=PERSON)


def _banner(steps: Steps, settings: Settings) -> str:
    return f"""
  DjangoBot is up, with a Telegram of its own (a sandbox: no account, nothing leaves this machine).

    chat, in a browser   {steps.sandbox}/
    HTTP API             {steps.http}/api/
    data                 {settings.data}

  Next: open the chat, write /start to the bot, and follow the five steps of the README;
  or let them be played for you in another terminal:  djangobot demo --walkthrough
                                                      (with other --http-port, --web-port, --telegram-port)
  Ctrl-C stops everything.
"""
