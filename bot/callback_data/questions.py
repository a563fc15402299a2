"""Questions: what a person was asked in the chat. Their next text is the answer (db/people/questions.py)."""

from djangobot.bot.callback_data.packing import Number, Packed


class SearchWords(Packed, frozen=True, tag="search"):
    """What to search for."""


class OwnTokenName(Packed, frozen=True, tag="own_token"):
    """How to name a new token of the chat's own."""


class TokenName(Packed, frozen=True, tag="token_name"):
    """How to rename this token."""

    token: Number


class TokenSecretWord(Packed, frozen=True, tag="token_secret"):
    """With which secret the webhooks of this token are signed."""

    token: Number


class Zone(Packed, frozen=True, tag="zone"):
    """Which time zone the person lives in."""


class BroadcastText(Packed, frozen=True, tag="broadcast"):
    """What to write to many people."""
