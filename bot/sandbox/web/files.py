"""The page's own files and the files that bots have sent, with what a browser may do with them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from litestar import Response
from litestar.response import Stream

from djangobot.bot.sandbox.web.errors import Problem
from djangobot.bot.sandbox.world import World

PAGE = Path(__file__).parents[1] / "page"
# Not from the machine's own table of file types, which may differ.
PAGE_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# The page may load what comes from here and nothing else.
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# A file that a bot has sent is shown or saved. It runs nothing, even when it is opened by itself.
FILE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
}
# What a browser shows by itself; the type is the sender's, and must be one.
_SHOWN = re.compile(r"(?:image|video|audio)/[\w.+-]{1,80}", re.ASCII)


def page_file(name: str) -> Response[bytes]:
    """A file of the page."""
    path = PAGE / name
    if path.parent != PAGE or not path.is_file():
        raise Problem(404, f"there is nothing at /page/{name}")
    mime = PAGE_TYPES.get(path.suffix, "application/octet-stream")
    return Response(path.read_bytes(), media_type=mime, headers=PAGE_HEADERS)


def sent_file(world: World, number: int) -> Stream:
    """A file that was sent, part by part."""
    file = world.files.get(number)
    if file is None:
        raise Problem(404, f"there is no file {number}")

    async def pieces() -> AsyncIterator[bytes]:
        for piece in world.files.pieces(file):
            yield piece

    inline = bool(_SHOWN.fullmatch(file.mime)) and file.mime != "image/svg+xml"
    disposition = "inline" if inline else "attachment"
    named = {
        "Content-Disposition": f"{disposition}; filename*=utf-8''{quote(file.name, safe='')}",
        "Content-Length": str(file.size),
    }
    return Stream(
        pieces(),
        media_type=file.mime if inline else "application/octet-stream",
        headers=FILE_HEADERS | named,
    )
