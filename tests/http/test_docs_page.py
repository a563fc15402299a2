"""The page at /api/ in real Chromium: before a proxy, and as somebody tries the calls out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from litestar import Litestar
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.http.app import Config, create_app
from djangobot.http.openapi.document import openapi_document

from ..chromium import ARGUMENTS, CHROMIUM, needs_chromium
from .conftest import SECRET, Api, Telegram, a_client, served

pytestmark = needs_chromium
MILLISECONDS = 1000 * PATIENCE


class StrippingProxy:
    """Passes on what begins with `/notify`, without it; anything else it does not find."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port)
        self.strays: list[str] = []
        self.address = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["StrippingProxy"]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, version = first.split(" ")
        if not path.startswith("/notify/"):
            self.strays.append(path)
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return writer.close()
        kept = [line for line in lines if line and not line.lower().startswith("connection:")]
        head = [f"{method} {path.removeprefix('/notify')} {version}", *kept, "Connection: close", "", ""]
        length = next((int(line[15:]) for line in kept if line.lower().startswith("content-length:")), 0)
        answers, asks = await asyncio.open_connection(*self.upstream)
        asks.write("\r\n".join(head).encode("latin-1") + await reader.readexactly(length))
        writer.write(await answers.read())
        asks.close()
        writer.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=MILLISECONDS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        await chromium.close()


class Shown:
    """The page, and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(MILLISECONDS)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def goto(self, address: str) -> None:
        await self.page.goto(address)
        await expect(self.page.locator(".opblock").first).to_be_visible()

    async def authorize(self, scheme: str, token: str) -> None:
        """As people do it: the dialog, the scheme's field, Authorize, Close."""
        await self.page.locator(".btn.authorize").click()
        box = self.page.locator(".auth-container").filter(has_text=scheme)
        await box.locator("input").fill(token)
        await box.get_by_role("button", name="Apply credentials").click()
        await self.page.locator(".modal-ux .close-modal").click()

    async def try_out(self, operation: str) -> Locator:
        """Opens a call and makes it ready to be filled in; its box on the page."""
        box = self.page.locator(f"#operations-{operation}")
        await box.locator(".opblock-summary-control").click()
        await box.locator(".try-out__btn").click()
        return box

    async def close(self, box: Locator) -> None:
        """Folds a call up again: what stands open is drawn anew at every step."""
        await box.locator(".opblock-summary-control").click()
        await expect(box.locator(".opblock-body")).to_have_count(0)

    async def execute(self, box: Locator, asked: str) -> int:
        """Executes it as it stands; the status it was answered with."""
        async with self.page.expect_response(
            lambda answer: urlsplit(answer.url).path.endswith(asked)
        ) as coming:
            await box.locator(".execute").click()
        answer = await coming.value
        await expect(box.locator(".live-responses-table .response-col_status").last).to_contain_text(
            str(answer.status)
        )
        return answer.status


def an_app_at(public_url: str) -> Litestar:
    door = Config(jwt_secret=SECRET, version="0.0.test", telegram=Telegram(), public_url=public_url)
    return create_app(door)


@pytest.fixture
async def delivered(api: Api) -> AsyncIterator[None]:
    """What is sent arrives."""

    async def deliver() -> None:
        while True:
            await api.deliver()
            await asyncio.sleep(0.05)

    delivering = asyncio.create_task(deliver())
    yield
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)


async def test_the_page_works_behind_a_proxy_that_strips_a_prefix(database: None, browser: Browser) -> None:
    """Its files, the document and what is tried out are all asked for behind the prefix."""
    async with (
        served(an_app_at("https://example.org/notify")) as upstream,
        StrippingProxy(upstream).listening() as proxy,
    ):
        shown = Shown(await browser.new_page())
        for path in ("/api/", "/api", "/api//"):
            await shown.goto(f"{proxy.address}/notify{path}")
            box = await shown.try_out("health-get_health")
            assert (path, await shown.execute(box, "/health")) == (path, 200)
            assert (path, proxy.strays, shown.complaints) == (path, [], [])


@pytest.mark.parametrize(
    ("setting", "servers"), [("", None), ("https://x.org/a", [{"url": "https://x.org/a"}])]
)
async def test_the_document_says_where_we_are_reached(
    database: None, setting: str, servers: list[Any] | None
) -> None:
    """`servers` is DJANGOBOT_PUBLIC_URL, for generators; without it, the document's own host."""
    async with served(an_app_at(setting)) as address, a_client(address) as client:
        assert (await client.get("/api/openapi.json")).json().get("servers") == servers


async def test_a_message_is_sent_twice_by_trying_it_out_twice(
    api: Api, delivered: None, browser: Browser
) -> None:
    """Authorize, Try it out, Execute, and again: nothing is filled in that would refuse or change it."""
    token = await api.bot_token(await api.access())
    shown = Shown(await browser.new_page())
    await shown.goto(f"{api.client.base_url}/api/")
    await shown.authorize("botToken", token)
    box = await shown.try_out("send_message-post_send_message")
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        await box.get_by_label("Request content type").select_option(kind)
        statuses = [await shown.execute(box, "/send_message") for _ in range(2)]
        assert (kind, statuses) == (kind, [200, 200])
        headers = await box.locator('tr[data-param-in="header"] input').all()
        assert (kind, [await field.input_value() for field in headers]) == (kind, ["", ""])
        assert (kind, shown.complaints) == (kind, [])


async def test_every_other_call_can_be_tried_out_as_it_stands(
    api: Api, delivered: None, browser: Browser
) -> None:
    """Answered as the example says, or refused for what no example can know."""
    shown = Shown(await browser.new_page())
    await shown.goto(f"{api.client.base_url}/api/")
    calls = {
        "user-post_user": ("/user/", 201),
        "auth-post_auth": ("/auth/", 200),
    }
    for operation, (asked, status) in calls.items():
        box = await shown.try_out(operation)
        assert await shown.execute(box, asked) == status
        await shown.close(box)
    access = (await api.access())["authorization"].removeprefix("Bearer ")
    await shown.authorize("accessToken", access)
    calls = {
        "cabinet-get_cabinet": ("/cabinet/", 200),
        "cabinet-post_cabinet": ("/cabinet/", 403),  # nobody has been given this code
        "health-get_health": ("/health", 200),
        "user-delete_user": ("/user/", 200),
    }
    for operation, (asked, status) in calls.items():
        box = await shown.try_out(operation)
        assert await shown.execute(box, asked) == status
        await shown.close(box)


def test_the_document_shows_no_header_and_no_token_to_send_by_mistake() -> None:
    """What stands in an example is sent by whoever tries it out."""
    document = openapi_document("1")
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "header":
                    assert not parameter.keys() & {"example", "examples"}
                    assert not parameter["schema"].keys() & {"default", "example", "examples"}
            assert "bot_token" not in str(operation.get("requestBody", ""))
    assert not document["components"]["schemas"]["SendMessage"]["properties"]["bot_token"].keys() & {
        "example",
        "examples",
        "default",
    }
