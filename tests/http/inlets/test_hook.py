"""POST /api/hook: where the token stands, what is answered, and that nothing is refused for its length."""

import base64

import httpx
import pytest
import structlog

from djangobot.bot import settings
from djangobot.db.messages.new_message import TEXT_LIMIT
from djangobot.db.messages.rich_text.formats import Format, parse
from djangobot.http.inlets import hook, hook_formats
from djangobot.http.inlets.common.message import InletMessage
from djangobot.http.inlets.common.shorten import NOTHING, shortened
from djangobot.http.inlets.table import INLETS
from djangobot.http.state import Config

from ..conftest import SECRET, Api, Telegram, a_client, an_app, served


async def post(api: Api, path: str, body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.client.post(path, content=body, headers=named)


async def test_the_token_stands_in_the_path_or_in_a_header(api: Api) -> None:
    """Three ways, and each answers 200 with the message on disk."""
    access = await api.access()
    token = await api.bot_token(access)
    answers = [
        await post(api, f"/api/hook/{token}", b"one"),
        await post(api, "/api/hook", b"two", authorization=f"Bearer {token}"),
        await post(api, "/api/hook", b"three", x_bot_token=token),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [line["text"] for line in await api.told(access)] == ["three", "two", "one"]
    assert answers[2].json()["id"] == (await api.told(access))[0]["id"]


@pytest.mark.parametrize("user", ["", "anybody", "ключ", "7EVgXzmREWIf1qHsaYkeg"])
async def test_basic_has_the_token_as_its_password(api: Api, user: str) -> None:
    """Some programs have nothing but a field for a user and one for a password. The token may
    be the user, too: an address may be written `https://TOKEN@host`."""
    access = await api.access()
    token = await api.bot_token(access)
    for pair in (f"{user}:{token}", f"{token}:{user}", token):
        basic = base64.b64encode(pair.encode()).decode()
        answer = await post(api, "/api/hook", b"one", authorization=f"Basic {basic}")
        assert answer.status_code == 200, answer.text
    assert [line["text"] for line in await api.told(access)] == ["one"] * 3


async def test_basic_without_the_token_is_401(api: Api) -> None:
    """A wrong password, none, and what is no base64; the password of a proxy does no harm beside a token."""
    token = await api.bot_token(await api.access())
    wrong = base64.b64encode(b"user:7EVgXzmREWIf1qHsaYkegiQMa").decode()
    for given in (wrong, base64.b64encode(b":").decode(), "%%%", "/w=="):
        answer = await post(api, "/api/hook", b"one", authorization=f"Basic {given}")
        assert answer.status_code == 401, given
        assert wrong not in answer.text
    answer = await post(api, f"/api/hook/{token}", b"one", authorization=f"Basic {wrong}")
    assert answer.status_code == 200


async def test_put_is_post(api: Api) -> None:
    """Sonarr's webhook and Proxmox's let people choose; `curl -T` has nothing else."""
    access = await api.access()
    token = await api.bot_token(access)
    for path in (f"/api/hook/{token}", "/api/hook"):
        answer = await api.client.put(path, content=b"one", headers={"x-bot-token": token})
        assert answer.status_code == 200, answer.text
    assert [line["text"] for line in await api.told(access)] == ["one"] * 2
    answer = await api.client.options("/api/hook")
    assert answer.headers["allow"] == "OPTIONS, POST, PUT"


async def test_a_wrong_token_is_401_and_stands_in_no_answer_and_no_log(api: Api) -> None:
    """Neither a token of the path nor one of a query is repeated anywhere."""
    token = "7EVgXzmREWIf1qHsaYkegiQMa"
    with structlog.testing.capture_logs() as logs:
        answers = [
            await post(api, f"/api/hook/{token}", b"one"),
            await post(api, f"/api/hook/{token}/more?auth={token}", b"one"),
            await api.client.get(f"/api/hook/{token}"),
            await post(api, "/api/hook", b"one"),
        ]
    assert [answer.status_code for answer in answers] == [401, 404, 405, 401]
    assert token not in repr([answer.text for answer in answers]) + repr(logs)
    assert token not in (await api.client.get("/metrics")).text


async def test_a_fault_of_ours_loses_no_message_and_tells_no_token(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A format that fails shows the body as it is. Whatever else fails is logged without the path."""
    access = await api.access()
    token = await api.bot_token(access)

    def broken(*_: object) -> InletMessage:
        raise ZeroDivisionError(token)

    with structlog.testing.capture_logs() as logs:
        monkeypatch.setitem(hook_formats.BY_NAME, "text", hook_formats.BY_NAME["text"]._replace(read=broken))
        assert (await post(api, f"/api/hook/{token}?as=text", b"body")).status_code == 200
        monkeypatch.setattr(hook, "format_of", broken)
        answer = await post(api, f"/api/hook/{token}", b"one")
    assert (answer.status_code, token in answer.text) == (500, False)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "webhook not understood",
        "request failed",
    ]
    assert token not in repr(logs)
    assert [line["text"] for line in await api.told(access)] == ["body"]


async def test_a_revoked_token_is_401(api: Api) -> None:
    """As everywhere."""
    person = await api.person()
    token = await api.bot_token(await api.access(), person)
    await api.revoke(person)
    assert (await post(api, f"/api/hook/{token}", b"one")).status_code == 401


async def test_a_body_of_more_than_five_megabytes_is_413(api: Api) -> None:
    """One of five is a message."""
    token = await api.bot_token(await api.access())
    most = 5 * 1024 * 1024
    assert (await post(api, f"/api/hook/{token}", b"x" * most)).status_code == 200
    answer = await post(api, f"/api/hook/{token}", b"x" * (most + 1))
    assert (answer.status_code, str(most) in answer.json()["answer"]) == (413, True)


async def test_a_closed_inlet_is_404(database: None) -> None:
    """DJANGOBOT_INLETS names the open ones."""
    closed = an_app(inlets=("gotify", "ntfy"))
    async with served(closed) as address, a_client(address) as client:
        assert (await client.post("/api/hook", content=b"one")).status_code == 404


def test_every_inlet_has_its_setting() -> None:
    """The setting, its default and the table name the same inlets."""
    assert {inlet.name for inlet in INLETS} <= set(settings.INLETS)
    assert Config(SECRET, "0", Telegram()).inlets == settings.INLETS


async def test_the_query_names_the_format(api: Api) -> None:
    """`?as=text` shows JSON as it is; an unknown name is no reason to refuse."""
    access = await api.access()
    token = await api.bot_token(access)
    for query in ("as=text", "as=nothing"):
        assert (await post(api, f"/api/hook/{token}?{query}", b'{"text": "hello"}')).status_code == 200
    assert [line["text"] for line in await api.told(access)] == ["hello", '{"text": "hello"}']


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"", "text/plain", NOTHING),
        (b"\xff\x00", "text/plain", "\ufffd"),
        ("\ufeffПривет".encode(), "text/plain", "Привет"),
        ("Привет".encode("cp1251"), "text/plain; charset=windows-1251", "Привет"),
        (b'"a string"', "application/json", "a string"),
        (b'{"message": "a", "title": "b"}', "application/json", "a"),
        (b'{"text": "up", "url": "http://nas:80/x"}', "application/json", "up\n\n🔗 http://nas:80/x"),
        (b'{"number": 1}', "application/json", '{\n "number": 1\n}'),
        (b'{"text": "half \\ud800"}', "application/json", "half"),
        (
            "Backup failed: a=b на диске".encode(),
            "application/x-www-form-urlencoded",
            "Backup failed: a=b на диске",
        ),
        (b"Failed", "application/x-www-form-urlencoded", "Failed"),
        (b"text=%D0%9F+a%3Db", "application/x-www-form-urlencoded", "П a=b"),
        (b"message=a&more=b", "application/x-www-form-urlencoded", "a"),
        (b"disk=full&host=db1", "application/x-www-form-urlencoded", "disk: full\nhost: db1"),
        (
            b"https://ci.example/job?id=1&b=%20",
            "application/x-www-form-urlencoded",
            "https://ci.example/job?id=1&b=%20",
        ),
        (b"text=%CF%F0%E8", "application/x-www-form-urlencoded; charset=windows-1251", "При"),
        (b"YS9iK2M=", "application/x-www-form-urlencoded", "YS9iK2M="),
        (b"title=ok&status=ok&host=db1", "application/x-www-form-urlencoded", "status: ok\nhost: db1"),
        ('{"text": "naïve"}'.encode("latin-1"), "application/json; charset=iso-8859-1", "naïve"),
        (b"[" * 100_000, "application/json", None),
    ],
)
async def test_whatever_comes_is_a_message(api: Api, body: bytes, kind: str, text: str | None) -> None:
    """Texts, forms, JSON, and what is neither."""
    access = await api.access()
    token = await api.bot_token(access)
    answer = await post(api, f"/api/hook/{token}", body, content_type=kind)
    assert answer.status_code == 200, answer.text
    (line,) = await api.told(access)
    assert text is None or line["text"] == text


@pytest.mark.parametrize(
    ("markup", "text"), [("plain", "<b>x</b>"), ("markdown", "**x**"), ("html", "<b>x</b>")]
)
def test_a_title_that_is_too_long_goes_on_in_the_text(markup: Format, text: str) -> None:
    """No word of it is lost or doubled, and none of it is read as markup."""
    words = [f"<i>*{number}*</i>" for number in range(100)]
    short = shortened(InletMessage(title=" ".join(words), text=text, format=markup))
    assert len(short.title) <= 200
    above, _, below = parse(short.text, markup).text.replace("\n\n", "\n").partition("\n")
    assert f"{short.title[:-1]}{above[1:]}".replace(" ", "") == "".join(words)
    assert below == (text if markup == "plain" else "x")
    alone = shortened(InletMessage(title="a <b> *c* & d", format=markup))
    assert (alone.title, parse(alone.text, markup).text) == ("", "a <b> *c* & d")


def test_what_is_too_long_is_shortened() -> None:
    """Title, text, tags and keys; what is no button is left out."""
    short = shortened(
        InletMessage(
            text="x" * 100_000,
            title="one\ntwo " * 100,
            tags=("disk-full", "#", *(f"tag{number}" for number in range(20))),
            replace='{}:{alertname="x"}' * 20,
            key="ключ",
        )
    )
    assert (len(short.text), short.text[-1]) == (TEXT_LIMIT, "…")
    assert short.title.startswith("one two one")
    assert len(short.title) <= 200
    assert short.tags[:2] == ("disk_full", "tag0")
    assert len(short.tags) == 8
    assert short.replace is not None
    assert len(short.replace) == 64
    assert short.key is not None
    assert short.key.isascii()
