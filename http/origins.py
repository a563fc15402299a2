"""Which pages in a browser may ask something of us: our own. A page of another site could not read the
answer, but the browser sends for it, without asking us first, whatever could come from a form.
"""

from litestar.types import ASGIApp, Receive, Scope, Send

from djangobot.http.errors import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN = "A page of another site may not ask this; programs do not send Origin."


def own_pages_only(app: ASGIApp) -> ASGIApp:
    """Refuses calls that change something when a browser says that another site's page makes them."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") not in SAFE:
            refuse_foreign(scope)
        await app(scope, receive, send)

    return checked


def refuse_foreign(scope: Scope) -> None:
    if is_foreign(scope):
        raise Refused(403, FOREIGN)


def is_foreign(scope: Scope) -> bool:
    """By Sec-Fetch-Site, which browsers send to https and to this machine; elsewhere by Origin, which must
    then be Host's. Who sends neither is no browser."""
    site = origin = host = None
    for name, value in scope["headers"]:
        if name == b"sec-fetch-site":
            site = value
        elif name == b"origin":
            origin = value
        elif name == b"host":
            host = value
    if site is not None:
        return site not in (b"same-origin", b"none")
    return origin is not None and (host is None or origin.partition(b"://")[2].lower() != host.lower())
