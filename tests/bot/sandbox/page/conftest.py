"""The chat page in real Chromium, as wide as a phone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright, expect

from djangobot.bot.sandbox.testing import PATIENCE

from ....chromium import ARGUMENTS, CHROMIUM
from ..pyrogram_bot import Bot

# The list of bots is hidden while there is one.
CHOOSE = "(bots, id) => { bots.value = id; bots.dispatchEvent(new Event('change')); }"
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture
async def page(bot: Bot) -> AsyncIterator[Page]:
    """The bot's chat, open on a phone; any error of a script fails the test."""
    problems: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = await browser.new_page(viewport=PHONE)
        opened.set_default_timeout(1000 * PATIENCE)
        opened.on("pageerror", lambda error: problems.append(str(error)))
        await opened.goto(bot.sandbox.web)
        await expect(opened.locator(f"#bots option[value='{bot.id}']")).to_be_attached()
        await opened.locator("#bots").evaluate(CHOOSE, str(bot.id))
        await opened.evaluate(f"location.hash = '#/{bot.person}'")
        await expect(opened.locator(".mine")).to_have_count(1)
        yield opened
        await browser.close()
    assert problems == []
