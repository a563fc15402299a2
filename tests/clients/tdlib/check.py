"""Plays a bot and a person with TDLib; `tests/clients/run` prepares the library and runs this."""

import asyncio
import ctypes
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox import PATIENCE, Sandbox

SECRET = "646a616e676f626f7473616e64626f78"
"""The sandbox's, published by it."""
OWN = Path(__file__).read_bytes()
FOLDER = Path.cwd()


class Library:
    """libtdjson; its updates go to the clients they belong to."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._library.td_receive.restype = self._library.td_execute.restype = ctypes.c_char_p
        self._library.td_receive.argtypes = [ctypes.c_double]
        self._library.td_send.argtypes = [ctypes.c_int, ctypes.c_char_p]
        self._library.td_execute.argtypes = [ctypes.c_char_p]
        self._clients: dict[int, Client] = {}
        quiet = {"@type": "setLogVerbosityLevel", "new_verbosity_level": 1}
        self._library.td_execute(json.dumps(quiet).encode())

    def client(self, folder: Path, sandbox: Sandbox) -> "Client":
        """A client that has sent nothing yet."""
        number = self._library.td_create_client_id()
        made = Client(lambda request: self._library.td_send(number, request), folder, sandbox)
        self._clients[number] = made
        return made

    async def pump(self) -> None:
        """Takes what the library says, for ever."""
        while True:
            line = await asyncio.to_thread(self._library.td_receive, 1.0)
            if line:
                event = json.loads(line)
                self._clients[event.pop("@client_id")].take(event)


class Client:
    """One account."""

    def __init__(self, send: Callable[[bytes], None], folder: Path, sandbox: Sandbox) -> None:
        self._send, self._folder, self._sandbox = send, folder, sandbox
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._waiting: list[tuple[Callable[[Any], bool], asyncio.Future[Any]]] = []
        self._seen: list[Any] = []

    def take(self, event: Any) -> None:
        """An answer, or an update."""
        future = self._answers.pop(event.get("@extra"), None)
        if future is not None:
            future.set_result(event)
            return
        self._seen.append(event)
        for wanted, waiting in self._waiting:
            if not waiting.done() and wanted(event):
                waiting.set_result(event)

    async def call(self, kind: str, **arguments: Any) -> Any:
        """A request's answer."""
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._send(json.dumps({"@type": kind, "@extra": number, **arguments}).encode())
        answer = await asyncio.wait_for(future, PATIENCE)
        assert answer["@type"] != "error", (kind, answer)
        return answer

    async def until(self, kind: str, wanted: Callable[[Any], bool] = lambda event: True) -> Any:
        """The first update of this kind that suits."""

        def suits(event: Any) -> bool:
            return bool(event["@type"] == kind and wanted(event))

        for event in self._seen:
            if suits(event):
                return event
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((suits, future))
        return await asyncio.wait_for(future, PATIENCE)

    async def state(self, kind: str) -> Any:
        """Waits for an authorization state."""
        return await self.until(
            "updateAuthorizationState", lambda event: event["authorization_state"]["@type"] == kind
        )

    async def sign_in(self, *, token: str = "", phone: str = "", code: str = "") -> Any:
        """Who has signed in."""
        proxy = {"@type": "proxy", "server": self._sandbox.host, "port": self._sandbox.port}
        proxy["type"] = {"@type": "proxyTypeMtproto", "secret": SECRET}
        await self.call(
            "setTdlibParameters",
            database_directory=str(self._folder),
            use_message_database=False,
            api_id=1,
            api_hash="x",
            system_language_code="en",
            device_model="check",
            application_version="1",
        )
        await self.call("addProxy", proxy=proxy, enable=True)
        await self.state("authorizationStateWaitPhoneNumber")
        if token:
            await self.call("checkAuthenticationBotToken", token=token)
        else:
            await self.call("setAuthenticationPhoneNumber", phone_number=phone)
            await self.state("authorizationStateWaitCode")
            await self.call("checkAuthenticationCode", code=code)
        await self.state("authorizationStateReady")
        return await self.call("getMe")

    async def send(self, chat: int, content: dict[str, Any], **rest: Any) -> Any:
        """Sends, and waits until the sandbox has it: the message with its final id."""
        draft = await self.call("sendMessage", chat_id=chat, input_message_content=content, **rest)
        done = await self.until("updateMessageSendSucceeded", lambda e: e["old_message_id"] == draft["id"])
        return done["message"]


def text(content: str) -> dict[str, Any]:
    """A text's content."""
    return {"@type": "inputMessageText", "text": {"@type": "formattedText", "text": content}}


def incoming(content: str) -> Callable[[Any], bool]:
    """Whether an update brings this text from the other side."""
    return lambda event: (
        not event["message"]["is_outgoing"]
        and event["message"]["content"].get("text", {}).get("text") == content
    )


async def main() -> None:
    """Signs in twice; talks, presses, edits, sends a file, downloads, lists chats, deletes."""
    sandbox = Sandbox()
    library = Library(sys.argv[1])
    pump = asyncio.create_task(library.pump())
    bot, person = (library.client(FOLDER / name, sandbox) for name in ("bot", "person"))
    me = await bot.sign_in(token="4242:tdlib")
    assert me["id"] == 4242, me
    kim = await sandbox.person("Kim")
    assert (await person.sign_in(phone=f"+999{kim}", code="12345"))["id"] == kim
    await person.call("searchPublicChat", username="sandbox_4242_bot")
    await person.send(4242, text("/start"))
    heard = (await bot.until("updateNewMessage", incoming("/start")))["message"]
    assert heard["chat_id"] == kim, heard

    button = {
        "@type": "inlineKeyboardButton",
        "text": "Yes",
        "type": {"@type": "inlineKeyboardButtonTypeCallback", "data": "eWVz"},
    }
    markup = {"@type": "replyMarkupInlineKeyboard", "rows": [[button]]}
    sent = await bot.send(kim, text("question"), reply_markup=markup)
    seen = (await person.until("updateNewMessage", incoming("question")))["message"]
    assert seen["reply_markup"]["rows"][0][0]["text"] == "Yes", seen
    payload = {"@type": "callbackQueryPayloadData", "data": "eWVz"}
    press = asyncio.create_task(
        person.call("getCallbackQueryAnswer", chat_id=4242, message_id=seen["id"], payload=payload)
    )
    query = await bot.until("updateNewCallbackQuery")
    await bot.call("answerCallbackQuery", callback_query_id=query["id"], text="pressed", show_alert=True)
    answer = await press
    assert (answer["text"], answer["show_alert"]) == ("pressed", True), answer
    await bot.call(
        "editMessageText", chat_id=kim, message_id=sent["id"], input_message_content=text("edited")
    )
    await person.until("updateMessageContent", lambda event: event["message_id"] == seen["id"])

    file = {"@type": "inputDocument", "document": {"@type": "inputFileLocal", "path": __file__}}
    await bot.send(kim, {"@type": "inputMessageDocument", "document": file})
    found = await person.until("updateNewMessage", lambda e: "document" in e["message"]["content"])
    document = found["message"]["content"]["document"]["document"]
    loaded = await person.call("downloadFile", file_id=document["id"], priority=1, synchronous=True)
    assert await asyncio.to_thread(Path(loaded["local"]["path"]).read_bytes) == OWN
    chats = await person.call("getChats", limit=10)
    assert chats["chat_ids"] == [4242], chats
    history = await person.call("getChatHistory", chat_id=4242, limit=10)
    assert history["messages"], history
    await bot.call("deleteMessages", chat_id=kim, message_ids=[sent["id"]], revoke=True)
    await person.until("updateDeleteMessages", lambda e: e["is_permanent"] and seen["id"] in e["message_ids"])
    version = await person.call("getOption", name="version")
    for client in (bot, person):
        await client.call("close")
        await client.state("authorizationStateClosed")
    pump.cancel()
    sys.stdout.write(f"TDLib {version['value']}: all well\n")


asyncio.run(main())
