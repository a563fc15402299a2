"""How often is too often: the windows, their memory, and 429 with Retry-After."""

import asyncio
from typing import cast

import pytest
from litestar.types import Scope

from djangobot.db import accounts
from djangobot.db.errors import CodeInvalid, TooManyRequests, WrongCredentials
from djangobot.http.limits import WAITING, Crowd, Limits, Window, address_of

from .conftest import PASSWORD, Api, Clock, Telegram, a_client, an_app, served


def test_a_window_moves_with_the_clock() -> None:
    """Three in ten seconds: the fourth waits until the first is ten seconds old, not until a boundary."""
    clock = Clock()
    window = Window(3, 10, clock=clock)
    for _ in range(3):
        window.take("a")
        clock.now += 1
    with pytest.raises(TooManyRequests) as refused:
        window.take("a")
    assert refused.value.retry_after == 7
    window.take("b")
    clock.now += 7
    window.take("a")
    with pytest.raises(TooManyRequests):
        window.take("a")


def test_only_failures_count_where_only_failures_should() -> None:
    """And an attempt under way counts, so that many at once do not slip in together."""
    window = Window(2, 10, clock=Clock())
    for _ in range(5):
        with window.only(CodeInvalid, "a"):
            pass
    with window.only(CodeInvalid, "a"), window.only(CodeInvalid, "a"), pytest.raises(TooManyRequests):
        window.take("a")
    for _ in range(2):
        with pytest.raises(CodeInvalid), window.only(CodeInvalid, "a"):
            raise CodeInvalid
    with pytest.raises(TooManyRequests):
        window.take("a")


def test_other_trouble_is_not_a_failure() -> None:
    """A database that is away must not lock people out."""
    window = Window(1, 10, clock=Clock())
    for _ in range(3):
        with pytest.raises(OSError, match="away"), window.only(CodeInvalid, "a"):
            raise OSError("away")
    window.take("a")


def test_a_flood_of_keys_does_not_fill_the_memory() -> None:
    """At most so many are remembered, however long each is, and stale ones go as new ones come."""
    clock = Clock()
    window = Window(5, 10, keys=100, clock=clock)
    for number in range(10_000):
        window.take(f"{number}" * 50)
    assert len(window) == 100
    clock.now += 11
    for number in range(60):
        window.take(f"new {number}")
    assert len(window) <= 60
    assert all(len(key) == 16 for key in window._taken)


def test_who_keeps_knocking_is_not_forgotten_in_a_flood() -> None:
    """The least recently seen go first."""
    window = Window(3, 10, keys=10, clock=Clock())
    for number in range(2):
        window.take("persistent")
        for other in range(9):
            window.take(f"{number} {other}")
    window.take("persistent")
    with pytest.raises(TooManyRequests):
        window.take("persistent")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("testclient", "testclient", True),
    ],
)
def test_an_address_is_an_ipv4_address_or_an_ipv6_64(one: str, other: str, same: bool) -> None:
    """Who has a /64 has 2^64 addresses, and is one caller."""
    both = [address_of(cast(Scope, {"client": (host, 1)})) for host in (one, other)]
    assert (both[0] == both[1]) is same


def test_a_crowd_has_its_size() -> None:
    """And a place is free again when somebody leaves, in whichever way."""
    crowd = Crowd(1)
    with crowd.enter(), pytest.raises(TooManyRequests):
        crowd.enter().__enter__()
    with pytest.raises(OSError, match="away"), crowd.enter():
        raise OSError("away")
    with crowd.enter():
        pass


async def test_registrations_are_limited_by_address(api: Api) -> None:
    """30 a minute; refused bodies do not count, for nothing was hashed."""
    for number in range(30):
        assert (await api.register("")).status_code == 400 or number
        assert (await api.client.post("/api/user/", json={})).status_code == 400
    refused = await api.register("one-more")
    assert refused.status_code == 429
    assert refused.json() == {"answer": "Too many requests; try again later."}
    assert refused.headers["retry-after"] == "60"
    api.clock.now += 60
    assert (await api.register("one-more")).status_code == 201


async def test_wrong_passwords_are_limited_by_login(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 in five minutes; then even the right one waits, and other logins do not."""
    await api.register()
    await api.register("other")

    async def guess(psw: str, login: str = "FedXL") -> int:
        return (await api.client.post("/api/auth/", json={"login": login, "psw": psw})).status_code

    assert [await guess(f"guess {n}") for n in range(20)] == [401] * 20
    refused = await api.client.post("/api/auth/", json={"login": "FedXL", "psw": PASSWORD})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "300")
    assert await guess(PASSWORD, "other") == 200
    api.clock.now += 300
    assert await guess(PASSWORD) == 200


async def test_sign_ins_are_limited_by_address(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 a minute, whatever the login and whether or not it succeeds."""

    async def nobody(login: str, password: str) -> None:
        raise WrongCredentials

    monkeypatch.setattr(accounts, "sign_in", nobody)
    answers = [
        (await api.client.post("/api/auth/", json={"login": f"login {n}", "psw": "x"})).status_code
        for n in range(61)
    ]
    assert answers == [401] * 60 + [429]


async def test_wrong_codes_are_limited_by_account(api: Api) -> None:
    """10 in ten minutes; right ones in between give nothing back."""
    access = await api.access()

    async def enter(code: str) -> int:
        return (await api.client.post("/api/cabinet/", json={"code": code}, headers=access)).status_code

    assert [await enter(f"{n:010}") for n in range(5)] == [403] * 5
    assert await enter(await api.code()) == 200
    assert [await enter(f"{n:010}") for n in range(5)] == [403] * 5
    right = await api.code()
    assert await enter(right) == 429
    api.clock.now += 600
    assert await enter(right) == 200


async def test_wrong_codes_are_limited_by_address(api: Api) -> None:
    """60 in ten minutes, over however many accounts."""
    answers: list[int] = []
    for number in range(7):
        access = await api.access(f"account-{number}")
        for code in range(10):
            body = {"code": f"{code:010}"}
            answers.append((await api.client.post("/api/cabinet/", json=body, headers=access)).status_code)
    assert answers == [403] * 60 + [429] * 10


async def test_accepted_messages_are_limited_by_token_when_a_limit_is_set(database: None) -> None:
    """Refused ones do not count, other tokens have windows of their own, and a minute later all is well."""
    clock = Clock()
    app = an_app(limits=Limits(limit_send=3, clock=clock))
    async with served(app) as address, a_client(address) as client:
        api = Api(client, clock, Telegram())
        access = await api.access()
        token, other = await api.bot_token(access), await api.bot_token(access)
        assert [(await api.send(token, "")).status_code for _ in range(5)] == [400] * 5
        assert [(await api.send(token)).status_code for _ in range(3)] == [202] * 3
        refused = await api.send(token)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert (await api.send(other)).status_code == 202
        clock.now += 60
        assert (await api.send(token)).status_code == 202


async def test_health_answers_while_a_flood_signs_in(api: Api, dear_hashes: None) -> None:
    """Hashing happens elsewhere: of 51 sign-ins at once, most still wait when /health has answered."""
    await api.register()
    await api.register("other")
    await api.register("third")
    bodies = [{"login": login, "psw": PASSWORD} for login in ("FedXL", "other", "third") for _ in range(17)]
    flood = [asyncio.create_task(api.client.post("/api/auth/", json=body)) for body in bodies]
    await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
    assert (await api.client.get("/health")).status_code == 200
    still_waiting = sum(not task.done() for task in flood)
    answers = await asyncio.gather(*flood)
    assert still_waiting > 25
    assert {answer.status_code for answer in answers} == {200}


async def test_who_comes_when_too_many_wait_is_sent_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 at once, rather than a queue without end; the places are free again afterwards."""
    hold = asyncio.Event()

    async def slow(*_: object, **__: object) -> None:
        await hold.wait()

    access = await api.access()
    monkeypatch.setattr(accounts, "change", slow)
    limit = [
        asyncio.create_task(api.client.put("/api/user/", json={"name": "x"}, headers=access))
        for _ in range(WAITING + 1)
    ]
    done, _ = await asyncio.wait(limit, return_when=asyncio.FIRST_COMPLETED)
    refused = done.pop().result()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    hold.set()
    assert sorted({(await task).status_code for task in limit}) == [200, 429]
