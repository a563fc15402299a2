"""Signing in: bots with a token, people with the code of the settings."""

import hashlib
import logging
import re
import secrets

from djangobot.bot.sandbox.api import render
from djangobot.bot.sandbox.api.call import Call, RpcError
from djangobot.bot.sandbox.mtproto.schema import TL
from djangobot.bot.sandbox.world import Refused

log = logging.getLogger(__name__)
_TOKEN = re.compile(r"^(\d{1,15}):(\S+)$")


def import_bot_authorization(call: Call) -> TL:
    """`N:anything` is bot N. `N:invalid` and tokens without a number are refused."""
    found = _TOKEN.match(call["bot_auth_token"])
    if found is None or found.group(2) == "invalid" or not int(found.group(1)):
        call.server.journal.count("sign_ins", "refused")
        raise RpcError(400, "ACCESS_TOKEN_INVALID")
    if call["api_id"] <= 0 or not call["api_hash"]:
        raise RpcError(400, "API_ID_INVALID")
    try:
        bot = call.world.accounts.bot(int(found.group(1)))
    except Refused as exc:
        log.warning("a bot cannot sign in: %s", exc)
        raise RpcError(400, "ACCESS_TOKEN_INVALID") from exc
    return _signed_in(call, bot.id)


def log_out(call: Call) -> TL:
    """Takes the user off this auth key."""
    call.server.sign_out(call.session)
    return {"_": "auth.loggedOut"}


def send_code(call: Call) -> TL:
    """The code is the one of the settings; nothing is sent anywhere."""
    phone = _digits(call["phone_number"])
    return {
        "_": "auth.sentCode",
        "type": {"_": "auth.sentCodeTypeApp", "length": len(call.server.settings.code)},
        "phone_code_hash": _code_hash(phone),
    }


def sign_in(call: Call) -> TL:
    """A person signs in; an unknown number must sign up."""
    phone = _checked_code(call, call.get("phone_code"))
    person = call.world.accounts.by_phone(phone)
    if person is None:
        return {"_": "auth.authorizationSignUpRequired"}
    return _signed_in(call, person.id)


def sign_up(call: Call) -> TL:
    """A new person."""
    phone = _checked_code(call, None)
    if call.world.accounts.by_phone(phone):
        raise RpcError(400, "PHONE_NUMBER_OCCUPIED")
    if not call["first_name"].strip():
        raise RpcError(400, "FIRSTNAME_INVALID")
    person = call.world.accounts.person(None, call["first_name"], call["last_name"], phone=phone)
    return _signed_in(call, person.id)


def export_authorization(call: Call) -> TL:
    """A token to sign in with at another data centre. There is one, so it is imported here again."""
    me = call.user
    secret = secrets.token_bytes(32)
    _exported[secret] = me.id
    return {"_": "auth.exportedAuthorization", "id": me.id, "bytes": secret}


def import_authorization(call: Call) -> TL:
    """The reverse of `export_authorization`."""
    number = _exported.pop(call["bytes"], None)
    if number is None or number != call["id"]:
        raise RpcError(400, "AUTH_BYTES_INVALID")
    return _signed_in(call, number, imported=True)


def get_password(call: Call) -> TL:
    """Nobody has a password."""
    return {
        "_": "account.password",
        "new_algo": {"_": "passwordKdfAlgoUnknown"},
        "new_secure_algo": {"_": "securePasswordKdfAlgoUnknown"},
        "secure_random": secrets.token_bytes(16),
    }


_exported: dict[bytes, int] = {}


def _signed_in(call: Call, number: int, *, imported: bool = False) -> TL:
    call.session.key.imported = imported
    call.server.sign_in(call.session, number)
    user = call.world.accounts.users[number]
    call.server.journal.count("sign_ins", f"{'bot' if user.bot else 'person'} {number}")
    return {"_": "auth.authorization", "user": render.user(call.world, number, user)}


def _digits(phone: str) -> str:
    digits = "".join(character for character in phone if character.isdigit())
    if not 4 <= len(digits) <= 20:
        raise RpcError(400, "PHONE_NUMBER_INVALID")
    return digits


def _code_hash(phone: str) -> str:
    return hashlib.sha256(f"sandbox {phone}".encode()).hexdigest()[:18]


def _checked_code(call: Call, code: str | None) -> str:
    phone = _digits(call["phone_number"])
    if call["phone_code_hash"] != _code_hash(phone):
        raise RpcError(400, "PHONE_CODE_EXPIRED")
    if call.method == "auth.signIn" and not code:
        raise RpcError(400, "PHONE_CODE_EMPTY")
    if code is not None and code != call.server.settings.code:
        raise RpcError(400, "PHONE_CODE_INVALID")
    return phone
