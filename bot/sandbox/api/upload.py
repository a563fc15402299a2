"""Files in parts, uploaded and downloaded (core.telegram.org/api/files)."""

import hashlib
import secrets
import struct
import time
from pathlib import Path

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import File

# core.telegram.org/api/files: a part has at most 512 KiB, a file at most 4000 parts, an answer at most 1 MiB.
PART_LIMIT = 512 << 10
PARTS_LIMIT = 4000
CHUNK_LIMIT = 1 << 20


def save_file_part(call: Call) -> bool:
    """One part of a file; it stays on disk until the file is sent."""
    part = call["bytes"]
    if len(part) > PART_LIMIT:
        raise RpcError(400, "FILE_PART_TOO_BIG")
    if not part:
        raise RpcError(400, "FILE_PART_EMPTY")
    if not 0 <= call["file_part"] < PARTS_LIMIT:
        raise RpcError(400, "FILE_PART_INVALID")
    _part(call, call["file_id"], call["file_part"]).write_bytes(part)
    return True


def save_big_file_part(call: Call) -> bool:
    """The same for files over 10 MB, which name the number of their parts."""
    if call["file_total_parts"] > PARTS_LIMIT:
        raise RpcError(400, "FILE_PARTS_INVALID")
    return save_file_part(call)


def get_file(call: Call) -> TL:
    """A piece of a stored file."""
    file = _located(call, call["location"])
    step = 1024 if call.get("precise") else 4096
    if call["offset"] < 0 or call["offset"] % step:
        raise RpcError(400, "OFFSET_INVALID")
    if not 0 < call["limit"] <= CHUNK_LIMIT or call["limit"] % step:
        raise RpcError(400, "LIMIT_INVALID")
    with (call.world.state.files / str(file.id)).open("rb") as stored:
        stored.seek(call["offset"])
        piece = stored.read(call["limit"])
    kind = {"_": _STORAGE.get(file.mime, "storage.fileUnknown")}
    return {"_": "upload.file", "type": kind, "mtime": file.date, "bytes": piece}


def get_file_hashes(call: Call) -> list[TL]:
    """No hashes: there is no CDN."""
    _located(call, call["location"])
    return []


def file_of(call: Call, media: TL) -> File:
    """The file that an InputMedia names: one just uploaded, or one stored before."""
    kind = media["_"]
    if kind == "inputMediaUploadedPhoto":
        return _assemble(call, media["file"], "photo", "image/jpeg", [], bool(media.get("spoiler")))
    if kind == "inputMediaUploadedDocument":
        kept = [attribute for attribute in media["attributes"] if attribute["_"] in _KEPT]
        mime = media["mime_type"] or "application/octet-stream"
        return _assemble(call, media["file"], _document_kind(kept), mime, kept, bool(media.get("spoiler")))
    if kind in ("inputMediaPhoto", "inputMediaDocument"):
        known = media["id"]
        file = call.world.files.get(known.get("id", 0))
        if file is None or known["access_hash"] != call.world.accounts.access_hash(call.user.id, file.id):
            raise RpcError(400, "MEDIA_INVALID")
        return file
    raise RpcError(400, "MEDIA_INVALID")


_KEPT = {
    "documentAttributeFilename",
    "documentAttributeImageSize",
    "documentAttributeAnimated",
    "documentAttributeAudio",
    "documentAttributeVideo",
}
_STORAGE = {
    "image/jpeg": "storage.fileJpeg",
    "image/png": "storage.filePng",
    "image/gif": "storage.fileGif",
    "image/webp": "storage.fileWebp",
    "application/pdf": "storage.filePdf",
    "video/mp4": "storage.fileMp4",
}


def _document_kind(attributes: list[TL]) -> str:
    names = {attribute["_"]: attribute for attribute in attributes}
    if "documentAttributeAnimated" in names:
        return "animation"
    if "documentAttributeVideo" in names:
        return "video"
    if audio := names.get("documentAttributeAudio"):
        return "voice" if audio.get("voice") else "audio"
    return "document"


def _part(call: Call, file_id: int, number: int) -> Path:
    return call.world.state.files / f"part-{call.user.id}-{file_id & (1 << 64) - 1:x}-{number}"


def _assemble(call: Call, file: TL, kind: str, mime: str, attributes: list[TL], spoiler: bool) -> File:
    """Makes one stored file of its parts; RpcError as Telegram refuses them."""
    parts = _uploaded_parts(call, file)
    number = secrets.randbits(52) | 1
    target = call.world.state.files / str(number)
    digest = _join(parts, target)
    width = height = 0
    try:
        if (checksum := file.get("md5_checksum")) and checksum.lower() != digest:
            raise RpcError(400, "MD5_CHECKSUM_INVALID")
        if kind == "photo":
            width, height = _photo_size(target)
    except RpcError:
        target.unlink()
        raise
    for part in parts:
        part.unlink()
    name = next((a["file_name"] for a in attributes if a["_"] == "documentAttributeFilename"), file["name"])
    stored = File(
        id=number,
        name=name or "file",
        mime=mime,
        size=target.stat().st_size,
        kind=kind,
        date=int(time.time()),
        width=width,
        height=height,
        attributes=attributes,
        spoiler=spoiler,
    )
    call.world.add_file(stored)
    return stored


def _uploaded_parts(call: Call, file: TL) -> list[Path]:
    """The parts of a file, each of which must have been uploaded."""
    if file["_"] not in ("inputFile", "inputFileBig"):
        raise RpcError(400, "MEDIA_INVALID")
    if not 0 < file["parts"] <= PARTS_LIMIT:
        raise RpcError(400, "FILE_PARTS_INVALID")
    parts = [_part(call, file["id"], number) for number in range(file["parts"])]
    for number, part in enumerate(parts):
        if not part.exists():
            raise RpcError(400, f"FILE_PART_{number}_MISSING")
    return parts


def _join(parts: list[Path], target: Path) -> str:
    """Writes the parts into one file; returns its MD5, with which clients check small files."""
    digest = hashlib.md5(usedforsecurity=False)
    with target.open("wb") as whole:
        for part in parts:
            piece = part.read_bytes()
            digest.update(piece)
            whole.write(piece)
    return digest.hexdigest()


def _photo_size(path: Path) -> tuple[int, int]:
    with path.open("rb") as stored:
        width, height = image_size(stored.read(1 << 20))
    if not width:
        raise RpcError(400, "IMAGE_PROCESS_FAILED")
    return width, height


def _located(call: Call, location: TL) -> File:
    if location["_"] not in ("inputDocumentFileLocation", "inputPhotoFileLocation"):
        raise RpcError(400, "LOCATION_INVALID")
    file = call.world.files.get(location["id"])
    if file is None or location["access_hash"] != call.world.accounts.access_hash(call.user.id, file.id):
        raise RpcError(400, "FILE_ID_INVALID")
    if not location["file_reference"].startswith(b"sandbox"):
        raise RpcError(400, "FILE_REFERENCE_INVALID")
    return file


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG, GIF or JPEG; zeros for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return struct.unpack("<HH", data[6:10])
    if not data.startswith(b"\xff\xd8"):
        return 0, 0
    pos = 2
    while pos + 9 <= len(data) and data[pos] == 0xFF:
        marker, length = data[pos + 1], int.from_bytes(data[pos + 2 : pos + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[pos + 5 : pos + 9])
            return width, height
        pos += 2 + length
    return 0, 0
