"""Stored files on their way down (core.telegram.org/api/files#downloading-files)."""

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import File

# core.telegram.org/api/files: an answer has at most 1 MiB.
CHUNK_LIMIT = 1 << 20
_STORAGE = {
    "image/jpeg": "storage.fileJpeg",
    "image/png": "storage.filePng",
    "image/gif": "storage.fileGif",
    "image/webp": "storage.fileWebp",
    "application/pdf": "storage.filePdf",
    "video/mp4": "storage.fileMp4",
}


def get_file(call: Call) -> TL:
    """A piece of a stored file."""
    file = _located(call, call["location"])
    step = 1024 if call.get("precise") else 4096
    if call["offset"] < 0 or call["offset"] % step:
        raise RpcError(400, "OFFSET_INVALID")
    if not 0 < call["limit"] <= CHUNK_LIMIT or call["limit"] % step:
        raise RpcError(400, "LIMIT_INVALID")
    piece = call.world.files.read(file, call["offset"], call["limit"])
    kind = {"_": _STORAGE.get(file.mime, "storage.fileUnknown")}
    return {"_": "upload.file", "type": kind, "mtime": file.date, "bytes": piece}


def get_file_hashes(call: Call) -> list[TL]:
    """No hashes: there is no CDN."""
    _located(call, call["location"])
    return []


def _located(call: Call, location: TL) -> File:
    if location["_"] not in ("inputDocumentFileLocation", "inputPhotoFileLocation"):
        raise RpcError(400, "LOCATION_INVALID")
    file = call.world.files.get(location["id"])
    if file is None or location["access_hash"] != call.world.accounts.access_hash(call.user.id, file.id):
        raise RpcError(400, "FILE_ID_INVALID")
    if not location["file_reference"].startswith(b"sandbox"):
        raise RpcError(400, "FILE_REFERENCE_INVALID")
    return file
