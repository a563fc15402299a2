"""Charts: numbers as a picture for a phone, light or dark.

chart_painter.py draws them in a short-lived process of its own, with the picture as JSON in and PNG out. So
the loop does not wait, and the service does not keep in memory what only drawing needs.
"""

import asyncio
import sys
from typing import Literal

import msgspec

PAINTER = "djangobot.bot.rendering.chart_painter"
TIMEOUT = 60.0


class Series(msgspec.Struct, frozen=True):
    """The values of one thing, one for each label of its panel."""

    name: str
    values: list[float]


class Panel(msgspec.Struct, frozen=True):
    """One panel. `bars` are stacked, `lines` are lines. `ranks` have a bar with its name and number for each
    label, in the colours of the series in the panel above. `rest`: the last series stands for all others, in
    grey."""

    title: str
    kind: Literal["bars", "lines", "ranks"]
    labels: list[str]
    series: list[Series]
    rest: bool = False


class Picture(msgspec.Struct, frozen=True):
    """What is drawn, from top to bottom."""

    title: str
    subtitle: str
    panels: list[Panel]
    dark: bool = False


MOST_SERIES = 5
"""There are so many colours."""


class ChartFailed(Exception):
    """The picture could not be drawn."""


_one_at_a_time = asyncio.Semaphore(1)


async def draw(picture: Picture) -> bytes:
    """Returns a PNG, 1080 dots wide. Raises ChartFailed."""
    async with _one_at_a_time:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            PAINTER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT):
                drawn, complaint = await process.communicate(msgspec.json.encode(picture))
        except BaseException as exc:
            process.kill()
            await process.wait()
            if isinstance(exc, TimeoutError):
                raise ChartFailed(f"not drawn in {TIMEOUT:g} s") from exc
            raise
    if process.returncode != 0:
        raise ChartFailed(complaint.decode(errors="replace").strip().rpartition("\n")[2])
    return drawn
