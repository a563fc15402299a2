"""The files of a message: parts of a form, or base64 in JSON. They go to disk piece by piece."""

import binascii
from collections.abc import AsyncIterator, Sequence

from litestar.types import Receive, Scope

from djangobot.db.clock import utc_now
from djangobot.db.messages import acceptance
from djangobot.db.messages.files import files
from djangobot.db.messages.files.incoming_files import IncomingFiles
from djangobot.http.auth import bot_token
from djangobot.http.body.fields import FileInJson
from djangobot.http.body.multipart import Form, Upload
from djangobot.http.errors import fields_refused

PART_NAME = "file"
"""The name of each part that is a file."""
DECODED_AT_ONCE = 64 * 1024
"""Characters of base64 that are decoded at once: a multiple of four."""
NOT_BASE64 = (
    "must hold base64 (RFC 4648, 4: A-Z a-z 0-9 + /, padded with =, without line breaks); "
    "that of the file {} is none"
)
SENDER_FIRST = (
    "is missing before the first file; send it as Authorization: Bearer, or as a field before the files"
)


async def read_form(scope: Scope, receive: Receive, incoming: IncomingFiles) -> dict[str, str]:
    """Reads the fields of multipart/form-data, and stores its files. The token is checked before the first
    byte of a file is stored."""
    fields: dict[str, str] = {}
    checked = False
    async for part in Form(scope, receive, files.limit()):
        if not isinstance(part, Upload):
            fields[part.name] = part.value
            continue
        if part.name != PART_NAME:
            raise fields_refused({part.name: f"is a file; each file is a part named `{PART_NAME}`"})
        if not checked:
            await check_sender(scope, fields.get("bot_token"), incoming)
            checked = True
        await incoming.add(part.filename, part.mime, aiter(part))
    return fields


async def read_json(given: Sequence[FileInJson], incoming: IncomingFiles) -> None:
    """Stores the files of a JSON body. `incoming` knows whose they are."""
    for file in given:
        await incoming.add(file.name, "", _decoded(file))


async def check_sender(scope: Scope, given: str | None, incoming: IncomingFiles) -> None:
    """Refuses a token that can't send, before anything is stored."""
    token = bot_token(scope, given)
    if token is None:
        raise fields_refused({"bot_token": SENDER_FIRST})
    incoming.of(await acceptance.sender(token, utc_now()))


async def _decoded(file: FileInJson) -> AsyncIterator[bytes]:
    """The bytes of the file, in pieces. What is no canonical base64 is refused: two spellings of the same
    bytes would be two messages."""
    name = files.file_name(file.name)
    length = len(file.base64)
    for start in range(0, length, DECODED_AT_ONCE):
        written = file.base64[start : start + DECODED_AT_ONCE]
        last = start + DECODED_AT_ONCE >= length
        try:
            piece = binascii.a2b_base64(written, strict_mode=True)
        except ValueError:
            raise fields_refused({"files": NOT_BASE64.format(name)}) from None
        if (b"=" in written.encode() and not last) or binascii.b2a_base64(
            piece, newline=False
        ) != written.encode():
            raise fields_refused({"files": NOT_BASE64.format(name)})
        yield piece
