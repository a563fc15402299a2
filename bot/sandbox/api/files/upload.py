"""Parts of files on their way up (core.telegram.org/api/files#uploading-files)."""

import hashlib
import secrets

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.mtproto.schema import TL

# core.telegram.org/api/files: a part has at most 512 KiB, which it divides; a file has at most 4000 parts;
# a file above 10 MB comes as a big one.
PART_LIMIT = 512 << 10
PART_UNIT = 1 << 10
PARTS_LIMIT = 4000
BIG_FILE = 10 << 20


def save_file_part(call: Call) -> bool:
    """One part of a small file."""
    return _save(call)


def save_big_file_part(call: Call) -> bool:
    """One part of a file above 10 MB, with the number of its parts; -1 while the client does not know it."""
    total, number = call["file_total_parts"], call["file_part"]
    if not (total == -1 or 0 < total <= PARTS_LIMIT):
        raise RpcError(400, "FILE_PARTS_INVALID")
    if total != -1 and number >= total:
        raise RpcError(400, "FILE_PART_INVALID")
    size, first = len(call["bytes"]), call.world.files.part_size(call.user.id, call["file_id"], 0)
    if total != -1 and number < total - 1:
        if not _divides(size):
            raise RpcError(400, "FILE_PART_SIZE_INVALID")
        if number and first not in (None, size):
            raise RpcError(400, "FILE_PART_SIZE_CHANGED")
    return _save(call)


def _save(call: Call) -> bool:
    if len(call["bytes"]) > PART_LIMIT:
        raise RpcError(400, "FILE_PART_TOO_BIG")
    if not call["bytes"]:
        raise RpcError(400, "FILE_PART_EMPTY")
    if not 0 <= call["file_part"] < PARTS_LIMIT:
        raise RpcError(400, "FILE_PART_INVALID")
    call.world.files.save_part(call.user.id, call["file_id"], call["file_part"], call["bytes"])
    return True


def _divides(size: int) -> bool:
    return size > 0 and size % PART_UNIT == 0 and PART_LIMIT % size == 0


def join_parts(call: Call, file: TL) -> tuple[int, int, int]:
    """Makes a file of its parts: its id, its size, the size of a part. RpcError as Telegram refuses them."""
    if file["_"] not in ("inputFile", "inputFileBig"):
        raise RpcError(400, "MEDIA_INVALID")
    sizes = _sizes(call, file)
    if file["_"] == "inputFile":
        if sum(sizes) > BIG_FILE:
            raise RpcError(400, "FILE_PARTS_INVALID")
        _check_md5(call, file)
    number = secrets.randbits(52) | 1
    call.world.files.join(call.user.id, file["id"], len(sizes), number)
    return number, sum(sizes), sizes[0]


def _sizes(call: Call, file: TL) -> list[int]:
    """The sizes of a file's parts, each of which must be there, all but the last of one size."""
    if not 0 < file["parts"] <= PARTS_LIMIT:
        raise RpcError(400, "FILE_PARTS_INVALID")
    sizes: list[int] = []
    for number in range(file["parts"]):
        size = call.world.files.part_size(call.user.id, file["id"], number)
        if size is None:
            raise RpcError(400, f"FILE_PART_{number}_MISSING")
        sizes.append(size)
    first = sizes[0]
    if len(sizes) > 1 and not (_divides(first) and {*sizes[:-1]} == {first} and sizes[-1] <= first):
        raise RpcError(400, "FILE_PART_SIZE_INVALID")
    return sizes


def _check_md5(call: Call, file: TL) -> None:
    """Clients name the MD5 of a small file, or an empty text."""
    if not file["md5_checksum"]:
        return
    digest = hashlib.md5(usedforsecurity=False)
    for number in range(file["parts"]):
        digest.update(call.world.files.part(call.user.id, file["id"], number))
    if file["md5_checksum"].lower() != digest.hexdigest():
        raise RpcError(400, "MD5_CHECKSUM_INVALID")
