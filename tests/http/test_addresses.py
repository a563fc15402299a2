"""Whose address a call comes from: a proxy's word counts where it is trusted, if it is an address."""

import json
from typing import Any

import httpx
import pytest

from djangobot.db.programs import token_networks
from djangobot.http.addresses import Trusted, address_in
from djangobot.http.limits.limits import Limits

from .conftest import PASSWORD, Api, Clock, a_client, an_app, served
from .server.test_server import echo

SENTENCE = "Your account is locked. Visit http://evil.example"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:4711 ", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        (SENTENCE, None),
        ("192.0.2.1 and more", None),
        ("192.0.2.300", None),
        ("192.0.2.1:", None),
        ("192.0.2.1:x", None),
        ("192.0.2.1:123456", None),
        ("010.0.0.1", None),
        ("[192.0.2.1]", None),
        ("[2001:db8::1", None),
        ("[2001:db8::1]x", None),
        ("fe80::1%a sentence", None),
        ("１92.0.2.1", None),
        ("2001:db8::1" + "0" * 100, None),
    ],
)
def test_only_an_address_is_one(text: str, address: str | None) -> None:
    """As proxies write them: with a port, in brackets."""
    found = address_in(text)
    assert (None if found is None else str(found)) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", ["203.0.113.9, 192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        ("127.0.0.1", ["203.0.113.9", "192.0.2.1", "10.1.2.3, 10.9.9.9"], "192.0.2.1"),
        ("127.0.0.1", ["10.1.2.3, 10.9.9.9"], "10.1.2.3"),
        ("127.0.0.1", ["2001:db8::1, [fd00::5]:443"], "2001:db8::1"),
        ("127.0.0.1", [f"192.0.2.1, {SENTENCE}"], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1, unknown, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", [", ,"], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1," + "10.1.2.3," * 10_000 + "10.1.2.3"], "10.1.2.3"),
        ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),
        ("::ffff:127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
    ],
)
def test_hops_are_read_from_the_right_past_trusted_ones(peer: str, forwarded: list[str], caller: str) -> None:
    """What stands to the left of the first stranger is the stranger's own invention."""
    trusted = Trusted(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])
    assert trusted.caller(peer, [value.encode() for value in forwarded]) == caller


async def asked(address: str, headers: list[tuple[str, str]]) -> Any:
    async with httpx.AsyncClient() as client:
        return json.loads((await client.get(address, headers=headers)).text)["client"]


async def test_the_servers_word_for_who_calls_is_the_trusted_proxys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only of one that is named; uvicorn's own variable has no say."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    headers = [
        ("x-forwarded-for", "203.0.113.9"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("forwarded", "for=192.0.2.9"),
    ]
    async with served(echo) as address:
        assert await asked(address, headers) == "127.0.0.1"
    async with served(echo, trusted=["127.0.0.0/8"]) as address:
        assert await asked(address, headers) == "192.0.2.1"
        assert await asked(address, [("x-forwarded-for", SENTENCE)]) == "127.0.0.1"


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)])
async def test_no_limit_is_passed_by_writing_other_addresses(
    database: None, trusted: tuple[str, ...]
) -> None:
    """Neither when nobody is trusted, nor to the left of what a trusted proxy has written."""
    app = an_app(limits=Limits(clock=Clock()))
    async with served(app, trusted=trusted) as address, a_client(address) as client:
        statuses = [
            (
                await client.post(
                    "/api/user/",
                    json={"name": "n", "login": f"login{number}", "psw": PASSWORD},
                    headers={"x-forwarded-for": f"203.0.113.{number}, 192.0.2.1"},
                )
            ).status_code
            for number in range(35)
        ]
    assert (statuses.count(201), statuses.count(429)) == (30, 5)


async def test_what_stands_in_a_header_never_reaches_a_person(api: Api) -> None:
    """A notice names the network the call came from, not what the caller wrote."""
    access = await api.access()
    headers = {**access, "x-forwarded-for": SENTENCE}
    answer = await api.client.post("/api/cabinet/", json={"code": await api.code()}, headers=headers)
    token = answer.json()["bot_token"]
    await api.client.post("/api/send_message", json={"text": "x", "bot_token": token}, headers=headers)
    rows = await token_networks.TokenNetwork.select()
    assert rows
    assert SENTENCE not in str(rows)
