"""Plays a bot and a person with a fork of Pyrogram; `tests/clients/run` runs it in an environment of its own.

Argument: the name of the module to import.
"""

import asyncio
import importlib
import importlib.metadata
import sys
from pathlib import Path
from typing import Any

from sandbox import PATIENCE, Sandbox

MODULE = sys.argv[1]
OWN = Path(__file__).read_bytes()
# Type checkers know nothing of these libraries.
library: Any = importlib.import_module(MODULE)
types: Any = library.types


def point_at(sandbox: Sandbox) -> None:
    """Every connection goes to the sandbox, whose key is trusted."""
    connection: Any = importlib.import_module(f"{MODULE}.connection.connection")
    rsa: Any = importlib.import_module(f"{MODULE}.crypto.rsa")
    rsa.server_public_keys[sandbox.fingerprint] = rsa.PublicKey(sandbox.modulus, sandbox.exponent)
    connection.DataCenter = lambda *_: (sandbox.host, sandbox.port)


def client(name: str, **options: Any) -> Any:
    """A client that keeps nothing."""
    return library.Client(name, api_id=1, api_hash="x", in_memory=True, **options)


async def main() -> None:
    """Signs in twice; talks, presses, edits, sends a file, downloads, lists chats, deletes."""
    sandbox = Sandbox()
    point_at(sandbox)
    kim = await sandbox.person("Kim")
    bot = client("bot", bot_token="4242:check")
    person = client("person", phone_number=f"+999{kim}", phone_code="12345")
    heard: asyncio.Queue[Any] = asyncio.Queue()
    seen: asyncio.Queue[Any] = asyncio.Queue()
    edited: asyncio.Queue[Any] = asyncio.Queue()

    async def on_press(_: Any, query: Any) -> None:
        await query.answer(f"pressed {query.data}", show_alert=True)

    def into(queue: asyncio.Queue[Any]) -> Any:
        async def keep(_: Any, message: Any) -> None:
            await queue.put(message)

        return keep

    handlers = library.handlers
    bot.add_handler(handlers.MessageHandler(into(heard)))
    bot.add_handler(handlers.CallbackQueryHandler(on_press))
    person.add_handler(handlers.MessageHandler(into(seen), library.filters.incoming))
    person.add_handler(handlers.EditedMessageHandler(into(edited)))

    async def next_of(queue: asyncio.Queue[Any]) -> Any:
        return await asyncio.wait_for(queue.get(), PATIENCE)

    await bot.start()
    await person.start()
    assert (bot.me.id, person.me.id) == (4242, kim)
    await person.send_message("sandbox_4242_bot", "/start")
    message = await next_of(heard)
    assert (message.text, message.from_user.first_name) == ("/start", "Kim")

    keyboard = types.InlineKeyboardMarkup([[types.InlineKeyboardButton("Yes", callback_data="yes")]])
    sent = await bot.send_message(kim, "**bold** <b>too</b>", reply_markup=keyboard)
    question = await next_of(seen)
    assert question.text == "bold too", question
    # hydrogram's own request_callback_answer never sends anything.
    press = library.raw.functions.messages.GetBotCallbackAnswer
    peer = await person.resolve_peer(4242)
    answer = await person.invoke(press(peer=peer, msg_id=question.id, data=b"yes"))
    assert (answer.message, answer.alert) == ("pressed yes", True), answer
    await bot.edit_message_text(kim, sent.id, "edited")
    assert (await next_of(edited)).text == "edited"

    await bot.send_document(kim, __file__, caption="a file")
    document = await next_of(seen)
    fetched = await person.download_media(document, in_memory=True)
    assert bytes(fetched.getbuffer()) == OWN
    dialogs = [dialog.chat.id async for dialog in person.get_dialogs()]
    assert dialogs == [4242], dialogs
    found = [message.id async for message in person.search_messages(4242, query="edit")]
    assert found == [question.id], found
    await bot.delete_messages(kim, sent.id)
    history = [message.id async for message in person.get_chat_history(4242)]
    assert question.id not in history
    await person.stop()
    await bot.stop()
    layer = importlib.import_module(f"{MODULE}.raw.all").layer
    sys.stdout.write(f"{sys.argv[2]} {importlib.metadata.version(sys.argv[2])} (layer {layer}): all well\n")


asyncio.run(main())
