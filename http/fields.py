"""The fields programs send, described for the document. The rules are db/'s: nothing is checked here."""

from typing import Annotated, Any, Literal

from msgspec import Meta

NO_CONTROLS = r"[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]"


def _text(description: str, example: str, **rules: Any) -> Meta:
    return Meta(description=description, examples=[example], extra_json_schema=rules)


Name = Annotated[
    str, _text("The name people in Telegram see above a message.", "Fedor", minLength=1, maxLength=100)
]
Login = Annotated[str, _text("Unique; for signing in.", "FedXL", minLength=1, maxLength=100)]
Password = Annotated[
    str,
    _text("Kept only as an argon2id hash.", "password1234", minLength=1, maxLength=256, format="password"),
]
Code = Annotated[
    str, _text("The ten digits the bot shows, with or without spaces and dashes.", "0123 456 789")
]
TokenName = Annotated[
    str, _text("For telling one's bot tokens apart.", "backups", minLength=1, maxLength=100)
]
Text = Annotated[
    str,
    _text(
        "Shown as it is: no markup. Up to 4096 characters.",
        "some and again text",
        minLength=1,
        maxLength=4096,
    ),
]
Type = Annotated[
    Literal["Text", "Document", "File"],
    Meta(
        description="A label in the history; a Document or a File without a file is a text.",
        examples=["Text"],
    ),
]
BotToken = Annotated[
    str,
    _text(
        "From POST /api/cabinet/; may be sent as Authorization: Bearer instead.", "7EVgXzmREWIf1qHsaYkegiQMa"
    ),
]
