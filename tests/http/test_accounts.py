"""POST, PUT and DELETE /api/user/, POST /api/auth/: as the original's document says, and who is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from djangobot.bot.sandbox.testing import PATIENCE
from djangobot.db.delivery import claims, outbox
from djangobot.db.errors import AccessDenied
from djangobot.db.people import codes
from djangobot.db.programs import accounts, invites, passwords, revocations, tokens
from djangobot.db.programs.accounts import Account
from djangobot.http.limits.limits import Limits

from .conftest import PASSWORD, SECRET, Api, Clock, Telegram, a_client, an_app, served

DOCUMENTED = {"name": "Fedor", "login": "FedXL", "psw": "password1234"}


async def test_a_registration_answers_201_success(api: Api) -> None:
    """The documented body makes an account."""
    answer = await api.client.post("/api/user/", json=DOCUMENTED)
    assert (answer.status_code, answer.json()) == (201, {"answer": "success"})
    assert answer.headers["content-type"] == "application/json"


async def test_the_slash_at_the_end_does_not_matter(api: Api) -> None:
    """Programs write both."""
    assert (await api.client.post("/api/user", json=DOCUMENTED)).status_code == 201


async def test_a_login_is_given_once(api: Api) -> None:
    """The second is refused with 409."""
    await api.register()
    again = await api.register(name="Another")
    assert (again.status_code, again.json()) == (409, {"answer": "This login is already used."})


async def test_of_two_registrations_of_one_login_at_once_one_wins(api: Api) -> None:
    """The database decides, not who looked first."""
    both = await asyncio.gather(api.register(), api.register())
    assert sorted(answer.status_code for answer in both) == [201, 409]


async def test_a_sign_in_answers_a_token_for_a_day(api: Api) -> None:
    """HS256, with the account's id, its token version, and exactly a day to live."""
    await api.register()
    answer = await api.client.post("/api/auth/", json={"login": "FedXL", "psw": PASSWORD})
    assert answer.status_code == 200
    assert list(answer.json()) == ["answer", "access_token"]
    assert answer.json()["answer"] == "success"
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()["access_token"]
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert set(claims) == {"sub", "ver", "iat", "exp"}


async def test_an_unknown_login_and_a_wrong_password_are_the_same(api: Api) -> None:
    """Nobody learns from a sign-in which logins exist."""
    await api.register()
    wrong = await api.client.post("/api/auth/", json={"login": "FedXL", "psw": "not this one"})
    unknown = await api.client.post("/api/auth/", json={"login": "nobody", "psw": PASSWORD})
    assert (wrong.status_code, wrong.json()) == (401, {"answer": "The login or the password is wrong."})
    assert (unknown.status_code, unknown.content) == (wrong.status_code, wrong.content)
    assert wrong.headers["www-authenticate"].startswith("Bearer")


async def test_the_documented_put_changes_the_name_and_keeps_the_rest(api: Api) -> None:
    """The document's PUT gives all three fields, its own login among them."""
    access = await api.access()
    answer = await api.client.put("/api/user/", json={**DOCUMENTED, "name": "Theo"}, headers=access)
    assert (answer.status_code, answer.json()) == (200, {"answer": "success data was changed"})
    history = await api.client.get("/api/cabinet", headers=await api.access())
    assert (history.status_code, history.json()["name"]) == (200, "Theo")


async def test_another_accounts_login_is_refused_with_403(api: Api) -> None:
    """And nothing is changed, not even the name that came with it."""
    await api.register("taken")
    access = await api.access()
    answer = await api.client.put("/api/user/", json={"name": "New", "login": "taken"}, headers=access)
    assert (answer.status_code, answer.json()) == (403, {"answer": "This login is already used."})
    assert (await api.client.get("/api/cabinet", headers=access)).json()["name"] == "Fedor"


async def test_a_free_login_is_taken_over(api: Api) -> None:
    """One signs in with it from then on."""
    access = await api.access()
    assert (await api.client.put("/api/user/", json={"login": "Fyodor"}, headers=access)).status_code == 200
    new = await api.client.post("/api/auth/", json={"login": "Fyodor", "psw": PASSWORD})
    old = await api.client.post("/api/auth/", json={"login": "FedXL", "psw": PASSWORD})
    assert (new.status_code, old.status_code) == (200, 401)


async def test_a_new_password_ends_older_access_tokens(api: Api) -> None:
    """Whoever stole one is out."""
    access = await api.access()
    assert (
        await api.client.put("/api/user/", json={"psw": "another one"}, headers=access)
    ).status_code == 200
    refused = await api.client.get("/api/cabinet", headers=access)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert (await api.client.post("/api/auth/", json={"login": "FedXL", "psw": PASSWORD})).status_code == 401
    assert (
        await api.client.post("/api/auth/", json={"login": "FedXL", "psw": "another one"})
    ).status_code == 200


async def test_a_put_without_changes_says_what_can_be_changed(api: Api) -> None:
    """An empty object is a mistake, not a success."""
    answer = await api.client.put("/api/user/", json={}, headers=await api.access())
    assert answer.status_code == 400
    assert all(field in answer.json()["answer"] for field in ("name", "login", "psw"))


@pytest.mark.parametrize("body", [DOCUMENTED, {}, {"login": "FedXL"}, None])
async def test_the_documented_delete_removes_the_account(api: Api, body: dict[str, str] | None) -> None:
    """With the document's body, with a part of it, and without any."""
    access = await api.access()
    answer = await api.client.request("DELETE", "/api/user/", json=body, headers=access)
    assert (answer.status_code, answer.json()) == (200, {"answer": "success user was deleted"})
    assert (await api.client.get("/api/cabinet", headers=access)).status_code == 401
    assert (await api.client.post("/api/auth/", json={"login": "FedXL", "psw": PASSWORD})).status_code == 401


@pytest.mark.parametrize("wrong", [{"login": "somebody"}, {"psw": "not this one"}])
async def test_a_delete_that_names_somebody_else_is_refused(api: Api, wrong: dict[str, str]) -> None:
    """403, and the account is still there."""
    access = await api.access()
    answer = await api.client.request("DELETE", "/api/user/", json={**DOCUMENTED, **wrong}, headers=access)
    assert answer.status_code == 403
    assert (await api.client.get("/api/cabinet", headers=access)).status_code == 200


def token(*, secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    now = datetime.now(UTC)
    whole = {"sub": "1", "ver": 1, "iat": now, "exp": now + timedelta(hours=1), **claims}
    return jwt.encode({k: v for k, v in whole.items() if v is not None}, secret, algorithm=algorithm)


@pytest.mark.parametrize(
    "bad",
    [
        "garbage",
        "a.b.c",
        "\xff.\xfe.\xfd",
        f"{'W' * 20000}.a.b",
        token(secret="another secret, as long as ours is, at least"),
        token(secret="", algorithm="none"),
        token(algorithm="HS512"),
        token(exp=datetime.now(UTC) - timedelta(seconds=1)),
        token(iat=datetime.now(UTC) + timedelta(hours=1)),
        token(exp=None),
        token(iat=None),
        token(sub=None),
        token(ver=None),
        token(ver=True),
        token(ver="1"),
        token(ver=99),
        token(sub="0"),
        token(sub="-1"),
        token(sub="999999"),
        token(sub="9" * 30),
        token(sub="9" * 5000),
        token(sub="one"),
        token(aud="elsewhere"),
        token(nbf=datetime.now(UTC) + timedelta(hours=1)),
        token(iat=datetime.now(UTC) + timedelta(days=3650), exp=datetime.now(UTC) + timedelta(days=3651)),
    ],
)
async def test_a_token_that_is_not_a_living_one_of_ours_is_401(api: Api, bad: str) -> None:
    """Broken, foreign, expired, unsigned, of another algorithm, incomplete, or nobody's."""
    await api.register()
    answer = await api.client.get(
        "/api/cabinet", headers=[(b"authorization", b"Bearer " + bad.encode("latin-1"))]
    )
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith('Bearer realm="djangobot", error="invalid_token"')
    assert answer.json() == {"answer": "The access token is not valid any more; sign in again."}


async def test_a_token_nested_too_deeply_is_401(api: Api) -> None:
    """Its header is parsed before its signature is checked."""
    from base64 import urlsafe_b64encode

    deep = urlsafe_b64encode(b'{"alg":' + b"[" * 30000 + b"}").decode().rstrip("=")
    answer = await api.client.get("/api/cabinet", headers={"authorization": f"Bearer {deep}.e30.AAAA"})
    assert answer.status_code == 401


@pytest.mark.parametrize("header", [None, "Basic dXNlcjpwc3c=", "Bearer", "Token abc"])
async def test_a_call_without_a_token_is_challenged_without_an_error(api: Api, header: str | None) -> None:
    """RFC 6750, 3.1: no error code for a client that did not know."""
    answer = await api.client.get("/api/cabinet", headers={} if header is None else {"authorization": header})
    assert answer.status_code == 401
    if header != "Bearer":
        assert answer.headers["www-authenticate"] == 'Bearer realm="djangobot"'


@pytest.mark.parametrize("form", ["bearer {}", "BEARER {}", "Bearer   {}", '"Bearer {}"'])
async def test_the_header_is_read_as_people_write_it(api: Api, form: str) -> None:
    """In any case, with the document's two spaces, and even in the quotes the document puts around it."""
    plain = (await api.access())["authorization"].removeprefix("Bearer ")
    answer = await api.client.get("/api/cabinet", headers={"authorization": form.format(plain)})
    assert answer.status_code == 200


@pytest.mark.parametrize("claims", [{}, {"nbf": 25.0}, {"iat": 0.5}, {"iat": 25.0}])
async def test_a_token_signed_by_a_clock_that_is_ahead_is_taken(api: Api, claims: dict[str, float]) -> None:
    """Of another door, or ours before it was set back: 30 seconds are nothing."""
    await api.register()
    later: dict[str, Any] = {
        name: datetime.now(UTC) + timedelta(seconds=seconds) for name, seconds in claims.items()
    }
    answer = await api.client.get("/api/cabinet", headers={"authorization": f"Bearer {token(**later)}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_token_of_a_later_time_is_not(api: Api, claim: str) -> None:
    """More than 30 seconds ahead no clock of ours is."""
    await api.register()
    ahead: dict[str, Any] = {claim: datetime.now(UTC) + timedelta(seconds=40)}
    later = token(**ahead)
    answer = await api.client.get("/api/cabinet", headers={"authorization": f"Bearer {later}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("seconds", [0, 1, 15, 29])
async def test_a_token_ends_when_it_says(api: Api, seconds: int) -> None:
    """Its end knows no leeway."""
    await api.register()
    over = token(exp=datetime.now(UTC) - timedelta(seconds=seconds))
    answer = await api.client.get("/api/cabinet", headers={"authorization": f"Bearer {over}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("psw", ["1", "1234567", "пароль1", "x" * 257])
async def test_a_password_has_eight_characters_at_least(api: Api, psw: str) -> None:
    """A new account's, and a new one of an account."""
    refused = await api.register(psw=psw)
    assert refused.status_code == 400
    assert refused.json()["details"] == {"psw": "must have 8 to 256 characters"}
    access = await api.access()
    refused = await api.client.put("/api/user/", json={"psw": psw}, headers=access)
    assert (refused.status_code, list(refused.json()["details"])) == (400, ["psw"])
    assert (await api.client.get("/api/cabinet", headers=access)).status_code == 200
    assert (await api.register("other", psw="пароль12")).status_code == 201


async def test_an_account_with_a_shorter_password_signs_in_as_before(api: Api) -> None:
    """Those that were made before that was a rule; the rest of it can be changed, and removed with it."""
    await api.register()
    await Account.update({Account.password_hash: await passwords.hashed("1")}, force=True)
    answer = await api.client.post("/api/auth/", json={"login": "FedXL", "psw": "1"})
    assert answer.status_code == 200
    access = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await api.client.put("/api/user/", json={"name": "Theo"}, headers=access)).status_code == 200
    gone = await api.client.request("DELETE", "/api/user/", json={"psw": "1"}, headers=access)
    assert gone.status_code == 200


async def test_a_new_password_says_how_many_bot_tokens_live(api: Api) -> None:
    """Their owner sees them nowhere else; what changes nothing about them says nothing."""
    access = await api.access()
    for _ in range(3):
        await api.bot_token(access)
    named = await api.client.put("/api/user/", json={"name": "Theo", "psw": PASSWORD}, headers=access)
    assert named.json() == {"answer": "success data was changed"}
    changed = await api.client.put("/api/user/", json={"psw": "another one"}, headers=access)
    assert changed.json() == {"answer": "success data was changed", "bot_tokens": 3}
    access = await api.access(psw="another one")
    kept = await api.client.put("/api/user/", json={"revoke_tokens": False}, headers=access)
    assert kept.json() == {"answer": "success data was changed", "bot_tokens": 3}


@pytest.mark.parametrize("more", [{}, {"psw": "another one"}, {"name": "Theo", "login": "Theo"}])
async def test_bot_tokens_end_with_revoke_tokens(api: Api, more: dict[str, str]) -> None:
    """All of this account, and of nobody else; what waits is canceled, who waits for it hears that at once,
    and the chats are told, once each."""
    access, other = await api.access(), await api.access("other")
    ann, ben = await api.person(), await api.person()
    mine = [await api.bot_token(access, person) for person in (ann, ann, ben)]
    theirs = await api.bot_token(other, ann)
    await api.deliver()
    waiting = asyncio.create_task(api.send(mine[0], prefer="wait=30"))
    while not await outbox.oldest_due(datetime.now(UTC)):
        pass
    answer = await api.client.put("/api/user/", json={"revoke_tokens": True, **more}, headers=access)
    assert (answer.status_code, answer.json()) == (
        200, {"answer": "success data was changed", "bot_tokens": 0},
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        canceled = await waiting
    assert (canceled.status_code, canceled.json()["status"]) == (502, "canceled")
    assert [(await api.send(token)).status_code for token in mine] == [401] * 3
    assert (await api.send(theirs)).status_code == 202
    claimed = await claims.claim(datetime.now(UTC), limit=100)
    told = [message for message in claimed if message.kind == "tokens_revoked"]
    name = more.get("name", "Fedor")
    assert sorted((notice.chat_id, notice.text) for notice in told) == [(ann.id, name), (ben.id, name)]


async def test_what_its_owner_revoked_no_chat_takes_back(api: Api) -> None:
    """Not even one where it was revoked a moment before, and could have been."""
    access, ann = await api.access(), await api.person()
    pressed, other = await api.bot_token(access, ann), await api.bot_token(access, ann)
    now = datetime.now(UTC)
    cards = await tokens.of_chat(ann.id, now)
    await revocations.revoke(ann.id, cards[1].id, now)
    await api.client.put("/api/user/", json={"revoke_tokens": True}, headers=access)
    for card in cards:
        await revocations.undo(ann.id, card.id, datetime.now(UTC))
        assert (await tokens.card(ann.id, card.id, datetime.now(UTC))).revoked is not None
    assert [(await api.send(token)).status_code for token in (pressed, other)] == [401, 401]


async def test_a_refused_change_revokes_nothing(api: Api) -> None:
    """All of a change happens, or none."""
    access = await api.access()
    await api.register("taken")
    token = await api.bot_token(access)
    body = {"login": "taken", "psw": "another one", "revoke_tokens": True}
    assert (await api.client.put("/api/user/", json=body, headers=access)).status_code == 403
    assert (await api.send(token)).status_code == 202


async def test_registration_can_be_closed(database: None) -> None:
    """Nobody learns which logins there are, and whoever has an account goes on."""
    async with served(an_app(limits=Limits())) as address, a_client(address) as client:
        await Api(client, Clock(), Telegram()).register()
    app = an_app(limits=Limits(), registration="closed")
    async with served(app) as address, a_client(address) as client:
        api = Api(client, Clock(), Telegram())
        for login in ("FedXL", "new"):
            refused = await api.register(login)
            assert (refused.status_code, refused.json()) == (
                403, {"answer": "Nobody can register here; ask the service's admins."},
            )  # fmt: skip
        assert (await client.post("/api/auth/", json={"login": "FedXL", "psw": PASSWORD})).status_code == 200


async def test_registration_can_take_an_invite(database: None) -> None:
    """A word of an admin's, good for one account, whatever the others who try it at once."""
    app = an_app(limits=Limits(), registration="invite")
    async with served(app) as address, a_client(address) as client:

        async def register(login: str, **more: str) -> httpx.Response:
            return await client.post("/api/user/", json={**DOCUMENTED, "login": login, **more})

        _, word = await invites.make(1, datetime.now(UTC))
        missing, wrong = await register("a"), await register("a", invite="no such word")
        assert (missing.status_code, wrong.status_code) == (403, 403)
        assert "invite" in missing.json()["answer"]
        both = await asyncio.gather(*(register(f"a{n}", invite=word) for n in range(5)))
        assert sorted(answer.status_code for answer in both) == [201] + [403] * 4
        used = next(login for login, answer in enumerate(both) if answer.status_code == 201)
        assert (await register("b", invite=word)).json() == wrong.json()
        _, word = await invites.make(1, datetime.now(UTC))
        assert (await register(f"a{used}", invite=word)).status_code == 409
        assert (await register("c", invite="x" * 8)).status_code == 403
        assert (await register("d", psw="short", invite=word)).status_code == 400
        assert (await register("e", invite=f" {word}\n")).status_code == 201, "what failed has not used it"


async def test_where_anybody_may_register_an_invite_is_not_looked_at(api: Api) -> None:
    """A script that brings one works wherever."""
    answer = await api.client.post("/api/user/", json={**DOCUMENTED, "invite": "whatever"})
    assert answer.status_code == 201


async def test_a_token_made_while_its_access_token_dies_is_none(api: Api) -> None:
    """Whoever has stolen an access token does not turn it into a bot token after the password has changed."""
    access = await api.access()
    account = await accounts.sign_in("FedXL", PASSWORD)
    await api.client.put("/api/user/", json={"psw": "another one", "revoke_tokens": True}, headers=access)
    with pytest.raises(AccessDenied):
        await codes.redeem(account, await api.code(), datetime.now(UTC))
