"""What is wrong with how a message looks: words of another language, buttons a phone can't show."""

import re
from pathlib import Path
from typing import Any

from PIL import ImageFont

from djangobot.bot.rendering.snippets import SENDERS

CYRILLIC = re.compile("[а-яё]+", re.IGNORECASE)
LATIN = re.compile(r"(?<![/\w])[A-Za-z]{2,}(?!\w)")
QUOTED = re.compile(r"https?://\S+|/[a-z]+( add| remove| off| on| debug| N)?|«[^»]*»|“[^”]*”")
"""Addresses, commands, and what people said themselves."""
PROPER = {
    *(
        "API",
        "CI",
        "CSV",
        "Gotify",
        "JSON",
        "Lines",
        "UTC",
        "Telegram",
        "curl",
        "ACCESS_TOKEN",
        "POST",
        "ID",
        "DjangoBot",
        "GitHub",
    ),
    *("SQLite", "PostgreSQL", "English", "DJANGOBOT_ADMINS"),
    *("Alex", "Fedor", "ci", "build", "kept", "nightly", "Root", "Deputy"),
    *("debug", "info", "warning", "error"),
    *(word for sender in SENDERS for word in LATIN.findall(sender.name)),
}
"""Latin words that stand in Russian, and the names of these tests."""
OF_LANGUAGES = {"Русский"}
KEYS = 0.88 * (390 - 24)
"""Pixels that buttons have on a phone 390 wide, as the page sets them (style.css: .keys), side by side with
gaps and padding; and its letters, in the widest face it may be shown in."""
FONTS = Path(__file__).resolve().parents[2] / "bot" / "rendering" / "fonts"
GAP, PADDING = 4.8, 2 * (8 + 1)
FACE = ImageFont.truetype(str(FONTS / "DejaVuSans-Bold.ttf"), 15.2)


def foreign(language: str, message: dict[str, Any]) -> list[str]:
    """Words of a message and its buttons that are not in its language; what is set as code is anybody's."""
    text = message["text"].encode("utf-16-le")
    for one in message["entities"]:
        if one["type"] in ("code", "pre", "spoiler"):
            start, end = 2 * one["offset"], 2 * (one["offset"] + one["length"])
            text = text[:start] + " ".encode("utf-16-le") * (one["length"]) + text[end:]
    labels = [button["text"] for row in message["buttons"] for button in row]
    shown = QUOTED.sub(" ", "\n".join([text.decode("utf-16-le"), *labels]))
    return sorted({*(CYRILLIC if language == "en" else LATIN).findall(shown)} - PROPER - OF_LANGUAGES)


def too_wide(message: dict[str, Any]) -> list[str]:
    """Labels of which a word does not fit into its button, or the whole into two lines of it."""
    return [
        button["text"]
        for row in message["buttons"]
        for button in row
        for room in [(KEYS - GAP * (len(row) - 1)) / len(row) - PADDING]
        if max(map(FACE.getlength, button["text"].split())) > room
        or FACE.getlength(button["text"]) > 2 * room
    ]
