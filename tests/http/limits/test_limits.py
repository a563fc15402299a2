"""How often is too often: the windows, their memory, and 429 with Retry-After."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from litestar.types import Scope

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.admin import users
from djangobot.db.errors import CodeInvalid, TooManyRequests, WrongCredentials
from djangobot.db.programs import accounts, passwords
from djangobot.http.addresses import address_of
from djangobot.http.limits.limits import (
    OF_ACCOUNT,
    OF_ADDRESS,
    WAITING,
    ConcurrencyLimit,
    Limits,
)
from djangobot.http.limits.sliding_window import Window

from ..conftest import PASSWORD, Api, Clock, Telegram, a_client, an_app, served


def test_a_window_moves_with_the_clock() -> None:
    """Three in ten seconds: the fourth waits until the first is ten seconds old, not until a boundary."""
    clock = Clock()
    window = Window(3, 10, clock=clock)
    for _ in range(3):
        window.count("a")
        clock.now += 1
    with pytest.raises(TooManyRequests) as refused:
        window.count("a")
    assert refused.value.retry_after == 7
    window.count("b")
    clock.now += 7
    window.count("a")
    with pytest.raises(TooManyRequests):
        window.count("a")


def test_only_failures_count_where_only_failures_should() -> None:
    """And an attempt under way counts, so that many at once do not slip in together."""
    window = Window(2, 10, clock=Clock())
    for _ in range(5):
        with window.count_failures(CodeInvalid, "a"):
            pass
    with (
        window.count_failures(CodeInvalid, "a"),
        window.count_failures(CodeInvalid, "a"),
        pytest.raises(TooManyRequests),
    ):
        window.count("a")
    for _ in range(2):
        with pytest.raises(CodeInvalid), window.count_failures(CodeInvalid, "a"):
            raise CodeInvalid
    with pytest.raises(TooManyRequests):
        window.count("a")


def test_a_key_whose_failures_are_long_past_is_in_nobodys_way() -> None:
    """A wrong password, a right one when that is forgotten, and then somebody else's wrong one."""
    clock = Clock()
    window = Window(2, 10, clock=clock)
    with pytest.raises(CodeInvalid), window.count_failures(CodeInvalid, "a"):
        raise CodeInvalid
    clock.now += 11
    with window.count_failures(CodeInvalid, "a"):
        pass
    window.count("b")
    assert len(window) == 1


def test_other_trouble_is_not_a_failure() -> None:
    """A database that is away must not lock people out."""
    window = Window(1, 10, clock=Clock())
    for _ in range(3):
        with pytest.raises(OSError, match="away"), window.count_failures(CodeInvalid, "a"):
            raise OSError("away")
    window.count("a")


def test_a_flood_of_keys_does_not_fill_the_memory() -> None:
    """At most so many are remembered, however long each is, and stale ones go as new ones come."""
    clock = Clock()
    window = Window(5, 10, keys=100, clock=clock)
    for number in range(10_000):
        window.count(f"{number}" * 50)
    assert len(window) == 100
    clock.now += 11
    for number in range(60):
        window.count(f"new {number}")
    assert len(window) <= 60
    assert all(len(key) == 16 for key in window._counted)


def test_who_keeps_knocking_is_not_forgotten_in_a_flood() -> None:
    """The least recently seen go first."""
    window = Window(3, 10, keys=10, clock=Clock())
    for number in range(2):
        window.count("persistent")
        for other in range(9):
            window.count(f"{number} {other}")
    window.count("persistent")
    with pytest.raises(TooManyRequests):
        window.count("persistent")


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
    crowd = ConcurrencyLimit(1)
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


async def test_wrong_passwords_are_limited_by_login_and_address(api: Api) -> None:
    """20 in five minutes; then even the right one waits there, and other logins do not."""
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


class Hashing:
    """Verifies passwords as in earnest, but holds each verification until they may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = asyncio.get_running_loop()
        self.came = asyncio.Event()
        self.go_on = threading.Event()
        self.real = passwords._verify
        monkeypatch.setattr(passwords, "_verify", self.verify)

    def verify(self, password: str, password_hash: str | None) -> bool:
        assert threading.current_thread() is not threading.main_thread(), "the event loop would stand still"
        self.loop.call_soon_threadsafe(self.came.set)
        self.go_on.wait()
        return self.real(password, password_hash)


async def test_health_answers_while_a_flood_signs_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing happens in threads of its own: while it stands still, and 51 sign-ins with it, /health
    answers."""
    logins = ("FedXL", "other", "third")
    for login in logins:
        await api.register(login)
    hashing = Hashing(monkeypatch)
    flood = [
        asyncio.create_task(api.client.post("/api/auth/", json=signing_in(login)))
        for login in logins
        for _ in range(17)
    ]
    try:
        await asyncio.wait_for(hashing.came.wait(), PATIENCE)
        assert (await api.client.get("/health")).status_code == 200
        assert not any(task.done() for task in flood)
    finally:
        hashing.go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*flood)} == {200}


class Held:
    """Everybody who changes an account, held in it until they may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside = 0
        self.came = asyncio.Event()
        self.go_on = asyncio.Event()
        self.real = accounts.change
        monkeypatch.setattr(accounts, "change", self.change)

    async def change(self, account: accounts.Account, **changes: Any) -> accounts.Account:
        self.inside += 1
        self.came.set()
        await self.go_on.wait()
        return await self.real(account, **changes)

    async def until(self, inside: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.inside < inside:
                self.came.clear()
                await self.came.wait()


async def test_one_account_cannot_fill_the_queue_of_those_who_hash(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hundred places it gets ten; whoever else comes, from the same address, gets in."""
    async with a_door(Clock()) as api:
        greedy, other = await api.access(), await api.access("other")
        held = Held(monkeypatch)

        async def change(access: dict[str, str]) -> httpx.Response:
            return await api.client.put("/api/user/", json={"name": "x"}, headers=access)

        crowd = [asyncio.create_task(change(greedy)) for _ in range(OF_ACCOUNT + 30)]
        await held.until(OF_ACCOUNT)
        assert (await api.client.post("/api/auth/", json=signing_in("other"))).status_code == 200
        late = asyncio.create_task(change(other))
        await held.until(OF_ACCOUNT + 1)
        held.go_on.set()
        answers = sorted([(await task).status_code for task in crowd])
        assert answers == [200] * OF_ACCOUNT + [429] * 30
        assert (await late).status_code == 200


async def test_who_comes_when_too_many_wait_is_sent_away(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 at once, rather than a queue without end; the places are free again afterwards. An address has its
    share, too."""
    async with a_door(Clock(steps=3)) as api:
        ways = [await api.access(f"account{number}") for number in range(WAITING // OF_ACCOUNT + 1)]
        held = Held(monkeypatch)

        async def change(number: int, address: str) -> httpx.Response:
            headers = {**ways[number % len(ways)], "x-forwarded-for": address}
            return await api.client.put("/api/user/", json={"name": "x"}, headers=headers)

        one = [asyncio.create_task(change(number, "192.0.2.1")) for number in range(OF_ADDRESS)]
        await held.until(OF_ADDRESS)
        assert (await change(0, "192.0.2.1")).status_code == 429
        more = range(OF_ADDRESS, WAITING)
        one += [asyncio.create_task(change(number, "198.51.100.2")) for number in more]
        await held.until(WAITING)
        refused = await change(WAITING, "203.0.113.3")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        held.go_on.set()
        assert {(await task).status_code for task in one} == {200}
        assert (await change(0, "192.0.2.1")).status_code == 200


def signing_in(login: str = "FedXL", psw: str = PASSWORD) -> dict[str, str]:
    return {"login": login, "psw": psw}


@contextlib.asynccontextmanager
async def a_door(clock: Clock, **more: Any) -> AsyncIterator[Api]:
    """One that believes what stands in X-Forwarded-For."""
    telegram = Telegram()
    app = an_app(limits=Limits(clock=clock, now=clock.utc), telegram=telegram, **more)

    async def behind_a_proxy(scope: Any, receive: Any, send: Any) -> None:
        for name, value in scope.get("headers", ()):
            if name == b"x-forwarded-for":
                scope["client"] = (value.decode(), 1)
        await app(scope, receive, send)

    behind_a_proxy.state = app.state  # type: ignore[attr-defined]
    async with served(cast(Any, behind_a_proxy)) as address, a_client(address) as client:
        yield Api(client, clock, telegram)


async def sign_in(api: Api, psw: str, address: str, login: str = "FedXL") -> int:
    answer = await api.client.post(
        "/api/auth/", json=signing_in(login, psw), headers={"x-forwarded-for": address}
    )
    return answer.status_code


async def test_who_tries_wrong_passwords_does_not_lock_the_owner_out(database: None) -> None:
    """Twenty wrong ones and then four a minute, from one address: the owner signs in from another one."""
    clock = Clock()
    async with a_door(clock) as api:
        await api.register()
        assert [await sign_in(api, f"guess {n}", "192.0.2.1") for n in range(20)] == [401] * 20
        assert await sign_in(api, "right or wrong", "192.0.2.1") == 429
        assert await sign_in(api, PASSWORD, "192.0.2.1") == 429
        assert await sign_in(api, PASSWORD, "203.0.113.7") == 200
        for minute in range(5):
            clock.now += 60
            await asyncio.gather(*(sign_in(api, f"more {n}", "192.0.2.1") for n in range(4)))
            assert await sign_in(api, PASSWORD, f"198.51.{100 + minute}.7") == 200


async def test_wrong_passwords_from_many_addresses_are_bounded_and_lock_nobody_out(database: None) -> None:
    """Of 30 addresses each has one guess, and all together 50 more an hour; the owner gets in from where they
    have been, and from a new address, too."""
    clock = Clock()
    async with a_door(clock) as api:
        await api.register()
        assert await sign_in(api, PASSWORD, "203.0.113.7") == 200
        answers = [await sign_in(api, f"guess {n}", f"10.0.{n % 30}.{n}") for n in range(240)]
        assert answers.count(401) == 30 + 50
        assert await sign_in(api, PASSWORD, "203.0.113.7") == 200
        assert await sign_in(api, PASSWORD, "198.51.100.9") == 200
        assert await sign_in(api, PASSWORD, "10.0.3.250") == 429, "a neighbour of those who guess"


async def test_many_guesses_at_once_count_as_those_one_after_another(database: None) -> None:
    """What is under way may prove wrong: one neighbourhood has one first try, not one for each connection."""
    async with a_door(Clock()) as api:
        await api.register()
        answers = await asyncio.gather(*(sign_in(api, f"guess {n}", f"10.0.0.{n}") for n in range(60)))
        assert answers.count(401) <= 51


async def test_unknown_logins_are_counted_like_known_ones(database: None) -> None:
    """Or the limit would tell which there are."""
    async with a_door(Clock()) as api:
        await api.register()
        for login in ("FedXL", "nobody"):
            answers = [await sign_in(api, f"guess {n}", f"10.0.{n // 20}.{n}", login) for n in range(100)]
            assert answers == [401] * 20 + [401] * 20 + [401] * 13 + [429] * 7 + ([401] + [429] * 19) * 2
            api.clock.now += 120


async def test_a_wrong_password_counts_wherever_it_is_asked_for(api: Api) -> None:
    """The one in DELETE's body, too; then even the right one waits, and one without a password does not."""
    access = await api.access()

    async def leave(body: dict[str, str]) -> int:
        return (await api.client.request("DELETE", "/api/user/", json=body, headers=access)).status_code

    assert [await leave({"psw": f"guess {n}"}) for n in range(20)] == [403] * 20
    assert await leave({"psw": PASSWORD}) == 429
    assert (await api.client.post("/api/auth/", json=signing_in())).status_code == 429
    assert await leave({}) == 200


async def test_hundreds_of_wrong_passwords_at_once_leave_room_for_others(api: Api, dear_hashes: None) -> None:
    """120 connections that delete with one access token and wrong passwords: whoever else signs in can."""
    access = await api.access()
    others = [f"other{number}" for number in range(20)]
    for login in others:
        await api.register(login)
    flood = [
        asyncio.create_task(
            api.client.request("DELETE", "/api/user/", json={"psw": f"guess {n}"}, headers=access)
        )
        for n in range(120)
    ]
    signed_in = [await api.client.post("/api/auth/", json=signing_in(login)) for login in others]
    assert [answer.status_code for answer in signed_in] == [200] * 20
    refused = [(await task).status_code for task in flood]
    assert refused.count(403) <= 20
    assert set(refused) == {403, 429}


async def test_looking_for_logins_with_put_is_limited(api: Api) -> None:
    """Ten that are taken in ten minutes for an account; what is one's own, or no login at all, is not
    counted."""
    for number in range(12):
        await api.register(f"taken{number}")
    access = await api.access()

    async def rename(login: str) -> int:
        return (await api.client.put("/api/user/", json={"login": login}, headers=access)).status_code

    assert [await rename("FedXL") for _ in range(40)] == [200] * 40
    answers = [await rename(f"taken{number}") for number in range(12)]
    assert answers == [403] * 10 + [429] * 2
    assert await rename("free") == 429
    assert (await api.client.put("/api/user/", json={"name": "x"}, headers=access)).status_code == 200
    api.clock.now += 600
    assert await rename("free") == 200


async def test_new_logins_are_counted_like_registrations(database: None) -> None:
    """By address, with them: free ones tell as much as taken ones."""
    async with a_door(Clock()) as api:
        access = await api.access()
        answers = [
            (await api.client.put("/api/user/", json={"login": f"free{n}"}, headers=access)).status_code
            for n in range(40)
        ]
        assert answers == [200] * 29 + [429] * 11, "the registration was the thirtieth"
        assert (await api.register("one-more")).status_code == 429


async def test_new_passwords_are_limited_by_account(api: Api) -> None:
    """20 in five minutes: each is hashed, and the answer tells whether it was the old one."""
    access = await api.access()
    answers = [
        (await api.client.put("/api/user/", json={"psw": PASSWORD}, headers=access)).status_code
        for _ in range(21)
    ]
    assert answers == [200] * 20 + [429]


async def test_resetting_limits_lets_an_account_sign_in_from_everywhere(database: None) -> None:
    """What wrong passwords have used up is forgotten, at every address."""
    async with a_door(Clock()) as api:
        await api.register()
        for n in range(80):
            await sign_in(api, f"guess {n}", f"10.0.{n // 40}.{n % 2}")
        assert await sign_in(api, PASSWORD, "10.0.0.1") == 429
        assert await sign_in(api, PASSWORD, "10.0.1.1") == 429
        account = await accounts.sign_in("FedXL", PASSWORD)
        assert await users.reset_limits(account.id, 1, datetime.now(UTC))
        assert await sign_in(api, PASSWORD, "10.0.0.1") == 200
        assert await sign_in(api, PASSWORD, "10.0.1.1") == 200
