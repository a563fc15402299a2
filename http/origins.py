"""Which pages in a browser may send us requests: only our own. A page of another site could not read the
answer. But the browser sends whatever a form could send, without asking us first."""

from litestar.types import ASGIApp, Receive, Scope, Send

from djangobot.http.body.bodies import headers_of
from djangobot.http.errors import Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN = "A page of another site may not ask this; programs do not send Origin."


def own_pages_only(app: ASGIApp) -> ASGIApp:
    """Refuses calls that change something when a browser says that a page of another site makes them."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") not in SAFE:
            refuse_foreign(scope)
        await app(scope, receive, send)

    return checked


def refuse_foreign(scope: Scope) -> None:
    if is_foreign(scope):
        raise Refused(403, FOREIGN)


def is_foreign(scope: Scope) -> bool:
    """Checks Sec-Fetch-Site, which browsers send to https and to this machine. Elsewhere checks that Origin
    equals Host. A caller that sends neither is no browser."""
    headers = headers_of(scope)
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site not in (b"same-origin", b"none")
    return origin is not None and origin.partition(b"://")[2].lower() != headers.get(b"host", b"").lower()
