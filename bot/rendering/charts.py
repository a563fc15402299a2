"""Charts: numbers as a picture for a phone, light or dark.

matplotlib draws them in a short-lived process of its own. That process runs this module as a program, with
the picture as JSON in and PNG out. So the loop does not wait, and the service does not keep fifty megabytes
in memory.
"""

import asyncio
import io
import sys
from typing import Any, Literal

import msgspec

WIDTH, DPI = 6.0, 180
"""Inches, and dots per inch. Together 1080 dots, the width of a phone's screen."""
TITLE_HEIGHT, PANEL_HEIGHT, RANK_HEIGHT = 0.95, 2.9, 0.42
TIMEOUT = 60.0
MOST_TICKS = 7
NAME_LENGTH = 26


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


class Look(msgspec.Struct, frozen=True):
    """The colours of one background."""

    page: str
    text: str
    soft: str
    grid: str
    rest: str
    series: tuple[str, ...]


LIGHT = Look(
    "#ffffff", "#1b2733", "#64748b", "#e5eaf0", "#a9b4c0",
    ("#2a78d0", "#f0932b", "#2fa37c", "#8e63ce", "#d6517d"),
)  # fmt: skip
DARK = Look(
    "#17212b", "#eef3f8", "#93a4b5", "#2a3846", "#5f7081",
    ("#5aa7f0", "#f7b155", "#58c9a0", "#b592ea", "#f082a5"),
)  # fmt: skip
MOST_SERIES = len(LIGHT.series)


class ChartFailed(Exception):
    """The picture could not be drawn."""


_one_at_a_time = asyncio.Semaphore(1)


async def draw(picture: Picture) -> bytes:
    """Returns a PNG, 1080 dots wide. Raises ChartFailed."""
    async with _one_at_a_time:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
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


def paint(picture: Picture) -> bytes:
    """Draws in this process. The first call loads matplotlib."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    look = DARK if picture.dark else LIGHT
    settings: dict[Any, Any] = {"font.family": "DejaVu Sans", "text.color": look.text}
    settings |= {"text.parse_math": False, "xtick.color": look.soft, "ytick.color": look.soft}
    mpl.rcParams.update(settings)
    heights = [_height(panel) for panel in picture.panels]
    total = TITLE_HEIGHT + sum(heights)
    figure = Figure(figsize=(WIDTH, total), dpi=DPI, facecolor=look.page)
    figure.text(0.05, 1 - 0.38 / total, _drawable(picture.title), size=16, weight="bold")
    figure.text(0.05, 1 - 0.68 / total, _drawable(picture.subtitle), size=10.5, color=look.soft)
    top = total - TITLE_HEIGHT
    for panel, height in zip(picture.panels, heights, strict=True):
        bottom = top - height
        left = 0.05 if panel.kind == "ranks" else 0.11
        foot = 0.2 if panel.kind == "ranks" else 0.75 if panel.kind == "lines" else 0.5
        area = (left, (bottom + foot) / total, 0.95 - left, (height - foot - 0.45) / total)
        axes = figure.add_axes(area, facecolor=look.page)
        figure.text(0.05, (top - 0.28) / total, _drawable(panel.title), size=11.5, weight="bold")
        _PAINTERS[panel.kind](axes, panel, look)
        top = bottom
    out = io.BytesIO()
    figure.savefig(out, format="png", facecolor=look.page)
    return out.getvalue()


def _height(panel: Panel) -> float:
    if panel.kind == "ranks":
        return 0.7 + RANK_HEIGHT * max(1, len(panel.labels))
    return PANEL_HEIGHT


def _colours(panel: Panel, look: Look, count: int) -> list[str]:
    chosen = [look.series[number % MOST_SERIES] for number in range(count)]
    return [*chosen[:-1], look.rest] if panel.rest and chosen else chosen


def _bars(axes: Any, panel: Panel, look: Look) -> None:
    below = [0.0] * len(panel.labels)
    places = range(len(panel.labels))
    for series, colour in zip(panel.series, _colours(panel, look, len(panel.series)), strict=True):
        axes.bar(places, series.values, bottom=below, width=0.78, color=colour, label=series.name)
        below = [one + other for one, other in zip(below, series.values, strict=True)]
    _plain(axes, panel, look, max(below, default=0))


def _lines(axes: Any, panel: Panel, look: Look) -> None:
    highest = 0.0
    for series, colour in zip(panel.series, _colours(panel, look, len(panel.series)), strict=True):
        axes.plot(range(len(series.values)), series.values, color=colour, linewidth=2, label=series.name)
        highest = max([highest, *series.values])
    _plain(axes, panel, look, highest)
    axes.legend(
        [_drawable(series.name) for series in panel.series],
        loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=MOST_SERIES, frameon=False,
        labelcolor=look.text, fontsize=9, handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip


def _plain(axes: Any, panel: Panel, look: Look, highest: float) -> None:
    """Draws no frame, few lines, and labels that read horizontally."""
    from matplotlib.ticker import MaxNLocator

    axes.spines[:].set_visible(False)
    axes.grid(axis="y", color=look.grid, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9)
    axes.set_ylim(0, max(1, highest) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=highest >= 4 or highest == 0))
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    axes.set_xlim(-0.6, max(1, len(panel.labels)) - 0.4)
    step = -(-len(panel.labels) // MOST_TICKS) or 1
    places = list(range(len(panel.labels) - 1, -1, -step))
    axes.set_xticks(places, [_drawable(panel.labels[place]) for place in places])


def _ranks(axes: Any, panel: Panel, look: Look) -> None:
    values = panel.series[0].values if panel.series else []
    most = max([*values, 1])
    axes.set_xlim(0, 1)
    axes.set_ylim(len(panel.labels) - 0.45, -0.55)
    axes.axis("off")
    rows = zip(panel.labels, values, _colours(panel, look, len(values)), strict=True)
    for row, (label, value, colour) in enumerate(rows):
        axes.barh(row + 0.24, 1, height=0.16, color=look.grid)
        axes.barh(row + 0.24, value / most, height=0.16, color=colour)
        name = _drawable(label)
        name = name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"
        axes.text(0, row - 0.05, name, size=10.5, va="center", color=look.text)
        axes.text(1, row - 0.05, _number(value), size=10.5, va="center", ha="right", weight="bold")


def _number(value: float) -> str:
    """The number with narrow spaces between thousands, and without a meaningless fraction."""
    return f"{value:,.10g}".replace(",", "\u202f")


def _short(value: float) -> str:
    """The number for an axis: thousands as k, millions as M."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e6 if letter == 'M' else 1e3):g}{letter}"
    return _number(value)


def _drawable(text: str) -> str:
    """The text without characters that the font lacks, above all pictograms. They would appear as empty
    boxes."""
    from matplotlib.font_manager import findfont, get_font

    there = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(character for character in text if ord(character) in there)


_PAINTERS = {"bars": _bars, "lines": _lines, "ranks": _ranks}

if __name__ == "__main__":
    sys.stdout.buffer.write(paint(msgspec.json.decode(sys.stdin.buffer.read(), type=Picture)))
