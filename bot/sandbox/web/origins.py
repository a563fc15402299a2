"""Requests that a page of another site may have caused are refused: the sandbox serves this machine alone."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from litestar import Request

from djangobot.bot.sandbox.web.errors import Problem

_JSON = "application/json"
# Values of Sec-Fetch-Site, which browsers send (www.w3.org/TR/fetch-metadata): our page, or the person.
_OWN_SITES = ("same-origin", "none")


def refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """A `Problem` for a page of another site.

    Such a page could read the chats under a name of its own that points here (DNS rebinding). It could act in
    them with what a form may send. Programs send no Origin.
    """
    host = request.headers.get("host", "")
    if not _is_this_machine(host):
        raise Problem(403, f"this sandbox is on this machine alone, and not {host[:100]!r}: use 127.0.0.1")
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("origin", f"http://{host}")
    if origin != f"http://{host}" or request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        raise Problem(403, "a page of another site may not do this")
    kind = request.headers.get("content-type", _JSON)
    if kind.partition(";")[0].strip().lower() != _JSON:
        raise Problem(415, "send the body as JSON: Content-Type: application/json")


def _is_this_machine(host: str) -> bool:
    """Whether a Host header names localhost or a loopback address, with or without a port."""
    name = urlsplit(f"//{host}").hostname or "" if "@" not in host else ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
