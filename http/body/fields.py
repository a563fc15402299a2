"""The fields that programs send, described for the OpenAPI document. The rules are in db/; nothing is checked
here."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from djangobot.db.fields import (
    FORBIDDEN,
    INVISIBLE,
    LOGIN_LIMIT,
    NAME_LIMIT,
    SPACES,
    TOKEN_NAME_LIMIT,
)
from djangobot.db.messages import buttons, content, send_time
from djangobot.db.messages.files.files import NAME_LIMIT as FILE_NAME_LIMIT
from djangobot.db.messages.files.incoming_files import FILES_MOST
from djangobot.db.messages.new_message import REPLACE_LIMIT, TEXT_LIMIT, TTL_MOST, MessageType
from djangobot.db.messages.rich_text import formats
from djangobot.db.messages.rich_text.hashtags import TAG_LIMIT, TAGS_LIMIT
from djangobot.db.programs import passwords

ASTRAL = re.compile("[\U00010000-\U0010ffff](-.)?")


def _set(characters: str) -> str:
    """A set of characters in a form that every dialect of patterns reads, also ECMA's without its flag u. So
    characters above U+FFFF are left out, although the rule knows them."""
    within = ASTRAL.sub("", characters)
    return "".join(one if " " < one < "\x7f" else f"\\u{ord(one):04x}" for one in within)


# The same rules as patterns: the text has a visible character, and none that breaks the line or changes its
# direction.
LINE = f"^[^{_set(FORBIDDEN)}]*[^{_set(INVISIBLE)}][^{_set(FORBIDDEN)}]*$"
WORD = f"^[^{_set(FORBIDDEN + SPACES)}]*[^{_set(INVISIBLE)}][^{_set(FORBIDDEN + SPACES)}]*$"
NO_NUL = r"^[^\u0000]+$"
NOT_BLANK = rf"^[^\u0000]*[^{_set(INVISIBLE)}][^\u0000]*$"


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
        minLength=passwords.LEAST,
        maxLength=passwords.MOST,
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
        maxLength=passwords.MOST,
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
        "Shown as it is, unless `format` says otherwise. What is longer than a message of Telegram arrives "
        "as several, or as a file.",
        "some and again text",
        minLength=1,
        maxLength=TEXT_LIMIT,
        pattern=NOT_BLANK,
    ),
]
Long = Annotated[int, Meta(extra_json_schema={"format": "int64"})]
"""Telegram's ids and ours have up to 64 bits. Without this, Java's generators use 32 bits."""
Type = Annotated[
    MessageType,
    Meta(
        description="How files are shown: `Document` as they are; otherwise Telegram shows pictures, videos "
        "and sounds. Without a file, all three are texts.",
        examples=["Text"],
    ),
]
Urgent = Annotated[
    bool,
    Meta(
        description="Goes before what is not urgent; in its own chat the order stays. False when left out.",
        examples=[False],
    ),
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
Format = Annotated[
    formats.Format,
    Meta(description="How the text is written. Broken markup is shown as text.", examples=["markdown"]),
]
Title = Annotated[
    str,
    _text(
        "A bold line above the text.", "Backup finished", maxLength=content.TITLE_LIMIT, pattern=f"^$|{LINE}"
    ),
]
Tag = Annotated[
    str, Meta(extra_json_schema={"minLength": 1, "maxLength": TAG_LIMIT, "pattern": r"^\w*[^\W\d_]\w*$"})
]
Tags = Annotated[
    tuple[Tag, ...],
    Meta(
        title="a list of words",
        description="Shown as #hashtags below the text.",
        examples=[["backup"]],
        extra_json_schema={"maxItems": TAGS_LIMIT},
    ),
]
Silent = Annotated[bool, Meta(description="Arrives without a sound. False when left out.", examples=[False])]
Preview = Annotated[
    bool, Meta(description="Shows what the first link leads to. False when left out.", examples=[False])
]
Progress = Annotated[
    float, Meta(ge=0, le=1, description="Drawn as a bar with percent below the text.", examples=[0.42])
]
Replace = Annotated[
    str,
    _text(
        "Your own name for a message that changes. The first message with it is sent; a later one edits it "
        "in place. Files take the place of files where Telegram can; otherwise the message is sent anew and "
        "the former one is deleted.",
        "backup-progress",
        minLength=1,
        maxLength=REPLACE_LIMIT,
        pattern=LINE,
    ),
]
ReplyTo = Annotated[
    str,
    _text(
        "Shown as an answer to another message of this bot token: its `id`, or its `replace` key.",
        "backup-progress",
        minLength=1,
        maxLength=REPLACE_LIMIT,
        pattern=LINE,
    ),
]
Row = Annotated[
    tuple[buttons.Button, ...],
    Meta(extra_json_schema={"minItems": 1, "maxItems": buttons.BUTTONS_IN_ROW}),
]
Buttons = Annotated[
    tuple[Row, ...],
    Meta(
        title="rows of buttons, each with a `text` and either a `url` or a `value`",
        description="Rows of buttons below the message.",
        examples=[[[{"text": "Open", "url": "https://example.com"}]]],
        extra_json_schema={"maxItems": buttons.BUTTON_ROWS},
    ),
]
BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)$"


class FileInJson(msgspec.Struct, forbid_unknown_fields=True):
    """A file in a JSON body. Larger ones are sent as multipart/form-data."""

    name: Annotated[
        str,
        Meta(
            description=f"Shown in the chat, without folders, cut to {FILE_NAME_LIMIT} characters.",
            examples=["report.txt"],
        ),
    ]
    base64: Annotated[
        str,
        Meta(
            description="The bytes (RFC 4648, 4), without line breaks.",
            examples=["aGVsbG8="],
            extra_json_schema={"minLength": 4, "pattern": BASE64, "contentEncoding": "base64"},
        ),
    ]


Files = Annotated[
    tuple[FileInJson, ...],
    Meta(
        title="a list of files, each with a `name` and its bytes as `base64`",
        description="Small files; the body has at most 8 MiB. Larger ones are parts of multipart/form-data.",
        extra_json_schema={"maxItems": FILES_MOST},
    ),
]
Delay = Annotated[
    float,
    Meta(
        ge=0,
        le=send_time.DELAY_MOST,
        description="Seconds after which the message is sent; its status is `scheduled` until then. 366 days "
        "at most. `ttl` counts from then.",
        examples=[3600],
    ),
]
SendAt = Annotated[
    str,
    Meta(
        description="The time at which the message is sent, with an offset (RFC 3339), instead of `delay`; "
        "366 days ahead at most. A time that is less than a minute ago means now.",
        examples=[send_time.EXAMPLE],
        extra_json_schema={"format": "date-time"},
    ),
]
BotToken = Annotated[
    str,
    Meta(description="From POST /api/cabinet/; may be sent as Authorization: Bearer instead."),
]
