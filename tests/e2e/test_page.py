"""The chat page in real Chromium: as DjangoBot's people use it, and before a bot that tries everything."""

import asyncio
import base64
import re
import shutil
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect, sync_playwright
from telethon import Button, TelegramClient, events
from telethon.sessions import MemorySession
from telethon.tl import types

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess

from ..chromium import ARGUMENTS, CHROMIUM, needs_chromium
from .conftest import Sandbox, Service

pytestmark = needs_chromium
MILLISECONDS = 1000 * PATIENCE
FIRST_STEPS = "http://127.0.0.1:8000"
CODE = "123 456 7890"
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


class Puppet:
    """A bot (Telethon's, in a loop of its own) that does what a test tells it."""

    def __init__(self, sandbox: SandboxProcess, number: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.may_answer = threading.Event()
        self.presses = 0
        self._client: Any = self._run(self._start(sandbox, number))

    async def _start(self, sandbox: SandboxProcess, number: int) -> Any:
        client: Any = TelegramClient(
            MemorySession(), 1, "x", connection_retries=100, retry_delay=1, catch_up=True
        )
        sandbox.point_telethon(client)
        await client.start(bot_token=f"{number}:puppet")
        client.add_event_handler(self._pressed, events.CallbackQuery())
        return client

    async def _pressed(self, event: Any) -> None:
        self.presses += 1
        if event.data == b"slow":
            await asyncio.to_thread(self.may_answer.wait, 20)
        await event.answer(
            "Are you <b>sure</b>?" if event.data == b"alert" else "Noted", alert=event.data == b"alert"
        )

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def send(self, person: int, text: str, *entities: Any, buttons: Any = None) -> int:
        """Sends a text exactly as it is; its id."""
        sent = self._client.send_message(
            person, text, formatting_entities=list(entities), buttons=buttons, link_preview=False
        )
        return int(self._run(sent).id)

    def send_file(self, person: int, name: str, content: bytes, *, document: bool) -> None:
        file = self._run(self._client.upload_file(content, file_name=name))
        self._run(self._client.send_file(person, file, force_document=document))

    def edit(self, person: int, message: int, text: str) -> None:
        self._run(self._client.edit_message(person, message, text))

    def delete(self, person: int, message: int) -> None:
        self._run(self._client.delete_messages(person, [message]))

    async def _leave(self) -> None:
        await self._client.disconnect()

    def stop(self) -> None:
        self._run(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)


class Stage:
    """A sandbox of this module's own with one puppet in it."""

    def __init__(self, state: Path) -> None:
        self.sandbox = SandboxProcess(state, "--first-steps", FIRST_STEPS)
        self.bot = Puppet(self.sandbox, 77)

    @property
    def web(self) -> str:
        return self.sandbox.web

    def person(self, first_name: str = "Ann", **more: str) -> int:
        """Somebody who has started the bot: bots cannot begin."""
        person = self.newcomer(first_name, **more)
        self.say(person, "/start")
        return person

    def newcomer(self, first_name: str = "Ann", **more: str) -> int:
        made = self.sandbox.request_now(
            "POST", "/people", {"first_name": first_name, "language": "en", **more}
        )
        return int(made["id"])

    def say(self, person: int, text: str) -> None:
        self.sandbox.request_now("POST", f"/chats/{person}/say", {"text": text})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where anything may be tried; each test makes people of its own."""
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.bot.stop()
    made.sandbox.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visits:
    """Opens pages and sees to it that they keep to themselves and complain of nothing."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.strays: list[str] = []

    def __call__(self, web: str, person: int | None = None, **options: Any) -> Page:
        """A browser of its own at the page; with a person at their chat."""
        return self.goto(self.page(web, **options), web, person)

    def page(self, web: str, **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = self._browser.new_context(**options)
        context.set_default_timeout(MILLISECONDS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dialog)
        page.on("request", lambda asked: None if asked.url.startswith(web) else self.strays.append(asked.url))
        return page

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def goto(self, page: Page, web: str, person: int | None) -> Page:
        page.goto(web if person is None else f"{web}/#/{person}")
        if person is not None:
            expect(page.locator("#chat-head")).to_be_visible()
            expect(page.locator(".message, #no-chat:not([hidden])").first).to_be_visible()
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visits]:
    """`visit(web, person)`: the page, which at the end has asked nobody else and complained of nothing."""
    visits = Visits(browser)
    yield visits
    visits.close()
    assert visits.strays == []
    assert visits.complaints == []


def write(page: Page, text: str) -> None:
    """Types a text and sends it."""
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_label("Send", exact=True).click()


def copied(page: Page, step: int) -> str:
    """What a step's button puts on the clipboard."""
    page.get_by_label(f"Copy step {step}").click()
    expect(page.locator("#toasts")).to_contain_text(f"Step {step} is copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def last_from_bot(page: Page) -> Any:
    return page.locator(".theirs .bubble").last


# ---- with DjangoBot


def test_a_newcomer_is_made_starts_the_bot_and_copies_the_code(
    visit: Visits, box: Sandbox, service: Service
) -> None:
    """The whole way from an empty page to the code on the clipboard."""
    page = visit(box.web, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("New person").first.click()
    page.get_by_label("First name").fill("Ольга")
    page.get_by_label("Language").select_option("ru")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Ольга")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(last_from_bot(page)).to_contain_text("Здравствуйте, Ольга!")
    code = last_from_bot(page).locator("code")
    expect(code).to_have_text(re.compile(r"\d{3} \d{3} \d{4}"))
    code.click()
    expect(page.locator("#toasts")).to_contain_text(f"Copied: {code.inner_text()}")
    assert page.evaluate("navigator.clipboard.readText()") == code.inner_text()


def test_a_programs_message_appears_live_and_revoking_edits_in_place(
    visit: Visits, box: Sandbox, service: Service
) -> None:
    """Linked, written to, revoked with the button: without reloading anything."""
    alex = box.person()
    box.say(alex, "/start")
    page = visit(box.web, alex)
    token = service.bot_token(alex, service.account())
    notice = page.locator(".theirs", has_text="can now write to you")
    expect(notice.get_by_role("button", name="Revoke")).to_be_visible()
    text = "some <b>text</b> with *stars*\nи ещё строка"
    assert service.send(token, text).status_code == 200
    expect(last_from_bot(page).locator(".text")).to_have_text(f"Fedor\n{text}")
    expect(last_from_bot(page).locator("strong")).to_have_text("Fedor")
    write(page, "/tokens")
    listed = page.locator(".theirs", has_text="1 token can write to you")
    listed.get_by_role("button", name="Fedor").click()
    for name in ("Revoke", "Yes, revoke"):
        page.locator(".theirs").last.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Revoked")
    expect(last_from_bot(page)).to_contain_text("is revoked")
    expect(last_from_bot(page).locator(".edited")).to_be_visible()
    assert service.send(token, "too late").status_code == 401


def test_a_slash_brings_the_bots_commands(visit: Visits, box: Sandbox, service: Service) -> None:
    """Arrows choose, Tab completes, Enter sends, Escape puts the menu away."""
    alex = box.person()
    box.say(alex, "/help")
    page = visit(box.web, alex)
    field, menu = page.get_by_label("Message", exact=True), page.get_by_role("listbox", name="Commands")
    field.press_sequentially("/")
    expect(menu.get_by_role("option")).to_have_count(len(box.get("/commands", chat=alex)))
    expect(menu.get_by_role("option", selected=True)).to_contain_text("/start")
    for _ in range(3):
        field.press("ArrowDown")
    expect(menu.get_by_role("option", selected=True)).to_contain_text("/tokens")
    field.press("Tab")
    expect(field).to_have_value("/tokens ")
    expect(menu).to_be_hidden()
    field.fill("/h")
    expect(menu.get_by_role("option")).to_have_count(2)
    held: list[Route] = []
    page.route("**/commands*", lambda route: held.append(route))
    with page.expect_request("**/commands*"):
        field.fill("/he")
    field.press("Escape")
    expect(menu).to_be_hidden()
    with page.expect_response("**/commands*") as late:
        held.pop().continue_()
    late.value.finished()
    page.evaluate("() => new Promise((done) => setTimeout(done))")
    expect(menu).to_be_hidden()  # what was asked before does not bring it back
    page.unroute("**/commands*")
    field.fill("/hi")
    field.press("Enter")
    expect(field).to_have_value("")
    expect(last_from_bot(page)).to_contain_text("No messages yet")
    last_from_bot(page).get_by_role("button", name="/code").click()
    expect(last_from_bot(page)).to_contain_text("Your code, tap to copy")


def test_the_bot_is_blocked_and_taken_back(visit: Visits, box: Sandbox, service: Service) -> None:
    """From the menu; a program is refused in between."""
    alex = box.person()
    token = service.bot_token(alex, service.account())
    page = visit(box.web, alex)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Block the bot").click()
    expect(page.get_by_text("The bot is blocked")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_be_hidden()
    expect(page.locator("#people [aria-current] .blocked")).to_be_attached()
    assert service.send(token, "are you there?").status_code == 403
    page.get_by_role("button", name="Unblock").click()
    write(page, "/help")
    expect(last_from_bot(page)).to_contain_text("What I can do")


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl: Debian's package curl")
def test_the_first_steps_work_as_they_are_copied(visit: Visits, box: Sandbox, service: Service) -> None:
    """One line after the other, in a plain shell, until the message is in the chat."""
    alex = box.person()
    api = str(service.client.base_url).rstrip("/")
    page = visit.page(box.web, permissions=["clipboard-read", "clipboard-write"])
    page.route("**/page-config", lambda route: route.fulfill(json={"telegram": "", "first_steps": api}))
    visit.goto(page, box.web, alex)
    steps = page.get_by_role("complementary", name="First steps")
    steps.get_by_role("button", name="Send /start").click()
    shown = steps.locator("b.code")
    expect(shown).to_be_visible()
    code = shown.inner_text()
    page.get_by_role("button", name="Show the curl call").click()
    expect(last_from_bot(page)).to_contain_text("/api/cabinet/")
    expect(shown).to_have_text(code)
    expect(steps.get_by_label("Copy step 4")).to_be_enabled()
    lines = [copied(page, number) for number in (1, 2, 4, 5)]
    done = subprocess.run(["sh", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60)
    assert "message was successfully send" in done.stdout, done
    expect(last_from_bot(page)).to_contain_text("The backup is done")


BROKEN = """
keys => keys.flatMap(key => {
  const nodes = [...key.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
  return nodes.flatMap(node => [...node.data.matchAll(/\\S+/g)].filter(word => {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const tops = new Set([...range.getClientRects()].map(line => Math.round(line.top)));
    return tops.size > 1 || range.getBoundingClientRect().right > innerWidth;
  }).map(word => `${key.textContent}: ${word[0]}`));
})
"""


@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_word_on_a_button_is_broken_on_a_phone(
    visit: Visits, box: Sandbox, service: Service, language: str
) -> None:
    """390 pixels wide, as Chromium draws it: each word stands on one line, inside of the screen."""
    someone = box.person(language=language)
    token = service.bot_token(someone, service.account(), name="nightly builds")
    for number in range(6):
        assert service.send(token, f"{number} " + "build " * 100).status_code == 200
    phone = {"width": 390, "height": 800}
    page = visit(box.web, someone, viewport=phone, has_touch=True, is_mobile=True)
    for command in (
        "/start", "/settings", "/history", "/quiet", "/language", "/mute", "/token my own", "/search build",
    ):  # fmt: skip
        box.say(someone, command)
    listed = box.say(someone, "/tokens")
    number = listed["buttons"][0][0]["data"].partition(":")[2]
    for verb in ("token", "token_limits", "token", "token_expiries", "token"):
        box.post(f"/chats/{someone}/press", message_id=listed["id"], data=f"{verb}:{number}")
        expect(page.locator(".key").first).to_be_attached()
        assert page.locator(".key").evaluate_all(BROKEN) == []


# ---- with a bot that tries everything


def test_entities_are_shown_and_counted_in_utf_16(visit: Visits, stage: Stage) -> None:
    """Nested, overlapping and after characters that take two units."""
    ann = stage.person()
    text = "😀 bold italic under strike\nprint(1)\nquoted\nlink @mention1 https://example.org/x?y=1"

    def at(words: str) -> tuple[int, int]:
        before = text[: text.index(words)]
        return len(before.encode("utf-16-le")) // 2, len(words.encode("utf-16-le")) // 2

    stage.bot.send(
        ann,
        text,
        types.MessageEntityBold(*at("bold italic")),
        types.MessageEntityItalic(*at("italic under")),
        types.MessageEntityStrike(*at("strike")),
        types.MessageEntityPre(*at("print(1)"), language="python"),
        types.MessageEntityBlockquote(*at("quoted")),
        types.MessageEntityTextUrl(*at("link"), url="https://example.org/"),
    )
    page = visit(stage.web, ann)
    body = last_from_bot(page).locator(".text")
    expect(body.locator("strong")).to_have_text("bold italic")
    expect(body.locator("strong em")).to_have_text("italic")
    expect(body.locator("em")).to_have_text(["italic", " under"])
    expect(body.locator("s")).to_have_text("strike")
    expect(body.locator("pre")).to_have_text("print(1)")
    expect(body.locator(".pre-head")).to_contain_text("python")
    expect(body.locator("blockquote")).to_have_text("quoted")
    expect(body.locator(".mention")).to_have_text("@mention1")
    for name, address in (("link", "https://example.org/"), ("https", "https://example.org/x?y=1")):
        link = body.get_by_role("link", name=name).first
        expect(link).to_have_attribute("href", address)
        expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_a_spoiler_opens_when_it_is_pressed(visit: Visits, stage: Stage) -> None:
    """Not before, not in the list, and by keyboard too."""
    ann = stage.person()
    stage.bot.send(ann, "the killer is the gardener", types.MessageEntitySpoiler(14, 12))
    page = visit(stage.web, ann)
    spoiler = page.locator(".spoiler")
    expect(spoiler).to_have_css("color", "rgba(0, 0, 0, 0)")
    expect(page.locator("#people [aria-current] .last")).not_to_contain_text("gardener")
    spoiler.press("Enter")
    expect(spoiler).to_have_class(re.compile("open"))
    expect(spoiler).not_to_have_css("color", "rgba(0, 0, 0, 0)")


def test_buttons_toast_alert_and_stay_busy_while_the_bot_thinks(visit: Visits, stage: Stage) -> None:
    """And a second press while busy is none."""
    ann = stage.person()
    stage.bot.may_answer.clear()
    buttons = [
        [Button.inline("Toast", b"toast"), Button.inline("Alert", b"alert")],
        [Button.inline("Slow", b"slow")],
    ]
    stage.bot.send(ann, "choose", buttons=buttons)
    page = visit(stage.web, ann)
    page.get_by_role("button", name="Toast").click()
    expect(page.locator("#toasts")).to_contain_text("Noted")
    page.get_by_role("button", name="Alert").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Are you <b>sure</b>?")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    slow, before = page.get_by_role("button", name="Slow"), stage.bot.presses
    slow.press("Enter")
    expect(slow).to_have_attribute("aria-busy", "true")
    expect(slow).to_be_focused()
    slow.press("Enter")
    stage.bot.may_answer.set()
    expect(slow).not_to_have_attribute("aria-busy", "true")
    assert stage.bot.presses == before + 1


def test_edits_happen_in_place_and_deleted_messages_go(visit: Visits, stage: Stage) -> None:
    """While the page is open."""
    ann = stage.person()
    first, second = stage.bot.send(ann, "first"), stage.bot.send(ann, "second")
    page = visit(stage.web, ann)
    stage.bot.edit(ann, first, "first, corrected")
    message = page.locator(f"#m{first}")
    expect(message).to_contain_text("first, corrected")
    expect(message.locator(".edited")).to_be_visible()
    stage.bot.delete(ann, second)
    expect(page.locator(f"#m{second}")).to_have_count(0)
    expect(page.locator("#people [aria-current] .last")).to_have_text("first, corrected")


def test_what_was_not_seen_is_marked_unread(visit: Visits, stage: Stage) -> None:
    """In the list, in the title and by a line in the chat; seen once, it stays read."""
    ann, ben = stage.person("Ann"), stage.person("Ben", last_name="Unread")
    page = visit(stage.web, ann)
    row = page.get_by_role("link", name="Ben Unread")
    expect(row).to_be_visible()
    for number in range(3):
        stage.bot.send(ben, f"news {number}")
    expect(row.locator(".unread")).to_have_text(re.compile("^3"))
    expect(page).to_have_title(re.compile(r"^\(\d+\) "))
    row.click()
    expect(page.locator(".new-line")).to_be_visible()
    expect(row.locator(".unread")).to_have_count(0)
    page.reload()
    expect(last_from_bot(page)).to_contain_text("news 2")
    expect(page.get_by_role("link", name="Ben Unread").locator(".unread")).to_have_count(0)


def test_hostile_names_texts_and_links_are_only_text(visit: Visits, stage: Stage) -> None:
    """Markup is shown, nothing of it runs, and links that are none lead nowhere."""
    mallory = stage.person(HOSTILE[:64], last_name="‮evil\u202d" + "я" * 50)
    stage.say(mallory, HOSTILE)
    stage.bot.send(
        mallory,
        f"{HOSTILE} click here",
        types.MessageEntityTextUrl(len(HOSTILE) + 1, 10, url="javascript:alert(3)"),
        buttons=[[Button.inline(HOSTILE, b"toast")]],
    )
    page = visit(stage.web, mallory)
    expect(page.locator(".mine .text").last).to_have_text(HOSTILE)
    expect(last_from_bot(page).locator(".text")).to_have_text(f"{HOSTILE} click here")
    expect(page.locator("#chat-title")).to_contain_text(HOSTILE[:64])
    expect(page.locator(".key")).to_have_text(HOSTILE)
    expect(page.locator("main img, main script, .bubble a")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    headers = httpx.get(stage.web).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_files_are_downloaded_and_pictures_seen(visit: Visits, stage: Stage) -> None:
    """Through the sandbox itself."""
    ann = stage.person()
    stage.bot.send_file(ann, "dot.png", DOT, document=False)
    stage.bot.send_file(ann, "<отчёт>.html", b"<script>alert(4)</script>", document=True)
    page = visit(stage.web, ann)
    picture = page.locator(".picture img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 1)
    with page.expect_download() as download:
        page.locator(".document", has_text="отчёт").click()
    assert download.value.path().read_bytes() == b"<script>alert(4)</script>"


def test_a_long_chat_is_read_from_its_end(visit: Visits, stage: Stage) -> None:
    """The last hundred are drawn; scrolling up brings older ones and keeps the place."""
    ann = stage.person()
    with httpx.Client(base_url=stage.web) as client:
        for number in range(240):
            client.post(f"/chats/{ann}/say", json={"text": f"line {number}"}).raise_for_status()
    page = visit(stage.web, ann)
    lines = page.locator(".mine")
    expect(lines.last).to_be_in_viewport()
    assert lines.count() == 100
    first = page.locator(".mine", has_text="line 140")
    page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = 0; }")
    expect(lines).not_to_have_count(100)
    expect(first).to_be_in_viewport()
    page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = 0; }")
    expect(page.get_by_text("/start", exact=True)).to_be_attached()
    stage.bot.send(ann, "meanwhile")
    down = page.get_by_role("button", name="1 new messages")
    down.click()
    expect(last_from_bot(page)).to_be_in_viewport()
    expect(page.locator("#down")).to_be_hidden()


def test_4096_characters_pass_and_one_more_is_held_back(visit: Visits, stage: Stage) -> None:
    """The field says so before Telegram would."""
    ann = stage.person()
    page = visit(stage.web, ann)
    field, send = page.get_by_label("Message", exact=True), page.get_by_label("Send", exact=True)
    field.fill("я" * 4095 + "😀😀")
    expect(page.locator("#left")).to_have_text("-1")
    expect(send).to_be_disabled()
    field.fill("я" * 4095 + "😀")
    send.click()
    expect(page.locator(".mine .text").last).to_have_text("я" * 4095 + "😀")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_first_steps_fill_themselves_in(visit: Visits, stage: Stage) -> None:
    """With the address the sandbox was told and the code from the open chat."""
    ann = stage.newcomer()
    page = visit(
        stage.web,
        ann,
        permissions=["clipboard-read", "clipboard-write"],
        viewport={"width": 1500, "height": 900},
    )
    steps = page.get_by_role("complementary", name="First steps")
    expect(steps.get_by_label("Copy step 4")).to_be_disabled()
    steps.get_by_role("button", name="Send /start").click()
    expect(page.locator(".mine")).to_contain_text("/start")
    stage.bot.send(ann, f"Your code: {CODE}", types.MessageEntityCode(11, len(CODE)))
    expect(steps).to_contain_text(f"The bot has given the code {CODE}.")
    assert FIRST_STEPS in copied(page, 1)
    assert CODE in copied(page, 4)


def test_without_the_demo_there_are_no_first_steps(visit: Visits, box: Sandbox, service: Service) -> None:
    """The sandbox alone knows nothing of DjangoBot's API."""
    page = visit(box.web, box.person(), viewport={"width": 1500, "height": 900})
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    expect(page.locator("#steps-open")).to_be_hidden()
    expect(page.locator("#steps")).to_be_hidden()


def test_on_a_phone_there_is_one_pane_at_a_time(visit: Visits, stage: Stage) -> None:
    """The list, a chat, and a way back; nothing sticks out."""
    ann = stage.person("Анна-Мария", last_name="Константинопольская")
    stage.bot.send(
        ann, "w" * 300, buttons=[[Button.inline("A button with a rather long name " * 2, b"toast")]]
    )
    page = visit(stage.web, viewport={"width": 360, "height": 700}, has_touch=True, is_mobile=True)
    row = page.get_by_role("link", name="Анна-Мария").first
    expect(row).to_be_visible()
    expect(page.locator("#scroller")).to_be_hidden()
    row.tap()
    expect(page.locator("#scroller")).to_be_visible()
    expect(row).to_be_hidden()
    expect(page.locator(".key")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    write(page, "from a phone")
    expect(page.locator(".mine").last).to_contain_text("from a phone")
    page.get_by_role("button", name="Back").tap()
    expect(row).to_be_visible()


def test_dark_and_light_follow_the_system_until_chosen(visit: Visits, stage: Stage) -> None:
    """And what was chosen outlives a reload."""
    page = visit(stage.web, stage.person(), color_scheme="dark")

    def brightness() -> int:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", color)[:3])

    assert brightness() < 200
    page.get_by_label("Switch between light and dark").click()
    assert brightness() > 600
    page.reload()
    assert brightness() > 600


def test_several_bots_bring_a_picker(visit: Visits, stage: Stage) -> None:
    """One bot needs none; a second appears in an open page by itself."""
    ann = stage.person()
    page = visit(stage.web, ann)
    picker = page.get_by_label("Bot", exact=True)
    expect(picker).to_be_hidden()
    second = Puppet(stage.sandbox, 78)
    try:
        expect(picker).to_be_visible()
        picker.select_option("78")
        expect(page.locator("#chat-state")).to_contain_text("Bot 78")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator(".mine")).to_have_count(1)
        second.send(ann, "I am the other one")
        expect(last_from_bot(page)).to_contain_text("I am the other one")
    finally:
        second.stop()


def test_everything_can_be_done_with_the_keyboard(visit: Visits, stage: Stage) -> None:
    """Past the list with one link, out of menus with Escape, and new messages are announced."""
    ann = stage.person()
    page = visit(stage.web, ann)
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.get_by_role("button", name="More").press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_be_hidden()
    expect(page.get_by_role("button", name="More")).to_be_focused()
    page.get_by_text("Skip to the message field").press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    stage.bot.send(ann, "listen")
    expect(page.locator("#announcer")).to_contain_text("listen")


def test_where_streams_are_kept_back_the_page_polls(visit: Visits, stage: Stage) -> None:
    """Server-sent events may be held back by something between; messages come all the same."""
    ann = stage.person()
    page = visit.page(stage.web)
    page.route("**/events", lambda route: route.abort())
    visit.goto(page, stage.web, ann)
    stage.bot.send(ann, "by another way")
    expect(last_from_bot(page)).to_contain_text("by another way")
    visit.complaints = [said for said in visit.complaints if "ERR_FAILED" not in said]


def test_the_page_goes_on_after_the_sandbox_was_away(visit: Visits, stage: Stage) -> None:
    """It says so meanwhile; what happened then is there, and the stream is live again."""
    ann = stage.person()
    page = visit(stage.web, ann)
    page.get_by_label("Message", exact=True).fill("half a thou")
    stage.sandbox.kill()
    expect(page.get_by_text("The sandbox does not answer")).to_be_visible()
    stage.sandbox.start_again()
    stage.say(ann, "written elsewhere")
    expect(page.get_by_text("The sandbox does not answer")).to_be_hidden()
    expect(page.locator(".mine").last).to_contain_text("written elsewhere")
    expect(page.get_by_label("Message", exact=True)).to_have_value("half a thou")
    stage.say(ann, "and once more")
    expect(page.locator(".mine").last).to_contain_text("and once more")
    visit.complaints = [said for said in visit.complaints if "net::ERR_" not in said]
