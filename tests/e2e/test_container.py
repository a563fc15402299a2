"""The files in deploy/container, as far as they can be tried without what runs containers."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from djangobot.bot.settings import NAMES

from .conftest import Run, Sandbox, Service

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "container"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
LAST_STAGE = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[-1]
FOR_COMPOSE = {"COMPOSE_PROFILES", "POSTGRES_PASSWORD", "POSTGRES_IMAGE"}
OF_POSTGRES = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}


def lines_of(instruction: str, text: str = LAST_STAGE) -> list[str]:
    """What stands behind the instruction, each time, with continued lines in one."""
    joined = text.replace("\\\n", " ")
    return re.findall(rf"^(?:HEALTHCHECK .*)?\b{instruction} (.*)$", joined, re.MULTILINE)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(YAML(typ="safe").load((FOLDER / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def ours(compose: dict[str, Any]) -> dict[str, Any]:
    """The services that are DjangoBot."""
    return {name: each for name, each in compose["services"].items() if each["image"] == "djangobot"}


def test_the_image_runs_as_nobody_special_with_one_volume() -> None:
    """By number, so that an orchestrator can tell it is not root; it is asked to stop by SIGTERM."""
    (user,) = lines_of("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert lines_of("VOLUME") == ["/data"]
    assert lines_of("STOPSIGNAL") == ["SIGTERM"]
    assert f"--uid {user.partition(':')[0]} " in lines_of("RUN")[0]


def test_every_stage_is_of_the_base_that_is_asked_for() -> None:
    """So one file builds for every platform, and no registry is named."""
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}"] * 2
    (base,) = lines_of("ARG", DOCKERFILE)
    assert re.fullmatch(r"BASE=python:3\.1[1-4]-slim", base)


def test_what_is_copied_is_there_and_is_sent_to_the_build() -> None:
    """And nothing else of the repository is sent."""
    copied = {
        word
        for line in lines_of("COPY", DOCKERFILE)
        if not line.startswith("--from")
        for word in line.split()[:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    sent = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in sent if line.startswith("!")} == copied
    assert "*" in sent


def test_its_health_check_says_of_a_real_service_how_it_is(box: Sandbox, tmp_path: Path, run: Run) -> None:
    """0 while it accepts messages, 1 when it is stopped."""
    (command,) = [json.loads(line) for line in lines_of("CMD") if "health" in line]
    assert command[0] == "djangobot" == json.loads(lines_of("ENTRYPOINT")[0])[0]
    service = Service(box, tmp_path / "data")
    try:
        well = run(tmp_path, *command[1:], **service.env)
        assert (well.returncode, json.loads(well.stdout)["answer"]) == (0, "ok")
    finally:
        service.stop()
        service.client.close()
    dead = run(tmp_path, *command[1:], **service.env)
    assert (dead.returncode, dead.stdout) == (1, "")
    assert "does not answer" in dead.stderr


def test_only_settings_that_there_are_are_named(compose: dict[str, Any], ours: dict[str, Any]) -> None:
    """In the image, in compose.yaml and in the example of .env; what compose itself reads is no setting."""
    in_image = {word.partition("=")[0] for word in shlex.split(lines_of("ENV")[0])}
    assert in_image - {"PATH", "PYTHONDONTWRITEBYTECODE"} <= set(NAMES)
    for each in ours.values():
        assert set(each.get("environment", {})) <= set(NAMES)
    assert set(compose["services"]["postgres"]["environment"]) == OF_POSTGRES
    example = (FOLDER / "example.env").read_text()
    in_example = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert in_example <= set(NAMES) | FOR_COMPOSE
    interpolated = set(re.findall(r"\$\{(\w+)", (FOLDER / "compose.yaml").read_text()))
    assert interpolated <= FOR_COMPOSE


def test_the_example_is_read_once_it_is_filled_in(tmp_path: Path, run: Run) -> None:
    """By the service itself; another value of the token would be refused."""
    settings = dict(
        line.split("=", 1)
        for line in (FOLDER / "example.env").read_text().splitlines()
        if line.startswith("DJANGOBOT_")
    )
    looked = run(tmp_path, "stats", **settings)
    assert "These settings are not right" not in looked.stderr, looked.stderr


def test_every_service_is_locked_in(ours: dict[str, Any]) -> None:
    """It writes only where its one volume is, gains no rights, and has time to settle what is in flight."""
    assert set(ours) == {"djangobot", "bot", "standby", "door-1", "door-2"}
    for each in ours.values():
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
        assert len(each["volumes"]) == 1
        assert each["volumes"][0].endswith(":/data")
        assert each["stop_grace_period"] == "60s"
        assert all(port.startswith("127.0.0.1:") for port in each.get("ports", ()))
    assert len({each["volumes"][0] for each in ours.values()}) == len(ours), "one folder is one process's"


def test_a_profile_is_one_way_to_run_it(compose: dict[str, Any], ours: dict[str, Any]) -> None:
    """SQLite has one process. PostgreSQL has one that delivers, one that stands by, and two doors."""
    profiles = {name: each["profiles"] for name, each in compose["services"].items()}
    assert [name for name, of in profiles.items() if of == ["sqlite"]] == ["djangobot"]
    assert sum(of == ["postgresql"] for of in profiles.values()) == 5
    doors = [name for name, each in ours.items() if each.get("command") == ["run", "--no-bot"]]
    assert doors == ["door-1", "door-2"]
    assert set(compose["volumes"]) == {
        each["volumes"][0].partition(":")[0] for each in compose["services"].values()
    }


def test_the_trial_changes_nothing_but_where_telegram_is(compose: dict[str, Any]) -> None:
    """What it adds to the processes that talk to it are settings that there are."""
    added = dict(YAML(typ="safe").load((FOLDER / "trial" / "compose.yaml").read_text()))
    assert set(added["services"]) - set(compose["services"]) == {"telegram"}
    for name in ("bot", "standby"):
        assert set(added["services"][name]) == {"environment", "volumes"}
        assert set(added["services"][name]["environment"]) <= set(NAMES)


def test_the_trial_is_a_script_that_the_shell_can_read() -> None:
    """It takes root and minutes, so it is no part of the checks."""
    subprocess.run(["bash", "-n", str(FOLDER / "try")], check=True)
    assert (FOLDER / "try").stat().st_mode & 0o111
    assert "deploy/container" not in (ROOT / ".ci" / "run").read_text()
