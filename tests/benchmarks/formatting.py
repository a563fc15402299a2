"""How long it takes to format a text, and to split it: the beginnings of real READMEs, 4 KiB each.

uv run python tests/benchmarks/formatting.py
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.metadata import distributions

from markdown_it import MarkdownIt

from djangobot.db.messages.rich_text.html import from_html
from djangobot.db.messages.rich_text.markdown.markdown import from_markdown
from djangobot.db.messages.rich_text.spans import RichText
from djangobot.db.messages.rich_text.split import split

LENGTH = 4096
GOAL = 1.5
"""Milliseconds at p50, for Markdown."""


def readmes() -> list[str]:
    """Of the packages that are installed, those in Markdown that are long enough."""
    found = []
    for package in distributions():
        about = package.metadata.json
        text = about.get("description")
        if (
            isinstance(text, str)
            and len(text) >= LENGTH
            and "markdown" in str(about.get("description_content_type"))
        ):
            found.append(text[:LENGTH])
    return found


def measure(run: Callable[[str], object], sources: list[str], rounds: int) -> list[float]:
    """Milliseconds of the processor, each source once in each round, in their order."""
    for source in sources:
        run(source)
    found = []
    for _ in range(rounds):
        for source in sources:
            start = time.process_time_ns()
            run(source)
            found.append((time.process_time_ns() - start) / 1e6)
    return sorted(found)


def row(name: str, times: list[float]) -> None:
    p99 = times[int(len(times) * 0.99)]
    print(f"| {name} | {statistics.median(times):.2f} | {p99:.2f} |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20)
    rounds = options.parse_args().rounds
    sources = readmes()
    reference = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    pages = [reference.render(source)[:LENGTH] for source in sources]
    formatted = measure(from_markdown, sources, rounds)
    print(f"{len(sources)} texts of {LENGTH} characters, {rounds} rounds\n")
    print("| | p50 ms | p99 ms |\n|---|---|---|")
    row(f"Markdown (goal {GOAL})", formatted)
    row("of it the library's parser", measure(reference.parse, sources, rounds))
    row("HTML", measure(from_html, pages, rounds))
    row("splitting 64 KiB", measure(lambda text: split(RichText(text * 16)), sources, 2))


if __name__ == "__main__":
    main()
