"""Making an auth key: the unencrypted part of MTProto (core.telegram.org/mtproto/auth_key).

p_q_inner_data may be encrypted in either way: the old one (SHA-1, data, padding, plain RSA) or RSA_PAD.
One `Handshake` belongs to one connection.
"""

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1, sha256

import tgcrypto

from djangobot.bot.sandbox.mtproto import wire
from djangobot.bot.sandbox.mtproto.rsa_key import RsaKey
from djangobot.bot.sandbox.mtproto.wire import Malformed, Reader, pack_bytes, pack_int, pack_long, pack_uint

# The prime all of Telegram's servers use; clients check for exactly this one.
DH_PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F"
    "48198A0AA7C14058229493D22530F4DBFA336F6E0AC925139543AED44CCE7C37"
    "20FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4"
    "A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754"
    "FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F"
    "0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
_G = 3

REQ_PQ = 0x60469778
REQ_PQ_MULTI = 0xBE7E8EF1
RES_PQ = 0x05162463
PQ_INNER = {
    0x83C95AEC: False,  # p_q_inner_data
    0xA9F55F95: False,  # p_q_inner_data_dc
    0x3C6A84D4: True,  # p_q_inner_data_temp
    0x56FDDF88: True,  # p_q_inner_data_temp_dc
}
_PQ_INNER_WITH_DC = (0xA9F55F95, 0x56FDDF88)
REQ_DH_PARAMS = 0xD712E4BE
DH_PARAMS_OK = 0xD0E8075C
DH_INNER = 0xB5890DBA
SET_CLIENT_DH = 0xF5045F1F
CLIENT_DH_INNER = 0x6643B654
DH_GEN_OK = 0x3BCBF734
DH_GEN_FAIL = 0xA69DAE02

# 31-bit primes. A client factors the product of two of them, which is as long as the real server's pq.
_PRIMES = (1232676089, 1381201463, 1422433687, 1426784977, 1579736579, 1729361719, 1764760493, 1770226837)
_SECRET_BITS = 256
"""The length of the server's secret exponent. For a safe prime of 2048 bits 225 are enough (RFC 7919, A.1).
With an exponent as long as the prime the power takes eight times as long."""


@dataclass(frozen=True)
class NewKey:
    """A finished handshake: the auth key, its first salt, and its lifetime in seconds if it is temporary."""

    auth_key: bytes
    salt: int
    expires_in: int | None
    dc: int
    """The data centre that the client wanted to reach; 0 when it did not say."""


class Handshake:
    """The server's side of one connection's handshake. It returns the answer to each plain message."""

    def __init__(self, key: RsaKey, keep_key: Callable[[NewKey], None]) -> None:
        """`keep_key` stores a finished key."""
        self._key = key
        self._keep_key = keep_key
        self._nonce = b""
        self._server_nonce = b""
        self._new_nonce = b""
        self._expires_in: int | None = None
        self._a = 0
        self._p = self._q = 0

    def handle(self, body: bytes) -> bytes | None:
        """The answer to one plain message; None when it needs none. `Malformed` ends the connection."""
        reader = Reader(body)
        constructor = reader.uint32()
        if constructor in (REQ_PQ, REQ_PQ_MULTI):
            return self._res_pq(reader)
        if constructor == REQ_DH_PARAMS:
            return self._dh_params(reader)
        if constructor == SET_CLIENT_DH:
            return self._dh_gen(reader)
        if constructor == 0x62D6B459:  # msgs_ack: some clients send it here too
            return None
        raise Malformed(f"no handshake message: {constructor:08x}")

    def _res_pq(self, reader: Reader) -> bytes:
        self._nonce = reader.raw(16)
        self._server_nonce = os.urandom(16)
        self._new_nonce = b""
        self._p, self._q = sorted(secrets.SystemRandom().sample(_PRIMES, 2))
        pq = (self._p * self._q).to_bytes(8, "big")
        return (
            pack_uint(RES_PQ)
            + self._nonce
            + self._server_nonce
            + pack_bytes(pq)
            + pack_uint(wire.VECTOR)
            + pack_int(1)
            + pack_long(self._key.fingerprint)
        )

    def _check_nonces(self, reader: Reader) -> None:
        if not self._nonce or reader.raw(16) != self._nonce or reader.raw(16) != self._server_nonce:
            raise Malformed("a nonce of another handshake")

    def _dh_params(self, reader: Reader) -> bytes:
        self._check_nonces(reader)
        p, q = int.from_bytes(reader.blob(), "big"), int.from_bytes(reader.blob(), "big")
        fingerprint = reader.int64()
        encrypted = reader.blob()
        if (p, q) != (self._p, self._q) or fingerprint != self._key.fingerprint or len(encrypted) != 256:
            raise Malformed("wrong factors or another key")
        inner = self._pq_inner(self._decrypt(encrypted))
        if inner is None:
            raise Malformed("p_q_inner_data cannot be read")
        self._new_nonce, self._expires_in, self._dc = inner
        self._a = secrets.randbits(_SECRET_BITS) | 1
        answer = (
            pack_uint(DH_INNER)
            + self._nonce
            + self._server_nonce
            + pack_int(_G)
            + pack_bytes(DH_PRIME.to_bytes(256, "big"))
            + pack_bytes(pow(_G, self._a, DH_PRIME).to_bytes(256, "big"))
            + pack_int(int(time.time()))
        )
        plain = sha1(answer).digest() + answer  # noqa: S324 - the protocol's own check
        plain += os.urandom(-len(plain) % 16)
        return (
            pack_uint(DH_PARAMS_OK)
            + self._nonce
            + self._server_nonce
            + pack_bytes(tgcrypto.ige256_encrypt(plain, *self._temporary_aes()))
        )

    def _decrypt(self, encrypted: bytes) -> list[bytes]:
        """What may be p_q_inner_data, with either padding (core.telegram.org/mtproto/auth_key, 4.1)."""
        number = int.from_bytes(encrypted, "big")
        if number >= self._key.n:
            raise Malformed("a number beyond the modulus")
        plain = pow(number, self._key.d, self._key.n).to_bytes(256, "big")
        candidates = []
        temp_key_xor, aes_encrypted = plain[:32], plain[32:]
        digest = sha256(aes_encrypted).digest()
        temp_key = bytes(a ^ b for a, b in zip(temp_key_xor, digest, strict=True))
        with_hash = tgcrypto.ige256_decrypt(aes_encrypted, temp_key, bytes(32))
        reversed_data, check = with_hash[:192], with_hash[192:]
        data = reversed_data[::-1]
        if sha256(temp_key + data).digest() == check:
            candidates.append(data)
        if plain[0] == 0:
            candidates.append(plain[1:])
        return candidates

    def _pq_inner(self, candidates: list[bytes]) -> tuple[bytes, int | None, int] | None:
        """(new_nonce, expires_in, dc) of the first candidate that is p_q_inner_data of this handshake."""
        for candidate in candidates:
            for start, hashed in ((0, False), (20, True)):
                reader = Reader(candidate, start)
                try:
                    constructor = reader.uint32()
                    if constructor not in PQ_INNER:
                        continue
                    for _ in ("pq", "p", "q"):
                        reader.blob()
                    self._check_nonces(reader)
                    new_nonce = reader.raw(32)
                    dc = reader.int32() if constructor in _PQ_INNER_WITH_DC else 0
                    expires_in = reader.int32() if PQ_INNER[constructor] else None
                except Malformed:
                    continue
                if hashed and sha1(candidate[20 : reader.pos]).digest() != candidate[:20]:  # noqa: S324
                    continue
                return new_nonce, expires_in, dc
        return None

    def _temporary_aes(self) -> tuple[bytes, bytes]:
        new, server = self._new_nonce, self._server_nonce
        a = sha1(new + server).digest()  # noqa: S324 - the protocol's own derivation
        b = sha1(server + new).digest()  # noqa: S324
        c = sha1(new + new).digest()  # noqa: S324
        return a + b[:12], b[12:] + c + new[:4]

    def _dh_gen(self, reader: Reader) -> bytes:
        self._check_nonces(reader)
        encrypted = reader.blob()
        if not self._new_nonce or not encrypted or len(encrypted) % 16:
            raise Malformed("client DH parameters out of order")
        plain = tgcrypto.ige256_decrypt(encrypted, *self._temporary_aes())
        inner = Reader(plain, 20)
        if inner.uint32() != CLIENT_DH_INNER:
            raise Malformed("no client_DH_inner_data")
        self._check_nonces(inner)
        inner.int64()
        g_b = int.from_bytes(inner.blob(), "big")
        if sha1(plain[20 : inner.pos]).digest() != plain[:20]:  # noqa: S324
            raise Malformed("client_DH_inner_data with a wrong hash")
        # Both parts must be far from the ends (core.telegram.org/mtproto/security_guidelines).
        if not 1 << (2048 - 64) <= g_b <= DH_PRIME - (1 << (2048 - 64)):
            return self._gen_answer(DH_GEN_FAIL, 3, bytes(256))
        auth_key = pow(g_b, self._a, DH_PRIME).to_bytes(256, "big")
        salt = int.from_bytes(
            bytes(a ^ b for a, b in zip(self._new_nonce[:8], self._server_nonce[:8], strict=True)),
            "little",
            signed=True,
        )
        self._keep_key(NewKey(auth_key, salt, self._expires_in, self._dc))
        return self._gen_answer(DH_GEN_OK, 1, auth_key)

    def _gen_answer(self, constructor: int, number: int, auth_key: bytes) -> bytes:
        auxiliary = sha1(auth_key).digest()[:8]  # noqa: S324
        digest = sha1(self._new_nonce + bytes((number,)) + auxiliary).digest()[-16:]  # noqa: S324
        return pack_uint(constructor) + self._nonce + self._server_nonce + digest
