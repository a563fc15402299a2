"""Accepts a foreign program's message: by the same verb as POST /api/send_message."""

from collections.abc import AsyncIterator

import msgspec
from litestar.types import Scope

from djangobot.db import metrics
from djangobot.db.clock import utc_now
from djangobot.db.errors import KeyReused
from djangobot.db.messages import acceptance, edits, incidents
from djangobot.db.messages.files.incoming_files import IncomingFiles, incoming_files
from djangobot.db.messages.new_message import Accepted, NewMessage
from djangobot.db.messages.sender import Sender
from djangobot.http.access_log import note_caller
from djangobot.http.addresses import network_of
from djangobot.http.inlets.common.message import InletFile, InletMessage
from djangobot.http.inlets.common.shorten import rows, shortened
from djangobot.http.inlets.common.times import lasted
from djangobot.http.state import state_of

GONE = Accepted("", "replaced", repeated=True)
"""What is newer than a late delivery, and is not kept any more."""


async def sender_of(scope: Scope, token: str) -> Sender:
    """Who sends with this token. Raises TokenInvalid and whatever else keeps it from sending."""
    note_caller(scope, token)
    return await acceptance.sender(token, utc_now())


async def accept(
    scope: Scope, token: str, sender: Sender, message: InletMessage, format_name: str
) -> Accepted:
    """Commits the message, to be delivered, and counts it under the name of its format."""
    accepted = await _follow(scope, token, sender, message)
    if not accepted.repeated:
        metrics.inlet_messages.labels(format_name).inc()
    return accepted


async def _follow(scope: Scope, token: str, sender: Sender, message: InletMessage) -> Accepted:
    """Commits the message, or changes the one of its incident that is in the chat. What comes too late is
    answered with that message."""
    if message.incident is None:
        return await _accept(scope, token, sender, message)
    step = await incidents.follow(sender.token, message.incident, utc_now())
    if step.late:
        return await edits.standing(sender.token, step.key) or GONE
    changed = msgspec.structs.replace(message, replace=step.key)
    accepted = await _accept(scope, token, sender, changed)
    if step.lasted is not None:
        reply = InletMessage(
            text=f"{message.outcome} after {lasted(step.lasted)}",
            silent=not message.loud,
            reply_to=step.key,
            key=f"over:{step.key}",
        )
        await _accept(scope, token, sender, reply)
    return accepted


async def _accept(scope: Scope, token: str, sender: Sender, message: InletMessage) -> Accepted:
    """It is shortened first, so that nothing refuses it. A repeat under the same key is taken for what came
    before, even if it is written otherwise."""
    message = shortened(message)
    with state_of(scope).limits.sending(token):
        async with incoming_files() as incoming:
            incoming.of(sender)
            for file in message.files:
                await incoming.add(file.name, file.mime, _pieces(file))
            try:
                return await acceptance.accept(token, _new(scope, message, incoming), utc_now())
            except KeyReused as exc:
                return Accepted(exc.public_id, exc.status, repeated=True)


def _new(scope: Scope, message: InletMessage, incoming: IncomingFiles) -> NewMessage:
    return NewMessage(
        text=message.text,
        format=message.format,
        title=message.title,
        tags=message.tags,
        urgent=message.urgent,
        silent=message.silent,
        preview=message.preview,
        buttons=rows(message.buttons),
        files=tuple(incoming.stored),
        replace=message.replace,
        reply_to=message.reply_to,
        key=message.key,
        delay=message.delay,
        network=network_of(scope),
    )


async def _pieces(file: InletFile) -> AsyncIterator[bytes]:
    yield file.content
