"""Environment: the variables of the process, and below them those of the `.env` file."""

import codecs
import io
import os
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream


class SettingsError(Exception):
    """What is wrong with the environment, one line for each variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def environment() -> dict[str, str]:
    """The process environment, and below it the `.env` file of the working directory. Empty values are left
    out. Raises SettingsError for a file that can't be read."""
    merged = {**_env_file(Path(".env")), **os.environ}
    return {name: value for name, value in merged.items() if value}


def _env_file(path: Path) -> dict[str, str | None]:
    if not path.is_file():  # a folder of that name is a virtual environment
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
