"""How many instructions of the processor it takes to accept a message, of this version beside others.

    uv run python tests/benchmarks/instructions.py COMMIT [COMMIT …] [--requests 2000] [--rounds 1]

The server of `accept.py`, each version's own, runs in valgrind (cachegrind), on SQLite; eight connections
ask, one request after the other. What a start needs is taken off: the difference between many requests and a
few counts. Other work of the machine changes nothing but how many messages are committed together, a percent
or two. The client is not counted. It takes a few minutes a version.
"""

import argparse
import io
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 8
FEW = 400
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def extract(commit: str, folder: Path) -> Path:
    """The files of a commit."""
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def count(source: Path, requests: int) -> int:
    """The instructions of a server that is started, answers so many requests, and ends."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        log = Path(folder) / "valgrind.log"
        accept: list[str | Path] = [
            source / "tests" / "benchmarks" / "accept.py",
            "--serve",
            "accept",
            "--folder",
            folder,
        ]
        server = subprocess.Popen(
            [*VALGRIND, f"--log-file={log}", sys.executable, *accept, "--fd", str(listening.fileno())],
            env={**os.environ, "PYTHONPATH": str(source / "src"), "PYTHONHASHSEED": "0"},
            cwd=source,
            pass_fds=[listening.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        token = json.loads(server.stdout.readline())["bot_token"]
        port = listening.getsockname()[1]
        with ThreadPoolExecutor(CONNECTIONS) as clients:
            list(clients.map(lambda _: ask(port, token, requests // CONNECTIONS), range(CONNECTIONS)))
        server.send_signal(signal.SIGTERM)
        server.wait()
        found = re.search(r"I\s+refs:\s+([\d,]+)", log.read_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def ask(port: int, token: str, times: int) -> None:
    """Sends messages over one connection; each must be accepted."""
    body = json.dumps({"text": "The nightly backup is done", "type": "Text", "bot_token": token})
    lines = ["POST /api/send_message HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += ["Prefer: respond-async", f"Content-Length: {len(body)}", "", body]
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answer:
        for _ in range(times):
            connection.sendall("\r\n".join(lines).encode())
            assert b" 202 " in answer.readline()
            length = 0
            while (line := answer.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            answer.read(length)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commits", nargs="*", help="the versions to compare with")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="djangobot-instructions-") as scratch:
        versions = {commit: extract(commit, Path(scratch) / commit) for commit in given.commits}
        versions["this"] = ROOT
        for name, source in versions.items():
            needed = [
                (count(source, FEW + given.requests) - count(source, FEW)) / given.requests
                for _ in range(given.rounds)
            ]
            print(f"{name:>10} {statistics.median(needed):>10.0f} instructions a request", flush=True)


if __name__ == "__main__":
    main()
