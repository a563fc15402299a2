"""POST, PUT and DELETE /api/user/, POST /api/auth/: as the original's document says, and who is refused."""

import asyncio
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from .conftest import PASSWORD, SECRET, Api

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


def token(secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> str:
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
