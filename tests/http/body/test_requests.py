"""What a program may send as a query and as a body, and what it is told when that can't be read."""

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djangobot.http.app import ROUTES
from djangobot.http.body.requests import plain_text
from djangobot.http.errors import Refused
from djangobot.http.messages.sending import BODY, read

from ..conftest import PASSWORD, Api

FORM = "application/x-www-form-urlencoded"
CALLS = sorted(
    (method, re.sub(r"{\w+:str}", "start.js", path))
    for handler in ROUTES
    for path in handler.paths
    for method in getattr(handler, "http_methods", {"POST"})
)
PAGED = [("GET", "/api/cabinet"), ("HEAD", "/api/cabinet")]
"""They read parameters, and ask first who is there."""
QUERIES = [
    ("ttl=60", "ttl"),
    ("x", "x"),
    ("x=", "x"),
    ("%00=1", "\0"),
    ("text=hello&bot_token=abc", "bot_token"),
    ("limits=1", "limits"),
]
TEXT = "Резервная копия готова: 100 % & <b>\n\ttwo + two = 4\n"


async def post(api: Api, token: str | None, kind: str | None, body: bytes | str) -> httpx.Response:
    headers = {"prefer": "respond-async"}
    headers |= {} if kind is None else {"content-type": kind}
    headers |= {} if token is None else {"authorization": f"Bearer {token}"}
    return await api.client.post("/api/send_message", content=body, headers=headers)


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_query_parameter_nobody_reads_is_named(api: Api, method: str, path: str) -> None:
    """On every call: one that is ignored would be taken for one that is obeyed."""
    headers = await api.access() if (method, path) in PAGED else {}
    for query, name in QUERIES:
        answer = await api.client.request(method, f"{path}?{query}", headers=headers)
        assert answer.status_code == 400, answer.text
        if method != "HEAD":
            assert "is not known here" in answer.json()["details"][name]


@pytest.mark.parametrize("query", ["", "?", "?&"])
async def test_an_empty_query_is_none(api: Api, query: str) -> None:
    """A question mark alone asks for nothing."""
    assert (await api.client.get(f"/health{query}")).status_code == 200


@pytest.mark.parametrize("path", ["/api/user/", "/api/send_message"])
async def test_the_mark_of_utf_8_before_json_is_read_over(api: Api, path: str) -> None:
    """RFC 8259, 8.1; some editors put it there."""
    token = await api.bot_token(await api.access())
    body = (
        {"name": "B", "login": "b", "psw": PASSWORD} if "user" in path else {"text": "a", "bot_token": token}
    )
    content, at_once = b"\xef\xbb\xbf" + json.dumps(body).encode(), {"prefer": "respond-async"}
    answer = await api.client.post(path, content=content, headers=at_once)
    assert answer.status_code in (201, 202), answer.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("path", ["/api/user/", "/api/auth/", "/api/send_message"])
async def test_json_in_another_encoding_is_told_so(api: Api, path: str, encoding: str) -> None:
    """Windows PowerShell writes files in UTF-16; "invalid character" would send people to look for one."""
    body = json.dumps({"text": "я", "login": "x"}, ensure_ascii=False).encode(encoding)
    answer = await api.client.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["answer"] == f"The body is not text in UTF-8. It looks like {encoding[:6].upper()}."


@pytest.mark.parametrize("body", ['{"text":"né"}', "é", '{"né":1}', "[1, é"])
async def test_json_in_latin_1_is_told_so(api: Api, body: str) -> None:
    """Wherever in the body the letter stands."""
    answer = await api.client.post("/api/auth/", content=body.encode("latin-1"))
    assert (answer.status_code, answer.json()["answer"]) == (400, "The body is not text in UTF-8.")


@pytest.mark.parametrize(
    ("character", "what", "written"),
    [
        ("\n", "A line break", r"\n"),
        ("\r\n", "A line break", r"\n"),
        ("\t", "A tab", r"\t"),
        ("\x07", "A control character", r"\u0007"),
        ("\x00", "A control character", r"\u0000"),
    ],
)
@pytest.mark.parametrize(
    "body",
    ['{"text":"line%sbreak"}', '{"type":"Te\\"xt","text":"%s"}', '{"te%sxt":1}', '{"text":"я%s', '["\\%s"]'],
)
async def test_a_raw_control_character_in_a_string_is_told_how_to_be_written(
    api: Api, body: str, character: str, what: str, written: str
) -> None:
    """A template put it there; for messages the ways without JSON are shown."""
    for path in ("/api/user/", "/api/send_message"):
        answer = await api.client.post(path, content=body % character)
        sentence = answer.json()["answer"]
        assert answer.status_code == 400
        assert sentence.startswith(f"{what} inside a JSON string is written {written}.")
        ways = ("--data-urlencode" in sentence, "text/plain" in sentence)
        assert ways == ((True, True) if path == "/api/send_message" else (False, False))


async def test_other_broken_json_is_told_where(api: Api) -> None:
    """A line break that is not at fault is not blamed."""
    answer = await api.client.post("/api/auth/", content='{"login":\n"a"\n,psw: "x\ny"}')
    assert answer.json()["answer"].startswith("The body is not valid JSON (")
    assert "line break" not in answer.json()["answer"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x-nonsense", "gzip, identity"])
@pytest.mark.parametrize("path", ["/api/user/", "/api/auth/", "/api/send_message"])
async def test_a_compressed_body_is_415(api: Api, path: str, encoding: str) -> None:
    """And not taken for broken JSON; identity is no encoding."""
    answer = await api.client.post(path, content=b"{}", headers={"content-encoding": encoding})
    assert (answer.status_code, "Content-Encoding" in answer.json()["answer"]) == (415, True)
    plain = await api.client.post(path, content=b"{}", headers={"content-encoding": "Identity"})
    assert plain.status_code == 400


async def test_a_plain_text_is_the_message_to_the_letter(api: Api) -> None:
    """With the token as Bearer: `curl -d "$TEXT" -H 'Content-Type: text/plain'`."""
    access = await api.access()
    token = await api.bot_token(access)
    for kind in (
        "text/plain",
        "Text/Plain; charset=utf-8",
        'text/plain;charset="UTF-8"',
        "text/plain;format=flowed",
    ):
        assert (await post(api, token, kind, TEXT)).status_code == 202
    assert [message["text"] for message in await api.told(access)] == [TEXT] * 4


@pytest.mark.parametrize(
    "text", ['{"status": "ok"}', '{"text": "quoted"}', "{not json", "[1, 2]", '"', "text=a&b", "a=b"]
)
async def test_a_plain_text_is_the_text_also_when_it_looks_like_something_else(api: Api, text: str) -> None:
    """What a log line says is not for us to obey."""
    access = await api.access()
    assert (await post(api, await api.bot_token(access), "text/plain", text)).status_code == 202
    assert [message["text"] for message in await api.told(access)] == [text]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "naïve"),
        ("windows-1252", "naïve “x”"),
        ("utf-16", "naïve"),
        ("utf-16le", "\ufeffnaïve"),
        ("UTF-16BE", "naïve"),
        ("windows-1251", "Привет"),
        ("koi8-r", "Привет"),
    ],
)
async def test_a_plain_text_is_decoded_as_its_charset_says(api: Api, charset: str, text: str) -> None:
    """Of the charsets that are still in use. A byte order mark is no part of the text."""
    access = await api.access()
    answer = await post(
        api, await api.bot_token(access), f"text/plain; charset={charset}", text.encode(charset)
    )
    assert answer.status_code == 202, answer.text
    assert [message["text"] for message in await api.told(access)] == [text.removeprefix("\ufeff")]


def test_further_charsets_are_read() -> None:
    """Of Europe, Ukraine, China, Japan and Korea."""
    for text, charsets in {
        "žluťoučký": ("iso-8859-2", "windows-1250"),
        "5 €": ("iso-8859-15",),
        "Привіт": ("koi8-u",),
        "漢字": ("gbk", "gb18030", "big5", "shift_jis", "euc-jp"),
        "한글": ("euc-kr",),
    }.items():
        assert [plain_text(text.encode(charset), charset) for charset in charsets] == [text] * len(charsets)


def test_what_windows_calls_latin_1_has_its_own_characters() -> None:
    """Its quotation marks, dashes and the euro sign stand where ISO-8859-1 has nothing to see."""
    assert plain_text("“a” – 5 €".encode("cp1252"), "iso-8859-1") == "“a” – 5 €"


@pytest.mark.parametrize(
    ("kind", "body", "status", "word"),
    [
        ("text/plain; charset=idna", b"a", 415, "UTF-8"),
        ("text/plain; charset=hex", b"6161", 415, "UTF-8"),
        ("text/plain; charset=../x", b"a", 415, "UTF-8"),
        ("text/plain", "é".encode("latin-1"), 400, "The body is not text in UTF-8."),
        ("text/plain", "hello".encode("utf-16"), 400, "UTF-16"),
        ("text/plain; charset=utf-16", b"abc", 400, "utf-16"),
        ("text/plain", b"", 400, "fields"),
        ("text/plain", b" \n", 400, "fields"),
        ("text/plain", b"ab\0c", 400, "fields"),
        ("text/plain", b"x" * 65_537, 413, "65536"),
    ],
)
async def test_a_plain_text_that_can_not_be_read_is_told_why(
    api: Api, kind: str, body: bytes, status: int, word: str
) -> None:
    """Nothing is guessed, and nothing torn is sent."""
    access = await api.access()
    answer = await post(api, await api.bot_token(access), kind, body)
    assert (answer.status_code, word in answer.json()["answer"]) == (status, True), answer.text
    assert await api.told(access) == []


async def test_a_plain_text_without_a_token_is_told_where_to_put_it(api: Api) -> None:
    """JSON that calls itself a plain text, with the token within, is JSON as ever."""
    access = await api.access()
    token = await api.bot_token(access)
    answer = await post(api, None, "text/plain", "hello")
    assert (answer.status_code, "Bearer" in answer.json()["details"]["bot_token"]) == (400, True)
    body = json.dumps({"text": "hello", "bot_token": token})
    assert (await post(api, None, "text/plain;charset=UTF-8", body)).status_code == 202
    assert [message["text"] for message in await api.told(access)] == ["hello"]


@pytest.mark.parametrize("in_body", [True, False])
async def test_a_form_is_read(api: Api, in_body: bool) -> None:
    """`curl --data-urlencode text=…`, all fields, the token in either place."""
    access = await api.access()
    token = await api.bot_token(access)
    fields = {"text": TEXT, "type": "File", "urgent": "true", "ttl": "60"}
    fields |= {"bot_token": token} if in_body else {}
    answer = await post(api, None if in_body else token, f"{FORM}; charset=utf-8", urlencode(fields))
    assert answer.status_code == 202, answer.text
    assert [(one["text"], one["type"]) for one in await api.told(access)] == [(TEXT, "File")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("text=привет", "привет"),
        ("text=a+b%2Bc", "a b+c"),
        ("text=100%", "100%"),
        ("text=%7B%22a%22%3A1%7D", '{"a":1}'),
        ('text={"a":1}', '{"a":1}'),
        ("\ufefftext=a", "a"),
        ("text=a;b", "a;b"),
        ("text=a=b", "a=b"),
    ],
)
async def test_a_form_says_what_it_says(api: Api, body: str, text: str) -> None:
    """Escaped or not, and whatever the text looks like."""
    access = await api.access()
    assert (await post(api, await api.bot_token(access), FORM, body.encode())).status_code == 202
    assert [message["text"] for message in await api.told(access)] == [text]


@pytest.mark.parametrize(
    ("urgent", "meant"),
    [
        *((word, True) for word in ("true", "TRUE", "1", "on", "yes")),
        *((word, False) for word in ("false", "0", "off", "No")),
    ],
)
def test_a_form_says_yes_and_no_as_forms_do(urgent: str, meant: bool) -> None:
    """`on` is what a browser sends for a checkbox."""
    assert BODY.read_form(f"text=a&urgent={urgent}&ttl=60".encode()).urgent is meant


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("text=a&text=b", ["text"]),
        ("text=a&urgent=maybe", ["urgent"]),
        ("text=a&urgent=", ["urgent"]),
        ("text=a&ttl=soon", ["ttl"]),
        ("text=a&ttl=0", ["ttl"]),
        ("text=a&ttl=1.5", ["ttl"]),
        ("text=a&ttl=", ["ttl"]),
        ("text=a&type=Photo", ["type"]),
        ("text=a&chat=1", ["chat"]),
        ("txt=a", ["txt", "text"]),
        ("text=", ["text"]),
        ("text=a&b=c", ["b"]),
        (f"text=a&{quote('<script>')}=1", ["<script>"]),
    ],
)
async def test_a_wrong_field_of_a_form_is_named_and_nothing_is_accepted(
    api: Api, body: str, fields: list[str]
) -> None:
    """By the same rules as in JSON; a field that comes twice is for nobody to guess."""
    access = await api.access()
    answer = await post(api, await api.bot_token(access), FORM, body)
    assert (answer.status_code, list(answer.json()["details"])) == (400, fields)
    assert await api.told(access) == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "empty"),
        (b"Backup done", "text/plain"),
        (b"text=%ff", "UTF-8"),
        (b"text=\xff", "UTF-8"),
        (b"&".join(b"a%d=1" % n for n in range(101)), "100 fields"),
        ("text=a".encode("utf-16"), "UTF-16"),
        (b'{"text":"a', "JSON"),
        (b"[1]", "JSON object"),
    ],
)
async def test_a_form_that_is_none_is_told_so(api: Api, body: bytes, word: str) -> None:
    """Among them what `curl -d "$TEXT"` sends."""
    answer = await post(api, "x", FORM, body)
    assert (answer.status_code, word in answer.json()["answer"]) == (400, True), answer.text


@pytest.mark.parametrize("kind", [FORM, None, "application/json", "application/json; charset=utf-8", "x/y"])
@pytest.mark.parametrize("before", [b"", b"\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
async def test_json_is_json_though_curl_calls_it_a_form(api: Api, kind: str | None, before: bytes) -> None:
    """As the README's five steps send it."""
    token = await api.bot_token(await api.access())
    body = before + json.dumps({"text": "a=b&c=d", "bot_token": token}).encode()
    assert (await post(api, None, kind, body)).status_code == 202


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "\n"), ("", "\r\n"), (" ", "  "), ("\ufeff", "\n"), ("\t", "\u00a0"), ("\u2028", "\u200b")],
)
async def test_a_token_read_from_a_file_is_taken(api: Api, before: str, after: str) -> None:
    """With a line end, spaces or the mark of UTF-8 around it: in JSON, a form, a header."""
    access = await api.access()
    token = await api.bot_token(access)
    around = f"{before}{token}{after}"
    assert (await api.send(around)).status_code == 202
    assert (await post(api, None, FORM, urlencode({"text": "a", "bot_token": around}))).status_code == 202
    assert (await post(api, token, None, json.dumps({"text": "a", "bot_token": around}))).status_code == 202
    access_token = access["authorization"].removeprefix("Bearer ")
    for call, one in (("POST /api/send_message", token), ("GET /api/cabinet", access_token)):
        header = f"{before.strip()}{one}{after.strip()}".encode()
        assert await status(api, call, b"Bearer " + header + b" \t") in (b"200", b"202")


async def status(api: Api, call: str, authorization: bytes) -> bytes:
    """The status of a call with this header, byte for byte."""
    host = urlsplit(str(api.client.base_url))
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    lines = [f"{call} HTTP/1.1", "Host: x", "Prefer: respond-async", "Content-Length: 12", "Authorization: "]
    writer.write("\r\n".join(lines).encode() + authorization + b'\r\n\r\n{"text":"a"}')
    line = await reader.readline()
    writer.close()
    return line.split()[1]


async def test_a_code_and_a_login_read_from_a_file_are_taken(api: Api) -> None:
    """The password is taken to the letter: it may end in a space."""
    access = await api.access()
    code = await api.code()
    answer = await api.client.post("/api/cabinet/", json={"code": f"\ufeff{code}\r\n"}, headers=access)
    assert answer.status_code == 200, answer.text
    signed_in = await api.client.post("/api/auth/", json={"login": "FedXL\n", "psw": PASSWORD})
    wrong = await api.client.post("/api/auth/", json={"login": "FedXL", "psw": f"{PASSWORD}\n"})
    assert (signed_in.status_code, wrong.status_code) == (200, 401)


KINDS = st.sampled_from(
    [
        "",
        FORM,
        "text/plain",
        "application/json",
        "text/plain;charset=utf-16",
        "multipart/form-data",
        "a;charset",
    ]
) | st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30)
BODIES = (
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.text(max_size=50).map(lambda text: text.encode("utf-16", "surrogatepass"))
    | st.builds(
        lambda head, rest: head + rest,
        st.sampled_from(
            [b'{"text":"', b"text=", b'{"text":"a","ttl":', b'{"urgent":', b"text=a&ttl=", b"\xef\xbb\xbf{"]
        ),
        st.binary(max_size=60),
    )
)


@given(kind=KINDS, body=BODIES, bearer=st.booleans())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_body_is_our_fault(kind: str, body: bytes, bearer: bool) -> None:
    """Whatever the bytes and whatever they are called, they are read or refused with a sentence."""
    headers = [(b"content-type", kind.encode("latin-1"))]
    headers += [(b"authorization", b"Bearer x")] if bearer else []
    scope: Any = {"type": "http", "headers": headers}
    try:
        read(scope, body)
    except Refused as exc:
        refusal = (exc.status, str(exc)[-1])
    else:
        refusal = (400, ".")
    assert refusal in [(400, "."), (415, ".")]


@pytest.mark.parametrize(("method", "path"), [call for call in CALLS if call[0] in ("POST", "PUT", "DELETE")])
async def test_no_call_answers_a_body_with_a_fault_of_ours(api: Api, method: str, path: str) -> None:
    """Hypothesis's strangest, on every call that takes a body, over the wire."""
    access = await api.access()
    strange: list[tuple[str, bytes]] = []

    @given(kind=KINDS, body=BODIES)
    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    def collect(kind: str, body: bytes) -> None:
        strange.append((kind, body))

    collect()
    for kind, body in strange:
        headers = {
            b"content-type": kind.strip().encode("latin-1"),
            b"authorization": access["authorization"].encode(),
        }
        answer = await api.client.request(method, path, content=body, headers=headers)
        assert answer.status_code < 500, (kind, body, answer.text)
        assert answer.json()["answer"]


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """60.0 is 60 in JSON; 60.5 seconds are none."""
    assert BODY.read(b'{"text": "x", "ttl": 60.0}').ttl == 60
    for wrong in (b"60.5", b"0.0", b"1e300", b'"60"'):
        with pytest.raises(Refused):
            BODY.read(b'{"text": "x", "ttl": %b}' % wrong)
