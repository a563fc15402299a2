"""The prefix under which a reverse proxy leads to the API, when it does not take it off itself."""

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send


def under(prefix: str, application: ASGIApp) -> ASGIApp:
    """The application under this prefix, which begins with a slash and ends without one. Paths without it are
    answered, too: `/health` is asked on the machine itself. Without a prefix it is the application."""
    if not prefix:
        return application

    async def without_prefix(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == prefix or path.startswith(f"{prefix}/"):
            rest = path.removeprefix(prefix) or "/"
            shorter: Any = {**scope, "path": rest, "raw_path": _raw(scope, prefix, rest)}
            await application(shorter, receive, send)
        else:
            await application(scope, receive, send)

    return without_prefix


def _raw(scope: Scope, prefix: str, rest: str) -> bytes:
    """The path as it was written, unless the prefix was written with percent signs."""
    raw = scope["raw_path"]
    return (raw.removeprefix(prefix.encode()) or b"/") if raw.startswith(prefix.encode()) else rest.encode()
