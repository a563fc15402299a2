"""Plays a bot with pytdbot, on TDLib; `tests/clients/run` prepares the library and runs this. The person is
played by the sandbox's JSON API."""

import asyncio
import base64
import importlib
import importlib.metadata
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox import PATIENCE, Sandbox

SECRET = "646a616e676f626f7473616e64626f78"
"""The sandbox's, published by it."""
OWN = Path(__file__).read_bytes()
BOT = 4242
# Type checkers know nothing of this library.
pytdbot: Any = importlib.import_module("pytdbot")
types = pytdbot.types


async def until(sandbox: Sandbox, path: str, wanted: Callable[[Any], bool]) -> Any:
    """The first message of the chat that suits."""
    after = 0
    async with asyncio.timeout(PATIENCE):
        while True:
            for message in await sandbox.ask(f"{path}/messages?bot={BOT}&after={after}&wait=20"):
                after = message["id"]
                if wanted(message):
                    return message


async def main() -> None:
    """Signs in; hears, answers, is pressed, edits, sends a file, downloads one, deletes."""
    sandbox = Sandbox()
    client = pytdbot.Client(
        token=f"{BOT}:pytdbot",
        api_id=1,
        api_hash="x",
        lib_path=sys.argv[1],
        files_directory=str(Path.cwd() / "files"),
        database_encryption_key="check",
        td_verbosity=1,
    )
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def hear(_: Any, message: Any) -> None:
        await heard.put(message)

    async def press(_: Any, query: Any) -> None:
        await query.answer(f"pressed {query.payload.data.decode()}", show_alert=True)

    connecting = asyncio.Event()

    async def note(_: Any, update: Any) -> None:
        if update.authorization_state.getType() == "authorizationStateWaitPhoneNumber":
            connecting.set()

    client.on_message()(hear)
    client.on_updateNewCallbackQuery()(press)
    client.on_updateAuthorizationState()(note)
    proxy = types.Proxy(server=sandbox.host, port=sandbox.port, type=types.ProxyTypeMtproto(secret=SECRET))
    starting = asyncio.create_task(client.start())
    async with asyncio.timeout(PATIENCE):
        await connecting.wait()
        await client.addProxy(proxy=proxy, enable=True)
        await starting
        assert (await client.getMe()).id == BOT

    kim = await sandbox.person("Kim")
    chat = f"/chats/{kim}"
    await sandbox.ask(f"{chat}/say", {"text": "/start", "bot": BOT})
    async with asyncio.timeout(PATIENCE):
        start = await heard.get()
    assert (start.text, start.chat_id) == ("/start", kim), start

    button = types.InlineKeyboardButton(text="Yes", type=types.InlineKeyboardButtonTypeCallback(data=b"yes"))
    markup = types.ReplyMarkupInlineKeyboard(rows=[[button]])
    await start.reply_text("a <b>question</b>", parse_mode="html", reply_markup=markup)
    question = await until(sandbox, chat, lambda message: message["text"] == "a question")
    assert question["entities"] == [{"type": "bold", "offset": 2, "length": 8}], question
    data = question["buttons"][0][0]["data"]
    pressed = await sandbox.ask(f"{chat}/press", {"message_id": question["id"], "data": data, "bot": BOT})
    assert (pressed["answer"], pressed["alert"]) == ("pressed yes", True), pressed

    await client.sendDocument(kim, types.InputFileLocal(path=__file__), caption="mine")
    document = await until(sandbox, chat, lambda message: bool(message["file"]) and message["from"] == "bot")
    assert (document["text"], document["file"]["size"]) == ("mine", len(OWN)), document
    file = {"name": "theirs.txt", "data": base64.b64encode(OWN).decode()}
    await sandbox.ask(f"{chat}/say", {"file": file, "bot": BOT})
    async with asyncio.timeout(PATIENCE):
        received = await heard.get()
        loaded = await client.downloadFile(
            file_id=received.content.document.document.id, priority=1, offset=0, limit=0, synchronous=True
        )
    assert Path(loaded.local.path).read_bytes() == OWN  # noqa: ASYNC240
    await client.stop()
    sys.stdout.write(f"pytdbot {importlib.metadata.version('pytdbot')} (TDLib): all well\n")


async def or_exit() -> None:
    """The library's thread keeps a program alive whose client was not stopped."""
    try:
        await main()
    except BaseException:
        traceback.print_exc()
        os._exit(1)


asyncio.run(or_exit())
