"""Sonarr's, Radarr's, Lidarr's and Readarr's webhooks: what was grabbed, downloaded or is ill."""

import re
from collections.abc import Mapping
from typing import Any

from djangobot.db.messages.buttons import Button
from djangobot.http.inlets.common.html import bold, escaped, lines
from djangobot.http.inlets.common.json import at, first, number, objects, present, text
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.request import InletRequest

SIGNS = {
    "Test": "🏓",
    "Grab": "📥",
    "Download": "✅",
    "Health": "🟠",
    "HealthRestored": "🟢",
    "ApplicationUpdate": "🚀",
    "ManualInteractionRequired": "🟠",
}
WORDS = {"Grab": "grabbed", "Download": "imported"}
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
ABOUT = ("series", "movie", "artist", "author")


def is_it(request: InletRequest) -> bool:
    body = request.object
    named = any(name in body for name in (*ABOUT, "instanceName", "applicationUrl"))
    return isinstance(at(body, "eventType"), str) and named


def read(request: InletRequest) -> InletMessage:
    """What happened to what. Importing with `isUpgrade` is an upgrade."""
    body = request.object
    event = text(body, "eventType")
    about = next((at(body, name) for name in ABOUT if isinstance(at(body, name), dict)), None)
    name = first(about, ("title",), ("name",), ("artistName",), ("authorName",))
    year = text(about, "year")
    done = "upgraded" if at(body, "isUpgrade") is True else WORDS.get(event) or _WORD.sub(" ", event).lower()
    return InletMessage(
        title=f"{SIGNS.get(event, '🔔')} {present([text(body, 'instanceName'), done])}",
        text=lines(
            [
                bold(f"{name} ({year})" if name and year != "0" and year else name),
                *(_episode(one) for one in objects(body, "episodes")[:10]),
                escaped(text(body, "message")),
                present([_quality(body), escaped(text(body, "release", "indexer"))]),
            ]
        )
        or escaped(done),
        format="html",
        silent=event in ("Grab", "Rename"),
        buttons=(Button("Open", url=text(body, "applicationUrl")), Button("Wiki", url=text(body, "wikiUrl"))),
    )


def _episode(episode: Mapping[str, Any]) -> str:
    season, number_in_it = number(episode, "seasonNumber"), number(episode, "episodeNumber")
    code = ""
    if season is not None and number_in_it is not None and 0 <= season < 1e5 and 0 <= number_in_it < 1e5:
        code = f"S{int(season):02}E{int(number_in_it):02}"
    return present([code, escaped(text(episode, "title"))], " ")


def _quality(body: Mapping[str, Any]) -> str:
    size = (
        number(body, "release", "size")
        or number(body, "movieFile", "size")
        or number(body, "episodeFile", "size")
    )
    quality = first(body, ("release", "quality"), ("episodeFile", "quality"), ("movieFile", "quality"))
    return present([escaped(quality), _size(size) if size and 0 < size < 1e15 else ""])


def _size(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
