"""Containers: several messages in one (core.telegram.org/mtproto/service_messages#simple-container)."""

from collections.abc import Iterator

import msgspec

from djangobot.bot.sandbox.mtproto.constructors import CONTAINER
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader, pack_int, pack_long, pack_uint

# core.telegram.org/mtproto/service_messages#simple-container: at most 1020 messages.
MAX_RECEIVED = 1020
# What the sandbox puts into one container, so that several calls' answers do not wait for one another.
MAX_SENT = 100
MAX_SENT_BYTES = 512 << 10


class Message(msgspec.Struct, gc=False):
    """A message with its id and sequence number."""

    msg_id: int
    seqno: int
    body: bytes


def unpack(body: bytes) -> list[Message]:
    """The messages of a container; `Malformed` when it cannot be read."""
    reader = Reader(body, 4)
    count = reader.int32()
    if not 0 <= count <= MAX_RECEIVED:
        raise Malformed("a container of too many messages")
    return [_read(reader) for _ in range(count)]


def pack(messages: list[Message]) -> bytes:
    """A container of these messages."""
    parts = [pack_uint(CONTAINER), pack_int(len(messages))]
    for message in messages:
        parts += (
            pack_long(message.msg_id),
            pack_int(message.seqno),
            pack_int(len(message.body)),
            message.body,
        )
    return b"".join(parts)


def batches(messages: list[Message]) -> Iterator[list[Message]]:
    """The messages in groups that fit into one container each."""
    while messages:
        size = count = 0
        for message in messages:
            size += len(message.body) + 16
            if count and (size > MAX_SENT_BYTES or count == MAX_SENT):
                break
            count += 1
        yield messages[:count]
        messages = messages[count:]


def _read(reader: Reader) -> Message:
    msg_id, seqno, length = reader.int64(), reader.int32(), reader.int32()
    if length % 4:
        raise Malformed("a message whose length is no multiple of four")
    inner = reader.raw(length)
    if Reader(inner).uint32() == CONTAINER:
        raise Malformed("a container in a container")
    return Message(msg_id, seqno, inner)
