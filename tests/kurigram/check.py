"""Plays a bot with kurigram against a running sandbox; `tests/kurigram/run` runs it in its own environment.

Arguments: host, port, web address, and the server key's modulus, exponent and fingerprint.
"""

import asyncio
import importlib
import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

# Type checkers see Pyrogram itself under this name.
pyrogram: Any = importlib.import_module("pyrogram")
raw, types = pyrogram.raw, pyrogram.types
Connection: Any = pyrogram.connection.Connection
rsa: Any = importlib.import_module("pyrogram.crypto.rsa")
layer: int = importlib.import_module("pyrogram.raw.all").layer

OWN = Path(__file__).read_bytes()
# As everywhere in the tests; this process has nothing of ours to import.
PATIENCE = float(os.environ.get("TEST_PATIENCE", "30"))
HOST, PORT, WEB = sys.argv[1], int(sys.argv[2]), sys.argv[3]
MODULUS, EXPONENT, FINGERPRINT = map(int, sys.argv[4:7])


class ToSandbox(Connection):  # type: ignore[misc]
    """Every connection goes to the sandbox."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options | {"server_address": HOST, "port": PORT})


async def ask(path: str, body: object = None) -> Any:
    """One request to the JSON API."""

    def request() -> Any:
        data = None if body is None else json.dumps(body).encode()
        order = urllib.request.Request(WEB + path, data, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(order, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    return await asyncio.to_thread(request)


async def main() -> None:
    """Signs in, is talked to, answers with a button, is pressed, edits, sends and fetches a file, deletes."""
    rsa.server_public_keys[FINGERPRINT] = rsa.PublicKey(MODULUS, EXPONENT)
    said: asyncio.Queue[Any] = asyncio.Queue()
    bot = pyrogram.Client(
        "check",
        api_id=1,
        api_hash="x",
        bot_token="4242:kurigram",
        in_memory=True,
        connection_factory=ToSandbox,
    )

    async def heard(_: Any, message: Any) -> None:
        await said.put(message)

    async def pressed(_: Any, query: Any) -> None:
        await query.answer(f"pressed {query.data}", show_alert=True)

    bot.add_handler(pyrogram.handlers.MessageHandler(heard))
    bot.add_handler(pyrogram.handlers.CallbackQueryHandler(pressed))
    await bot.start()
    assert bot.me.id == 4242
    person = (await ask("/people", {"first_name": "Kim", "language": "en"}))["id"]
    await ask(f"/chats/{person}/say", {"text": "/start", "bot": 4242})
    message = await asyncio.wait_for(said.get(), PATIENCE)
    assert (message.text, message.from_user.first_name) == ("/start", "Kim")

    keyboard = types.InlineKeyboardMarkup([[types.InlineKeyboardButton("Yes", callback_data="yes")]])
    sent = await bot.send_message(person, "**bold** <b>too</b>", reply_markup=keyboard)
    shown = (await ask(f"/chats/{person}/messages?bot=4242"))[-1]
    assert shown["text"] == "bold too", shown
    assert [e["type"] for e in shown["entities"]] == ["bold", "bold"], shown
    assert shown["buttons"][0][0]["data"] == "yes", shown
    answer = await ask(f"/chats/{person}/press", {"message_id": sent.id, "data": "yes", "bot": 4242})
    assert (answer["answer"], answer["alert"]) == ("pressed yes", True), answer
    await bot.edit_message_text(person, sent.id, "edited")

    peer = await bot.resolve_peer(person)
    for _ in range(2):
        await bot.invoke(raw.functions.messages.SendMessage(peer=peer, message="once", random_id=77))
    journal = await ask("/journal?bot=4242")
    assert journal["chats"][str(person)]["random_ids"].count(77) == 1, journal
    assert journal["repeats"] == 1, journal

    document = await bot.send_document(person, __file__, caption="a file")
    fetched = await bot.download_media(document, in_memory=True)
    assert bytes(fetched.getbuffer()) == OWN
    await bot.set_bot_commands([types.BotCommand("start", "begin")])
    assert await ask(f"/commands?chat={person}&bot=4242") == [{"command": "start", "description": "begin"}]
    await bot.delete_messages(person, sent.id)
    await bot.stop()
    sys.stdout.write(f"kurigram {pyrogram.__version__} (layer {layer}): all well\n")


asyncio.run(main())
