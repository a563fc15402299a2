"""/api/: Swagger UI and the OpenAPI document. We serve all files ourselves: the page asks no other host."""

import asyncio
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import msgspec
from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.types import Method

from djangobot.http.openapi.document import openapi_document
from djangobot.http.responses import JSON, Answer, Call
from djangobot.http.state import state_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Only our own content is allowed. Swagger UI draws its icons from data: URLs. Chromium asked for nothing
else."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DjangoBot API</title>
<link rel="stylesheet" href="{here}docs/swagger-ui.css">
<link rel="icon" type="image/png" href="{here}docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>The same as JSON: <a href="{here}openapi.json">openapi.json</a></noscript>
<script src="{here}docs/swagger-ui-bundle.js"></script>
<script src="{here}docs/start.js"></script>
</body>
</html>
"""

START = b"""const docs = new URL(".", document.currentScript.src);

async function start() {
  const spec = await (await fetch(new URL("../openapi.json", docs))).json();
  spec.servers = [{ url: new URL("../..", docs).href.replace(/[/]$/, "") }];
  SwaggerUIBundle({ spec, dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
}

start();
"""
"""Every address is relative to this file: a proxy may have put any prefix before ours. Calls that are tried
out go to the page's own origin, the only one its policy allows."""

TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "start.js": "text/javascript",
}
"""The files the page needs. No other file of the package is served."""

GET: list[Method] = ["GET", "HEAD"]
DAY = {"cache-control": "public, max-age=86400"}


@HTTPRouteHandler("/api", http_method=GET, status_code=200)
async def page(request: Call) -> Answer:
    content = PAGE.format(here=folder_from(request.scope["raw_path"])).encode()
    return Response(content, media_type="text/html", headers=HEADERS)


def folder_from(path: bytes) -> str:
    """The relative path to /api/ for a browser that asked for this path, whatever prefix a proxy has
    removed."""
    slashes = len(path) - len(path.rstrip(b"/"))
    return "../" * (slashes - 1) if slashes else "api/"


@HTTPRouteHandler("/api/docs/{name:str}", http_method=GET, status_code=200)
async def file(request: Call) -> Answer:
    name = request.path_params["name"]
    if name not in TYPES:
        raise NotFoundException
    content = START if name == "start.js" else await asyncio.to_thread(_content, name)
    return Response(content, media_type=TYPES[name], headers={**HEADERS, **DAY})


@HTTPRouteHandler("/api/openapi.json", http_method=GET, status_code=200)
async def document(request: Call) -> Answer:
    config = state_of(request.scope).config
    document = _document(config.version, config.public_url, tuple(config.inlets))
    return Response(document, media_type=JSON, headers=HEADERS)


@lru_cache(maxsize=1)
def _document(version: str, public_url: str, inlets: tuple[str, ...]) -> bytes:
    return msgspec.json.encode(openapi_document(version, public_url, inlets))


@lru_cache(maxsize=len(TYPES))
def _content(name: str) -> bytes:
    """Cached: each file is in memory once, however many connections wait for it."""
    return (_folder() / name).read_bytes()


@lru_cache(maxsize=1)
def _folder() -> Path:
    """Swagger UI's files in the package flask-swagger-ui. They are found without importing it (and Flask)."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("flask-swagger-ui is not installed")
    return Path(spec.submodule_search_locations[0]) / "dist"
