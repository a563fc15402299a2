"""GET /api/ shows the document, with files of our own and nobody else's."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urljoin

import pytest
from litestar.handlers import BaseRouteHandler

from djangobot.http.app import ROUTES
from djangobot.http.inlets import table
from djangobot.http.inlets.ntfy import parameters
from djangobot.http.openapi.document import INLETS, OPERATIONS, openapi_document
from djangobot.http.openapi.ntfy import Publish

from .conftest import Api


@pytest.mark.parametrize("path", ["/api", "/api/"])
async def test_the_page_asks_only_us(api: Api, path: str) -> None:
    """Every file it names is a path of ours and is there, wherever it is shown; the rest is forbidden."""
    page = await api.client.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    named = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(named) == 5
    for address in named:
        file = await api.client.get(urljoin(f"{api.client.base_url}{path}", address))
        assert file.url.path.startswith("/api/")
        assert file.status_code == 200
        assert len(file.content) > 50
        assert file.headers["x-content-type-options"] == "nosniff"


async def test_the_page_shows_our_document_and_asks_no_validator(api: Api) -> None:
    """Swagger UI's default sends the document's address to a host of its makers."""
    start = (await api.client.get("/api/docs/start.js")).text
    assert '"../openapi.json"' in start
    assert "validatorUrl: null" in start
    assert "http" not in start


@pytest.mark.parametrize(
    "name", ["swagger-ui.js", "LICENSE", "..%2f__init__.py", "%2fetc%2fpasswd", "start.js%00", ""]
)
async def test_no_other_file_is_served(api: Api, name: str) -> None:
    """What the page needs is a closed list."""
    assert (await api.client.get(f"/api/docs/{name}")).status_code == 404


@pytest.mark.parametrize("path", ["/api/", "/api/docs/start.js", "/api/openapi.json", "/health"])
async def test_head_is_get_without_the_body(api: Api, path: str) -> None:
    """The same status and the same headers."""
    head, get = await api.client.head(path), await api.client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_no_other_origin_may_read_us(api: Api) -> None:
    """No CORS unless somebody asks for it one day."""
    answer = await api.client.get("/health", headers={"origin": "https://example.org"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_every_route_is_in_the_document() -> None:
    """Walks the route table: a call without its entry fails here."""
    documented = {(method, path.rstrip("/")) for method, path in OPERATIONS}
    own = {("get", "/api"), ("get", "/api/docs/{name}"), ("get", "/api/openapi.json"), ("get", "/metrics")}
    routes = routes_of([*ROUTES, *table.routes(["hook", "gotify"])])
    # Most methods of these addresses are answered as if there was nothing.
    ntfy = {(method, path) for method, path in routes_of(table.routes(["ntfy"])) if method in ("put", "post")}
    names = {"/{bot_token}": "/{topic}", "/{bot_token}/{more}": "/{topic}/{sequence_id}", "/": ""}
    ntfy = {(method, names[path]) for method, path in ntfy} | {("get", "/{topic}/publish")}
    assert routes | ntfy == documented | own


def routes_of(handlers: Sequence[BaseRouteHandler]) -> set[tuple[str, str]]:
    """Methods and paths, without the methods that come by themselves."""
    found = set()
    for handler in handlers:
        for path in handler.paths:
            plain = re.sub(r"{(\w+):str}", r"{\1}", path)
            found |= {(method.lower(), plain) for method in getattr(handler, "http_methods", {"POST"})}
    return {(method, path) for method, path in found if method != "head"}


def test_a_closed_inlet_is_not_in_the_document() -> None:
    """Its calls are answered with 404."""
    assert {inlet.name for inlet in table.INLETS} == INLETS
    all_paths = openapi_document("1")["paths"].keys()
    for name, path in (("hook", "/api/hook"), ("gotify", "/message"), ("ntfy", "/{topic}")):
        assert path in all_paths
        assert path not in openapi_document("1", inlets=INLETS - {name})["paths"]


def test_the_json_of_ntfy_is_documented_with_all_its_fields() -> None:
    """The struct of the document, and the names that are read."""
    assert set(Publish.__struct_fields__) == {"topic", *parameters.IN_JSON}


async def test_the_document_is_openapi_3_1_with_an_example_for_everything(api: Api) -> None:
    """Every body and every answer of every call."""
    document = (await api.client.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "0.0.test"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"].items()
            contents = [answer["content"] for status, answer in answers if status != "304"]  # has no body
            contents += [operation["requestBody"]["content"]] if "requestBody" in operation else []
            for content in contents:
                assert content, (method, path)
                for shown in content.values():
                    assert shown.keys() & {"example", "examples"}, (method, path)
    assert set(document["components"]["securitySchemes"]) == {
        "accessToken",
        "botToken",
        "basic",
        "gotifyKey",
        "gotifyToken",
    }


def test_every_refusal_names_its_headers() -> None:
    """WWW-Authenticate with 401, Retry-After with 429 and 503."""
    needed = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}
    for methods in openapi_document("1")["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if status in needed:
                    assert needed[status] in answer["headers"]


def test_every_call_is_in_docs_http_md_with_every_status() -> None:
    """What the document says for machines, docs/http.md says for people."""
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    common = {"405", "500", "415", "413"}
    for (method, path), operation in OPERATIONS.items():
        methods = "PUT and POST" if operation.inlet and method in ("put", "post") else method.upper()
        methods = "POST" if path == "/message" else methods
        names = {f"\n## {methods} {path}\n", f"\n## {methods} {path.rstrip('/')}\n"}
        heading = next(name for name in names if name in text)
        section = text.partition(heading)[2].partition("\n## ")[0]
        written = openapi_document("1")["paths"][path][method]["responses"]
        assert operation.summary
        for status in written.keys() - common:
            assert re.search(rf"\b{status}\b", section), (heading.strip(), status)
