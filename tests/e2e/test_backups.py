"""Backups of SQLite: taken under load, put back, and refused when they are no good."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

from .conftest import WAIT, Run, Sandbox, Service


def count(service: Service, sql: str) -> int:
    path = service.env["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute(sql).fetchone()[0])


def test_a_backup_taken_under_load_is_put_back_and_nothing_is_sent_twice(
    box: Sandbox, service: Service, tmp_path: Path, run: Run
) -> None:
    """Same counts; what waited then and was sent since is not in the chat a second time."""
    alex = box.person()
    token = service.bot_token(alex, service.account())
    for number in range(20):
        assert service.send(token, f"before {number}").status_code == 200
    stop = Event()
    sent: list[int] = []

    def load() -> None:
        while not stop.is_set():
            sent.append(service.send(token, f"during {len(sent)}", prefer="respond-async").status_code)

    loading = Thread(target=load)
    loading.start()
    file = tmp_path / "backup.gz"
    try:
        taken = run(tmp_path, "backup", str(file), "--json", **service.env)
    finally:
        stop.set()
        loading.join()
    assert taken.returncode == 0, taken.stderr
    rows = json.loads(taken.stdout)["rows"]
    assert rows["message"] >= 20
    assert file.stat().st_mode & 0o777 == 0o600
    refused = run(tmp_path, "restore", str(file), **service.env)
    assert refused.returncode == 1
    assert "Another djangobot" in refused.stderr
    assert service.send(token, "after", prefer=WAIT).status_code == 200
    service.stop()
    shown = [message["text"] for message in box.messages(alex)]
    done = run(tmp_path, "restore", str(file), "--json", **service.env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == rows
    assert count(service, "SELECT COUNT(*) FROM message") == rows["message"]
    assert count(service, "SELECT COUNT(*) FROM telegram_session") == 0
    service.start()
    assert service.send(token, "afterwards", prefer=WAIT).status_code == 200
    assert [message["text"] for message in box.messages(alex)] == [*shown, "Fedor\nafterwards"]


OTHER_VERSIONS = {
    "newer version": ("2099-01-01T00:00:00:000000",),
    "before the first release": ("2026-11-23T06:01:12:867874",),
}


def spoiled(whole: bytes, what: str, folder: Path) -> bytes:
    """A file that is no backup of ours, or none of this version."""
    if what == "text":
        return b"not a backup"
    if what == "cut":
        return whole[: len(whole) // 2]
    plain = folder / "plain"
    plain.write_bytes(b"" if what == "no tables" else gzip.decompress(whole))
    if what in OTHER_VERSIONS:
        with closing(sqlite3.connect(plain, isolation_level=None)) as database:
            database.execute("UPDATE migration SET name = ? WHERE id = 1", OTHER_VERSIONS[what])
    return gzip.compress(plain.read_bytes())


def test_what_is_no_good_replaces_nothing(box: Sandbox, service: Service, tmp_path: Path, run: Run) -> None:
    """It says why; the database is as it was."""
    file = tmp_path / "backup.gz"
    assert run(tmp_path, "backup", str(file), **service.env).returncode == 0
    whole = file.read_bytes()
    service.stop()
    before = count(service, "SELECT COUNT(*) FROM message")
    for what in ("text", "cut", "no tables", *OTHER_VERSIONS):
        file.write_bytes(spoiled(whole, what, tmp_path))
        refused = run(tmp_path, "restore", str(file), **service.env)
        assert refused.returncode == 1, what
        assert (what if what in OTHER_VERSIONS else "no whole backup") in refused.stderr, what
        assert count(service, "SELECT COUNT(*) FROM message") == before
        assert not list(Path(service.env["DJANGOBOT_DATA"]).glob(".djangobot-*"))
    service.start()


def test_a_postgresql_that_does_not_answer_is_said_so(tmp_path: Path, run: Run) -> None:
    """Neither backup nor restore leave anything behind."""
    env = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    refused = run(tmp_path, "backup", str(tmp_path / "file"), **env)
    assert refused.returncode == 1
    assert "does not answer" in refused.stderr
    assert not (tmp_path / "file").exists()
