"""The fields programs send, described for the document. The rules are db/'s: nothing is checked here."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from djangobot.db.fields import LOGIN_LIMIT, NAME_LIMIT, PASSWORD_LEAST, PASSWORD_LIMIT, TOKEN_NAME_LIMIT
from djangobot.db.messages import TEXT_LIMIT, TTL_MOST

# The same rules as patterns: no control characters, and not blank.
CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
LINE = rf"^[^{CONTROLS}]*[^{CONTROLS}\s][^{CONTROLS}]*$"
WORD = rf"^[^{CONTROLS}\s]+$"
NO_NUL = r"^[^\u0000]+$"
NOT_BLANK = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"


def _text(description: str, example: str, **rules: Any) -> Meta:
    return Meta(description=description, examples=[example], extra_json_schema=rules)


Name = Annotated[
    str,
    _text(
        "The name people in Telegram see above a message.",
        "Fedor",
        minLength=1,
        maxLength=NAME_LIMIT,
        pattern=LINE,
    ),
]
Login = Annotated[
    str, _text("Unique; for signing in.", "FedXL", minLength=1, maxLength=LOGIN_LIMIT, pattern=WORD)
]
Password = Annotated[
    str,
    _text(
        "Kept only as an argon2id hash.",
        "password1234",
        minLength=PASSWORD_LEAST,
        maxLength=PASSWORD_LIMIT,
        pattern=NO_NUL,
        format="password",
    ),
]
KnownPassword = Annotated[
    str,
    _text(
        "The account's.",
        "password1234",
        minLength=1,
        maxLength=PASSWORD_LIMIT,
        pattern=NO_NUL,
        format="password",
    ),
]
Invite = Annotated[
    str,
    _text(
        "A word from the service's admins, where registering takes one; where it does not, it is not looked "
        "at.",
        "k7w2mfp9x3hs8dq4vtnb",
    ),
]
RevokeTokens = Annotated[
    bool,
    Meta(description="Whether all the account's bot tokens end, too.", examples=[True]),
]
Code = Annotated[
    str, _text("The digits the bot shows, ten or twenty, with or without spaces and dashes.", "0123 456 789")
]
TokenName = Annotated[
    str,
    _text(
        "For telling one's bot tokens apart; the account's name when left out.",
        "backups",
        minLength=1,
        maxLength=TOKEN_NAME_LIMIT,
        pattern=LINE,
    ),
]
Text = Annotated[
    str,
    _text(
        "Shown as it is: no markup.",
        "some and again text",
        minLength=1,
        maxLength=TEXT_LIMIT,
        pattern=NOT_BLANK,
    ),
]
Type = Annotated[
    Literal["Text", "Document", "File"],
    Meta(
        description="A label in the history; a Document or a File without a file is a text.",
        examples=["Text"],
    ),
]
Urgent = Annotated[
    bool,
    Meta(description="Goes before what is not urgent; in its own chat the order stays.", examples=[True]),
]
Ttl = Annotated[
    int,
    Meta(
        ge=1,
        le=TTL_MOST,
        description="Seconds after which the message is not sent any more, and ends as expired.",
        examples=[300],
    ),
]
BotToken = Annotated[
    str,
    _text(
        "From POST /api/cabinet/; may be sent as Authorization: Bearer instead.", "7EVgXzmREWIf1qHsaYkegiQMa"
    ),
]
