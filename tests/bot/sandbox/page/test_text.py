"""Formatted texts on the chat page: quotes, spoilers, replies, links."""

from playwright.async_api import Page, expect

from ....chromium import needs_chromium
from ..probe import Probe
from ..pyrogram_bot import Bot, raw

pytestmark = needs_chromium

FITS = "document.documentElement.scrollWidth <= innerWidth"


async def test_a_collapsed_quote_opens_and_closes(bot: Bot, page: Page) -> None:
    """Only layer 229 can send one."""
    text = "a line of the log\n" * 12
    quote = {"_": "messageEntityBlockquote", "collapsed": True, "offset": 0, "length": len(text)}
    peer = {"_": "inputPeerUser", "user_id": bot.person, "access_hash": 0}
    request = {"_": "messages.sendMessage", "peer": peer, "message": text, "random_id": 1}
    async with Probe(bot.sandbox, layer=229) as probe:
        await probe.sign_in(bot.id)
        await probe.call({**request, "entities": [quote]})
    shown = page.locator("blockquote")
    await expect(shown).to_have_class("collapsed")
    box = await shown.bounding_box()
    assert box
    assert box["height"] < 120
    await shown.click()
    await expect(shown).not_to_have_class("collapsed")
    await shown.press("Enter")
    await expect(shown).to_have_class("collapsed")


async def test_a_reply_leads_to_its_message_and_a_spoiler_opens(bot: Bot, page: Page) -> None:
    """The quote of a reply does not tell what is hidden; long words wrap; buttons with links are links."""
    hidden = raw.types.MessageEntitySpoiler(offset=0, length=6)
    first = await bot.send("secret " + "x" * 300, 1, entities=[hidden])
    row = raw.types.KeyboardButtonRow(
        buttons=[
            raw.types.KeyboardButtonUrl(text="Docs", url="https://example.org/docs"),
            raw.types.KeyboardButtonCallback(text="OK", data=b"ok"),
        ]
    )
    markup = raw.types.ReplyInlineMarkup(rows=[row])
    await bot.send("see above", 2, reply_to_msg_id=first.id, silent=True, reply_markup=markup)
    await expect(page.locator(".reply")).not_to_contain_text("secret")
    await page.locator(".reply").click()
    await expect(page.locator(".pointed")).to_contain_text("secret")
    spoiler = page.locator(".spoiler")
    await spoiler.click()
    await expect(spoiler).to_have_class("spoiler open")
    await expect(page.locator(".silent")).to_have_count(1)
    await expect(page.locator("a.key")).to_have_attribute("href", "https://example.org/docs")
    await expect(page.locator("button.key")).to_have_text("OK")
    assert await page.evaluate(FITS)
