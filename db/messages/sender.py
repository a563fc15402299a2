"""Who sends a message."""

import msgspec


class Sender(msgspec.Struct, frozen=True):
    """Who may send: the chat to which a token sends, and its account. A chat's own token has none."""

    token: int
    chat: int
    account: int | None
