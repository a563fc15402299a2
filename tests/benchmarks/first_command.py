"""What the first command costs on a machine that has Python and uv alone, beside another version: seconds
until `uv run djangobot demo --walkthrough` has installed all and played the five steps; MB it installs.

    uv run python tests/benchmarks/first_command.py COMMIT [--rounds 3]

Each round is a clone with an empty cache of uv's, so that all is fetched anew; the two versions take turns.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS_GOAL = 0.5
MB_GOAL = 200
MB = 1 << 20


class FirstCommand:
    """One version's first command, and what it took."""

    def __init__(self, commit: str) -> None:
        self.commit = commit
        self.seconds: list[float] = []
        self.size = 0.0
        self.packages = 0

    def play(self) -> None:
        """One round, from the clone to the end of the walkthrough."""
        with tempfile.TemporaryDirectory(prefix="djangobot-first-") as scratch:
            clone, home = Path(scratch, "djangobot"), Path(scratch, "home")
            home.mkdir()
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
            subprocess.run(["git", "-C", clone, "checkout", "--quiet", self.commit], check=True)
            env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
            env |= {"HOME": str(home), "UV_CACHE_DIR": str(home / "cache")}
            command = ["uv", "run", "djangobot", "demo", "--walkthrough"]
            for option in ("--http-port", "--web-port", "--telegram-port"):
                command += [option, str(free_port())]
            started = time.monotonic()
            done = subprocess.run(command, cwd=clone, env=env, stdout=subprocess.PIPE, text=True)
            self.seconds.append(time.monotonic() - started)
            if done.returncode != 0 or "All five steps went" not in done.stdout:
                raise SystemExit(f"the walkthrough of {self.commit} failed")
            installed = [path for path in (clone / ".venv").rglob("*") if path.is_file()]
            self.size = sum(path.lstat().st_size for path in installed) / MB
            self.packages = sum(path.name == "METADATA" for path in installed)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main() -> int:
    """Prints the table; 1 when a goal is missed."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("commit", help="the version to compare with")
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    if shutil.which("uv") is None:
        raise SystemExit("uv is needed: pip install uv")
    before, after = FirstCommand(chosen.commit), FirstCommand("HEAD")
    for _ in range(chosen.rounds):
        before.play()
        after.play()
    was, now = (statistics.median(version.seconds) for version in (before, after))
    print("| | before | after | ratio | goal |\n|---|---|---|---|---|")
    print(f"| seconds | {was:.1f} | {now:.1f} | {now / was:.2f} | {SECONDS_GOAL} |")
    print(f"| MB | {before.size:.0f} | {after.size:.0f} | {after.size / before.size:.2f} | {MB_GOAL} MB |")
    print(f"| packages | {before.packages} | {after.packages} | | |")
    return 0 if now / was <= SECONDS_GOAL and after.size <= MB_GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
