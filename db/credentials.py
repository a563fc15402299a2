"""Codes, bot tokens and other secrets: how they are made, stored and compared."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken

T = TypeVar("T")

TOKEN_ALPHABET = string.ascii_letters + string.digits
TOKEN_LENGTH = 25
"""The format of the original; 62^25 is about 149 bits."""
GOTIFY_LENGTH = 15
"""The format of Gotify's tokens: an A, and 14 characters more; 62^14 is about 83 bits."""
AROUND_TOKEN = string.whitespace + "\x85\xa0\u200b\u2028\u2029\ufeff"
"""White space, and the byte order mark at the start of a UTF-8 file."""
INVITE_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without characters that look alike."""
INVITE_LENGTH = 20
"""31^20 is about 99 bits: no slow hash is needed."""
CODE_SALT = b"djangobot code"
NONCE_LENGTH = 32
"""Hexadecimal digits: 128 bits."""

# Two at a time: a password takes 64 MiB and a core for tens of milliseconds, and the event loop must go on.
_pool = ThreadPoolExecutor(2, thread_name_prefix="credentials")


def new_bot_token() -> str:
    """25 letters and digits."""
    return "".join(secrets.choice(TOKEN_ALPHABET) for _ in range(TOKEN_LENGTH))


def new_code(length: int) -> str:
    """A code of this many digits."""
    return f"{secrets.randbelow(10**length):0{length}}"


def new_invite() -> str:
    """20 letters and digits."""
    return "".join(secrets.choice(INVITE_ALPHABET) for _ in range(INVITE_LENGTH))


def new_nonce() -> str:
    """A nonce for a value that may have to be shown again. The value is made from the nonce and a secret. The
    database keeps the nonce and the process the secret; neither reveals the value without the other."""
    return secrets.token_hex(NONCE_LENGTH // 2)


def derived_token(secret: str, nonce: str) -> str:
    """A bot token, always the same for the same arguments."""
    return _letters(_derived(secret, f"bot token {nonce}"), TOKEN_LENGTH)


def gotify_token(token: str) -> str:
    """The second value of a bot token, for programs that take nothing but a token of Gotify's form. It is
    made of the bot token, so it changes with it, and does not reveal it."""
    return "A" + _letters(_derived(token, "gotify token"), GOTIFY_LENGTH - 1)


def is_gotify_token(token: str) -> bool:
    """Whether a token has Gotify's form."""
    return len(token) == GOTIFY_LENGTH and token.startswith("A")


def looks_like_token(token: str) -> bool:
    """Whether a word has the form of a bot token or of a Gotify token."""
    right = len(token) == TOKEN_LENGTH or is_gotify_token(token)
    return right and token.isascii() and token.isalnum()


def gotify_form(token: str) -> str:
    """The Gotify token, from either value of a bot token. What is counted by token is counted by this."""
    return token if is_gotify_token(token) else gotify_token(token)


def new_secret() -> str:
    """What somebody else signs with: 43 letters, digits, `-` and `_`, which is 256 bits."""
    return secrets.token_urlsafe(32)


class WrongKey(Exception):
    """What is stored was sealed under another key."""


def seal(content: bytes, key: str, what: str) -> str:
    """Encrypts what is stored, of one kind, under a key that the database does not have."""
    return _box(key, what).encrypt(content).decode()


def unseal(sealed: str, key: str, what: str) -> bytes:
    """What was sealed. Raises WrongKey."""
    try:
        return _box(key, what).decrypt(sealed.encode())
    except InvalidToken as exc:
        raise WrongKey from exc


def _box(key: str, what: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"djangobot {what}\0{key}".encode()).digest()))


def derived_code(secret: str, nonce: str, length: int) -> str:
    """A code, always the same for the same arguments."""
    return f"{_derived(secret, f'code {nonce}') % 10**length:0{length}}"


def _derived(secret: str, what: str) -> int:
    """512 bits that look random to anyone without the secret."""
    return int.from_bytes(hmac.digest(secret.encode("utf-8", "surrogatepass"), what.encode(), "sha512"))


def _letters(number: int, length: int) -> str:
    """The last digits of a number, written in TOKEN_ALPHABET."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(TOKEN_ALPHABET))
        digits.append(TOKEN_ALPHABET[digit])
    return "".join(digits)


def trimmed(token: str) -> str:
    """A token without the characters that a file or a clipboard adds at its ends."""
    return token.strip(AROUND_TOKEN)


def digest_token(token: str) -> str:
    """SHA-256: 149 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def digest_code(code: str) -> str:
    """Hashes with scrypt and a fixed salt. The same code gives the same hash, so it can be looked up. Each
    hash takes a few milliseconds, so a stolen copy of the database reveals no code within the ten minutes
    that it is valid."""
    return await in_pool(_scrypt, code)


def _scrypt(code: str) -> str:
    return hashlib.scrypt(code.encode(), salt=CODE_SALT, n=2**10, r=8, p=1, dklen=32).hex()


async def in_pool(call: Callable[..., T], *args: Any) -> T:
    """Hashes in a thread, of which there are two."""
    return await asyncio.get_running_loop().run_in_executor(_pool, call, *args)
