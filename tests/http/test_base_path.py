"""A prefix that the reverse proxy leaves in the path."""

from typing import Any

import pytest

from djangobot.http.base_path import under


@pytest.mark.parametrize(
    ("asked", "raw", "path", "raw_path"),
    [
        ("/notify", b"/notify", "/", b"/"),
        ("/notify/", b"/notify/", "/", b"/"),
        ("/notify/api/a b", b"/notify/api/a%20b", "/api/a b", b"/api/a%20b"),
        ("/notify/api", b"/%6eotify/api", "/api", b"/api"),
        ("/notify/notify/api", b"/notify/notify/api", "/notify/api", b"/notify/api"),
        ("/notifyapi", b"/notifyapi", "/notifyapi", b"/notifyapi"),
        ("/api", b"/api", "/api", b"/api"),
    ],
)
async def test_the_prefix_is_taken_off_once(asked: str, raw: bytes, path: str, raw_path: bytes) -> None:
    """Of the path and of its written form; other paths stay what they are, and so does what was asked."""
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    scope: Any = {"type": "http", "path": asked, "raw_path": raw, "state": {}}
    nothing: Any = None
    await under("/notify", application)(scope, nothing, nothing)
    assert (seen[0]["path"], seen[0]["raw_path"], scope["path"]) == (path, raw_path, asked)
    assert seen[0]["state"] is scope["state"]
    assert under("", application) is application
