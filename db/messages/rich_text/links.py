"""Links: which addresses a text may link to."""

import re

ADDRESS_LIMIT = 2048
"""Characters of an address. Browsers and servers rarely take more."""
SCHEMES = ("http", "https", "tg", "mailto", "tel")
"""What opens when it is tapped. Telegram shows any other as text."""

_ADDRESS = re.compile(rf"(?:{'|'.join(SCHEMES)}):[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+", re.IGNORECASE)
_HOST = re.compile(r"(?:https?|tg)://[^/?#\\]", re.IGNORECASE)
_WITHOUT_HOST = ("mailto:", "tel:")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def link_address(written: str) -> str | None:
    """The address as Telegram may open it. None when it stays text: its scheme is not one of SCHEMES, it has
    no host, it is too long, or it has control characters."""
    address = written.strip().replace(" ", "%20")
    if len(address) > ADDRESS_LIMIT or not _ADDRESS.fullmatch(address):
        return None
    if not address.lower().startswith(_WITHOUT_HOST) and not _HOST.match(address):
        return None
    return address


def shown_address(written: str) -> str:
    """An address as a part of a text: one line, without control characters."""
    return " ".join(_UNSEEN.sub(" ", written).split())
