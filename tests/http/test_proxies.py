"""The files of docs/proxies, in the proxies of Debian themselves."""

import asyncio
import json
import os
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from djangobot.bot.sandbox.testing import PATIENCE

from .conftest import served

FILES = Path(__file__).resolve().parents[2] / "docs" / "proxies"
NAME = "bot.example.org"
CALLER = "127.0.0.2"
"""An address of this machine beside the proxy's, 127.0.0.1."""
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/djangobot.conf;
}}
"""


def found(name: str) -> str | None:
    """Where the program is; services are outside of a user's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what reached it, beyond the proxy."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    seen = {
        "client": scope["client"][0],
        "host": headers.get("host"),
        "authorization": headers.get("authorization"),
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "bytes": size,
    }
    body = json.dumps(seen).encode()
    length = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "certificate.pem", folder / "certificate.key"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, private


def replaced(text: str, **words: str) -> str:
    """The file with these words instead; each must be there, so that the file itself is tested."""
    for word, instead in words.items():
        assert word in text, word
        text = text.replace(word, instead)
    return text


def nginx(folder: Path, port: int, upstream: str) -> tuple[list[str], Path]:
    """The command that runs nginx with our file, and the certificate it shows."""
    pem, key = certificate(folder)
    file = replaced(
        (FILES / "nginx.conf").read_text(),
        **{
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/ssl/bot.example.org.pem": str(pem),
            "/etc/ssl/bot.example.org.key": str(key),
            "127.0.0.1:8000": upstream,
        },
    )
    (folder / "djangobot.conf").write_text(file)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return [found("nginx") or "", "-p", str(folder), "-c", str(folder / "nginx.conf")], pem


def caddy(folder: Path, port: int, upstream: str) -> tuple[list[str], Path]:
    """The command that runs Caddy with our file, and the certificate it shows: ours, because it can't get one
    for this name."""
    pem, key = certificate(folder)
    site = f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {pem} {key}"
    file = replaced(
        (FILES / "Caddyfile").read_text(),
        **{f"{NAME} {{": f"{{\n\tadmin off\n}}\n{site}", "127.0.0.1:8000": upstream},
    )
    (folder / "Caddyfile").write_text(file)
    return [found("caddy") or "", "run", "--config", str(folder / "Caddyfile")], pem


@asynccontextmanager
async def running(command: list[str], port: int, folder: Path) -> AsyncIterator[None]:
    """The proxy, from when it listens."""
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=said, stderr=said, env={**os.environ, **homes}
        )
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                assert process.returncode is None, (folder / "said").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize(
    ("name", "package", "proxy"),
    [("nginx", "nginx-light", nginx), ("caddy", "caddy", caddy)],
    ids=["nginx", "caddy"],
)
async def test_the_ready_files_work(
    name: str, package: str, proxy: Callable[[Path, int, str], tuple[list[str], Path]], tmp_path: Path
) -> None:
    """TLS ends there; the service sees the caller, the Host, the token and whole bodies; nobody sees
    /metrics."""
    if found(name) is None:
        pytest.skip(f"needs {name}: Debian's package {package} (apt-get install {package})")
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    async with served(echo, trusted=["127.0.0.1"]) as address:
        command, pem = proxy(tmp_path, port, address.removeprefix("http://"))
        async with running(command, port, tmp_path):
            context = ssl.create_default_context(cafile=str(pem))
            transport = httpx.AsyncHTTPTransport(verify=context, local_address=CALLER)
            async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:

                async def call(path: str, body: bytes = b"", **headers: str) -> httpx.Response:
                    return await client.post(
                        f"https://127.0.0.1:{port}{path}",
                        content=body,
                        headers={"Host": NAME, **headers},
                        extensions={"sni_hostname": NAME},
                    )

                liar = {"X-Forwarded-For": "203.0.113.9"}
                answer = await call("/api/x?y=%20z", b"a" * 3_000_000, Authorization="Bearer t", **liar)
                assert answer.json() == {
                    "client": CALLER,
                    "host": NAME,
                    "authorization": "Bearer t",
                    "path": "/api/x",
                    "query": "y=%20z",
                    "bytes": 3_000_000,
                }
                assert (await call("/metrics")).status_code == 404
                assert (await call("/health")).json()["path"] == "/health"


def test_every_ready_file_leads_to_the_service_and_hides_its_metrics() -> None:
    """Where the proxy itself is not at hand, its file at least says so."""
    for name in ("nginx.conf", "Caddyfile", "traefik.yaml"):
        text = (FILES / name).read_text()
        assert "127.0.0.1:8000" in text
        assert "/metrics" in text
        assert NAME in text
