"""What a start costs, of this version beside another one: processor time until healthy, memory when idle, and
`djangobot --help`.

    uv run python tests/benchmarks/start.py COMMIT [--rounds 5]

Both run the same libraries from this environment, in turn, each on its own data, which a start before has
made. A process is healthy when `GET /health` answers 200: the database answers and the bot is signed in. Idle
memory is what is resident when it has not changed for a second.
"""

import argparse
import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from djangobot.bot.sandbox.testing import PATIENCE, SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
GOALS = {"help": 0.25, "healthy": 0.6}
MOST_MIB = 85.0
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20


class Version:
    """One version of the service, with data of its own."""

    def __init__(self, source: Path, sandbox: SandboxProcess, data: Path, bot: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DJANGOBOT_")}
        self.env = clean | {
            "PYTHONPATH": str(source / "src"),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(data.parent / "compiled"),
            "DJANGOBOT_API_ID": "1",
            "DJANGOBOT_API_HASH": "x",
            "DJANGOBOT_BOT_TOKEN": f"{bot}:bench",
            "DJANGOBOT_DATA": str(data),
            "DATABASE_URL": f"sqlite:///{data}/djangobot.sqlite",
            "DJANGOBOT_HTTP_PORT": str(self.port),
            "DJANGOBOT_TELEGRAM_SERVER": sandbox.address,
            "DJANGOBOT_TELEGRAM_KEY": str(sandbox.key),
        }
        self.where = data.parent
        self.figures: dict[str, list[float]] = {"help": [], "healthy": [], "idle": []}

    def ask_for_help(self) -> float:
        """Seconds of the processor."""
        process = self.begin("--help")
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        return used.ru_utime + used.ru_stime

    def run(self) -> tuple[float, float]:
        """Seconds of the processor until it is healthy, and MiB when it is idle."""
        process = self.begin("run")
        try:
            self.until_healthy(process)
            return processor(process.pid), idle(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`djangobot` with these arguments."""
        command = [sys.executable, "-m", "djangobot", *arguments]
        nothing = subprocess.DEVNULL
        return subprocess.Popen(command, env=self.env, cwd=self.where, stdout=nothing, stderr=nothing)

    def until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        """Returns when GET /health answers 200."""
        deadline = time.monotonic() + 4 * PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.02)
        raise SystemExit("the service did not start")

    def measure(self) -> None:
        """One round."""
        self.figures["help"].append(self.ask_for_help())
        healthy, resident = self.run()
        self.figures["healthy"].append(healthy)
        self.figures["idle"].append(resident)


def processor(pid: int) -> float:
    """Seconds of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def idle(pid: int) -> float:
    """MiB that are resident once that has not changed for a second."""
    pages, since = 0, time.monotonic()
    while time.monotonic() - since < 1:
        now = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        if now != pages:
            pages, since = now, time.monotonic()
        time.sleep(0.05)
    return pages * PAGE / MIB


@contextlib.contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit, as long as they are needed."""
    subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", folder, commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", folder], check=True)


def main() -> int:
    """Prints the table; 1 when a goal is missed."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("commit", help="the version to compare with")
    arguments.add_argument("--rounds", type=int, default=5)
    chosen = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="djangobot-start-") as scratch,
        checked_out(chosen.commit, Path(scratch) / "before") as before,
    ):
        sandbox = SandboxProcess(Path(scratch) / "sandbox")
        try:
            versions = []
            for number, source in enumerate((before, ROOT), start=1):
                data = Path(scratch) / f"of-{number}" / "data"
                data.mkdir(parents=True)
                versions.append(Version(source, sandbox, data, number))
                versions[-1].run()  # makes the database, signs in, writes what Python compiles
            for _ in range(chosen.rounds):
                for version in versions:
                    version.measure()
        finally:
            sandbox.stop()
    return report(*versions)


def report(before: Version, after: Version) -> int:
    """Medians, and their ratios beside the goals."""
    good = True
    print("| | before | after | ratio | goal |\n|---|---|---|---|---|")
    for name, unit in (("help", "s"), ("healthy", "s"), ("idle", "MiB")):
        was, now = (statistics.median(version.figures[name]) for version in (before, after))
        goal = GOALS.get(name)
        good = good and (now / was <= goal if goal else now <= MOST_MIB)
        print(f"| {name}, {unit} | {was:.2f} | {now:.2f} | {now / was:.2f} | {goal or f'{MOST_MIB:g} MiB'} |")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
