"""The files that messages carry: made of what a client has uploaded, or stored before."""

import secrets
from typing import Any

from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.api.files import photos, upload
from djangobot.bot.sandbox.api.files.upload import PART_LIMIT
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import File, World

_KEPT = {
    "documentAttributeFilename",
    "documentAttributeImageSize",
    "documentAttributeAnimated",
    "documentAttributeAudio",
    "documentAttributeVideo",
    "documentAttributeSticker",
    "documentAttributeCustomEmoji",
    "documentAttributeHasStickers",
}
# What Telegram shows as a sticker unless `force_file` is set.
_STICKERS = {"image/webp", "application/x-tgsticker"}
# Of a video or an audio: what fits 32 bits.
MAX_SECONDS = (1 << 31) - 1
_STICKER = {"_": "documentAttributeSticker", "alt": "", "stickerset": {"_": "inputStickerSetEmpty"}}
_VIDEO = {"_": "documentAttributeVideo", "duration": 1, "w": 0, "h": 0}
_OF_KIND: dict[str, list[TL]] = {
    "sticker": [_STICKER],
    "animation": [{"_": "documentAttributeAnimated"}],
    "video": [_VIDEO],
    "video_note": [{**_VIDEO, "round_message": True}],
    "audio": [{"_": "documentAttributeAudio", "duration": 1}],
    "voice": [{"_": "documentAttributeAudio", "duration": 1, "voice": True}],
}
"""What makes a document one of a kind."""
_UPLOADED = {"inputMediaUploadedPhoto", "inputMediaUploadedDocument"}


def file_of(call: Call, media: TL) -> File:
    """The file that an InputMedia names: one just uploaded, or one stored before."""
    return _uploaded(call, media) if media["_"] in _UPLOADED else stored(call, media)


def stored(call: Call, media: TL) -> File:
    """A file that was stored before: what albums are made of."""
    if media["_"] not in ("inputMediaPhoto", "inputMediaDocument"):
        raise RpcError(400, "MEDIA_EMPTY" if media["_"] == "inputMediaEmpty" else "MEDIA_INVALID")
    known = media["id"]
    file = call.world.files.get(known.get("id", 0))
    if file is None or known["access_hash"] != call.world.accounts.access_hash(call.user.id, file.id):
        raise RpcError(400, "MEDIA_INVALID")
    if (file.kind == "photo") != (media["_"] == "inputMediaPhoto"):
        raise RpcError(400, "MEDIA_INVALID")
    return file


def _uploaded(call: Call, media: TL) -> File:
    number, size, part_size = upload.join_parts(call, media["file"])
    photo = media["_"] == "inputMediaUploadedPhoto"
    attributes = [_kept(given) for given in media.get("attributes", []) if given["_"] in _KEPT]
    named = (given["file_name"] for given in attributes if given["_"] == "documentAttributeFilename")
    file = File(
        id=number,
        name=next(named, media["file"]["name"]) or "file",
        mime="image/jpeg" if photo else media["mime_type"] or "application/octet-stream",
        size=size,
        part_size=part_size,
        kind="photo" if photo else _kind(media, attributes),
        date=call.world.now(),
        attributes=attributes,
    )
    if file.kind == "sticker" and not any(given["_"] == "documentAttributeSticker" for given in attributes):
        attributes.append(_STICKER)
    _keep(call.world, file)
    return file


def _kept(attribute: TL) -> TL:
    """An attribute with a length that every layer can say; newer ones send a float, even NaN."""
    if "duration" not in attribute:
        return attribute
    seconds = attribute["duration"]
    return {**attribute, "duration": seconds if 0 <= seconds <= MAX_SECONDS else 0}


def _kind(media: TL, attributes: list[TL]) -> str:
    """What Telegram shows a document as; `force_file` keeps it a document."""
    names = {attribute["_"]: attribute for attribute in attributes}
    if media.get("force_file"):
        return "document"
    if "documentAttributeSticker" in names or media["mime_type"] in _STICKERS:
        return "sticker"
    if "documentAttributeAnimated" in names:
        return "animation"
    if video := names.get("documentAttributeVideo"):
        return "video_note" if video.get("round_message") else "video"
    if audio := names.get("documentAttributeAudio"):
        return "voice" if audio.get("voice") else "audio"
    return "document"


def of_bytes(world: World, owner: int, name: str, mime: str, kind: str, data: bytes) -> File:
    """A file without a client: POST /chats/{id}/say of the JSON API. RpcError as Telegram refuses it."""
    upload, number = secrets.randbits(62), secrets.randbits(52) | 1
    parts = range(0, len(data), PART_LIMIT)
    for part, offset in enumerate(parts):
        world.files.save_part(owner, upload, part, data[offset : offset + PART_LIMIT])
    world.files.join(owner, upload, len(parts), number)
    attributes = [{"_": "documentAttributeFilename", "file_name": name}, *_OF_KIND.get(kind, [])]
    file = File(
        id=number,
        name=name,
        mime="image/jpeg" if kind == "photo" else mime,
        size=len(data),
        part_size=PART_LIMIT,
        kind=kind,
        date=world.now(),
        attributes=attributes,
    )
    _keep(world, file)
    return file


def _keep(world: World, file: File) -> None:
    """Measures a file and stores its description; a photo that Telegram does not take is removed."""
    _measure(world, file)
    if file.kind == "photo":
        try:
            photos.check(file)
        except RpcError:
            world.files.discard(file.id)
            raise
    world.files.add(file)


def _measure(world: World, file: File) -> None:
    """Sets width, height and length: a picture's are read from its bytes, a video's are the client's."""
    for attribute in file.attributes:
        if attribute["_"] in ("documentAttributeVideo", "documentAttributeImageSize"):
            file.width, file.height = attribute["w"], attribute["h"]
        if attribute["_"] == "documentAttributeAudio":
            file.title, file.performer = attribute.get("title", ""), attribute.get("performer", "")
        file.duration = attribute.get("duration", file.duration)
    if file.kind != "photo" and not file.mime.startswith("image/"):
        return

    def read(offset: int, length: int) -> bytes:
        return world.files.read(file, offset, length)

    file.width, file.height = photos.dimensions(read)
    if file.kind != "photo" and file.width:
        size: dict[str, Any] = {"_": "documentAttributeImageSize", "w": file.width, "h": file.height}
        kept = [given for given in file.attributes if given["_"] != "documentAttributeImageSize"]
        file.attributes = [size, *kept]
