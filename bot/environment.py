"""Environment: the variables of the process, below them those of the `.env` file, and below these systemd's
credentials. A variable may also be given as a file that holds its value: NAME_FILE."""

import codecs
import io
import os
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

IN_FILE = "_FILE"
"""The end of a variable's name that names a file with its value."""
LARGEST_FILE = 16_384
"""Bytes. No setting is longer."""


class SettingsError(Exception):
    """What is wrong with the environment, one line for each variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def environment() -> dict[str, str]:
    """The process environment, and below it the `.env` file of the working directory. Empty values are left
    out. Raises SettingsError for a file that can't be read."""
    merged = {**_env_file(Path(".env")), **os.environ}
    given = {name: value for name, value in merged.items() if value}
    problems: list[str] = []
    values = _credentials(os.environ.get("CREDENTIALS_DIRECTORY", ""), problems)
    values |= {name: value for name, value in given.items() if not _is_file_of_ours(name)}
    for name in filter(_is_file_of_ours, given):
        of = name.removesuffix(IN_FILE)
        if of in given:
            problems.append(f"{of} and {name} are both set: leave one of them out")
        elif (held := _content(Path(given[name]), name, problems)) is not None:
            values[of] = held
    if problems:
        raise SettingsError(problems)
    return values


def _is_ours(name: str) -> bool:
    return name.startswith("DJANGOBOT_") or name == "DATABASE_URL"


def _is_file_of_ours(name: str) -> bool:
    return name.endswith(IN_FILE) and _is_ours(name.removesuffix(IN_FILE))


def _credentials(folder: str, problems: list[str]) -> dict[str, str]:
    """What systemd handed over: a file for each credential, named like the setting (systemd.exec(5))."""
    if not folder:
        return {}
    found = {}
    try:
        paths = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []
    except OSError as exc:
        problems.append(f"CREDENTIALS_DIRECTORY: the folder {folder} can't be read: {exc.strerror or exc}")
        return {}
    for path in paths:
        if _is_ours(path.name) and (held := _content(path, path.name, problems)) is not None:
            found[path.name] = held
    return found


def _content(path: Path, name: str, problems: list[str]) -> str | None:
    """The value that this file holds, without white space around it. Adds to the problems when there is
    none."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        held = raw.decode().strip()
    except OSError as exc:
        problems.append(f"{name}: the file {path} can't be read: {exc.strerror or exc}")
    except UnicodeDecodeError:
        problems.append(f"{name}: the file {path} is not text in UTF-8")
    else:
        if held and len(raw) <= LARGEST_FILE and "\0" not in held:
            return held
        problems.append(f"{name}: the file {path} {'holds no value' if held else 'is empty'}")
    return None


def _env_file(path: Path) -> dict[str, str | None]:
    # A folder of that name is a virtual environment. Path.is_file() raises in a working directory that is not
    # ours to read, such as root's for the service's user.
    if not os.path.isfile(path):
        return {}
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise SettingsError([f"{path}: can't be read: {exc.strerror or exc}"]) from exc
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw:
        raise SettingsError([f"{path}: this file is in UTF-16; save it in UTF-8"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise SettingsError(
            [f"{path}: line {line} is not in UTF-8 (in Latin-1 or another encoding?); save it in UTF-8"]
        ) from None
    if wrong := [str(one.original.line) for one in parse_stream(io.StringIO(text)) if one.error]:
        raise SettingsError([f"{path}: expected NAME=value in line {', '.join(wrong)}"])
    return dotenv_values(stream=io.StringIO(text))
