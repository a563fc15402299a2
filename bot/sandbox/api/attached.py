"""Contacts, locations and venues: what a message may carry in place of a file."""

from djangobot.bot.sandbox.api.call import RpcError
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import World

KINDS = {"inputMediaContact": "contact", "inputMediaGeoPoint": "location", "inputMediaVenue": "venue"}
_VENUE = ("title", "address", "provider", "venue_id", "venue_type")


def stored(media: TL) -> TL:
    """An InputMedia of these kinds as it is stored; RpcError as Telegram refuses it."""
    kind = KINDS[media["_"]]
    if kind == "contact":
        if not media["phone_number"] or not media["first_name"]:
            raise RpcError(400, "PHONE_NUMBER_INVALID" if media["first_name"] else "CONTACT_NAME_EMPTY")
        return contact(media["phone_number"], media["first_name"], media["last_name"], media["vcard"])
    point = media["geo_point"]
    if point["_"] != "inputGeoPoint":
        raise RpcError(400, "MEDIA_INVALID")
    place = location(point["lat"], point["long"])
    return place if kind == "location" else {**place, "kind": kind, **{name: media[name] for name in _VENUE}}


def contact(phone: str, first_name: str, last_name: str = "", vcard: str = "") -> TL:
    """A contact as it is stored."""
    return {
        "kind": "contact",
        "phone_number": phone,
        "first_name": first_name,
        "last_name": last_name,
        "vcard": vcard,
    }


def location(latitude: float, longitude: float) -> TL:
    """A location as it is stored."""
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise RpcError(400, "GEO_POINT_INVALID")
    return {"kind": "location", "latitude": latitude, "longitude": longitude}


def shown(world: World, attached: TL) -> TL:
    """What is stored, as the media of a message; a contact who is here comes with their id."""
    if attached["kind"] == "contact":
        known = world.accounts.by_phone(attached["phone_number"])
        return {**attached, "_": "messageMediaContact", "user_id": known.id if known else 0}
    geo = {
        "_": "geoPoint",
        "lat": attached["latitude"],
        "long": attached["longitude"],
        "access_hash": 0,
    }
    name = "messageMediaVenue" if attached["kind"] == "venue" else "messageMediaGeo"
    return {**attached, "_": name, "geo": geo}
