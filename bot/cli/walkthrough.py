"""Does the README's five steps over real HTTP and real MTProto. Prints each request and answer."""

import json
import re
import secrets
from typing import Any

import click
import httpx
import msgspec

from djangobot.bot.startup import StartError

CODE = re.compile(r"\b\d{3} \d{3} \d{4}\b")
ANSWER_WAIT = 20
"""Seconds that the bot gets to write in the chat."""


class Steps(msgspec.Struct, frozen=True):
    """The base URLs of both services, without a slash at the end."""

    http: str
    sandbox: str


async def walk(steps: Steps, person: int) -> None:
    """Does the steps. Raises StartError at the first step that does not go as the README says."""
    login = f"demo-{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(12)
    text = "Hello from curl: the backup is done"
    async with httpx.AsyncClient(timeout=ANSWER_WAIT + 10) as client:
        seen = await _last_message(client, steps, person)
        _title("1. Register the program's owner")
        await _call(
            client, "POST", f"{steps.http}/api/user/", {"name": "Demo", "login": login, "psw": password}
        )
        _title("2. Sign in: an access token for a day")
        signed_in = await _call(client, "POST", f"{steps.http}/api/auth/", {"login": login, "psw": password})
        bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
        _title("3. The person opens the bot and gets a code")
        await _call(client, "POST", f"{steps.sandbox}/chats/{person}/say", {"text": "/start"})
        code = await _code(client, steps, person, seen)
        _title("4. The code becomes a bot token")
        cabinet = await _call(client, "POST", f"{steps.http}/api/cabinet/", {"code": code}, bearer)
        _title("5. Send a message with the bot token")
        message = {"text": text, "type": "Text", "bot_token": cabinet["bot_token"]}
        sent = await _call(client, "POST", f"{steps.http}/api/send_message", message)
        _title("And there it is: in the chat, and in the history")
        await _require_in_chat(client, steps, person, text)
        history = await _call(client, "GET", f"{steps.http}/api/cabinet", None, bearer)
        _require(history["messages"][0]["text"] == text, "the message is not in the history")
        _require(sent["status"] == "sent", f"the message is {sent['status']}")
    click.echo("\nAll five steps went as the README says.")


async def _call(
    client: httpx.AsyncClient, method: str, url: str, body: Any, headers: dict[str, str] | None = None
) -> Any:
    """Makes one request and prints it with its answer. Raises StartError when it is refused."""
    click.echo(f"→ {method} {url}")
    for name in headers or {}:
        click.echo(f"  {name}: Bearer …")
    if body is not None:
        click.echo(f"  {json.dumps(body, ensure_ascii=False)}")
    answer = await client.request(method, url, json=body, headers=headers)
    click.echo(f"← {answer.status_code} {answer.text}")
    _require(answer.is_success, f"{method} {url} was refused")
    return answer.json()


async def _last_message(client: httpx.AsyncClient, steps: Steps, person: int) -> int:
    messages = (await client.get(f"{steps.sandbox}/chats/{person}/messages")).json()
    return max((message["id"] for message in messages), default=0)


async def _code(client: httpx.AsyncClient, steps: Steps, person: int, seen: int) -> str:
    while True:
        for message in await _news(client, steps, person, seen):
            seen = message["id"]
            found = CODE.search(message["text"])
            if message["from"] == "bot" and found:
                click.echo("← the bot:\n" + _indented(message["text"]))
                return found.group()


async def _require_in_chat(client: httpx.AsyncClient, steps: Steps, person: int, text: str) -> None:
    messages = (await client.get(f"{steps.sandbox}/chats/{person}/messages")).json()
    shown = [message for message in messages if message["from"] == "bot" and text in message["text"]]
    _require(len(shown) == 1, f"the message is {len(shown)} times in the chat")
    click.echo("← the bot:\n" + _indented(shown[0]["text"]))


async def _news(client: httpx.AsyncClient, steps: Steps, person: int, seen: int) -> list[Any]:
    query = {"after": seen, "wait": ANSWER_WAIT}
    news = (await client.get(f"{steps.sandbox}/chats/{person}/messages", params=query)).json()
    _require(bool(news), f"the bot said nothing for {ANSWER_WAIT} s")
    return list(news)


def _title(words: str) -> None:
    click.secho(f"\n{words}", bold=True)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _require(good: bool, otherwise: str) -> None:
    if not good:
        raise StartError(f"The walkthrough failed: {otherwise}")
