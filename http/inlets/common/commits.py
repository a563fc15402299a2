"""A push, as GitHub, GitLab, Gitea and Forgejo tell it."""

from collections.abc import Mapping, Sequence
from typing import Any

from djangobot.db.messages.buttons import Button
from djangobot.http.inlets.common.html import code, escaped, lines, link
from djangobot.http.inlets.common.json import first, present, text
from djangobot.http.inlets.common.message import InletMessage

SHOWN = 10
"""Commits that are shown one by one."""


def push_message(
    *,
    where: str,
    ref: str,
    who: str,
    commits: Sequence[Mapping[str, Any]],
    compare: str,
    total: int = 0,
    deleted: bool = False,
    created: bool = False,
    forced: bool = False,
) -> InletMessage:
    """The message about a push: its branch or tag, and its commits, the newest last."""
    kind = "tag" if ref.startswith("refs/tags/") else "branch"
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    number = max(total, len(commits))
    hidden = number - min(len(commits), SHOWN)
    what = f"{number} commit{'' if number == 1 else 's'}" if number else f"new {kind}" if created else "push"
    if deleted:
        what = f"{kind} deleted"
    return InletMessage(
        title=f"{'🗑' if deleted else '🏷' if kind == 'tag' else '📦'} {present([where, name])}",
        text=lines(
            [
                present([escaped(what), escaped(who), "forced" if forced else ""]),
                f"…{hidden} before" if hidden and commits else "",
                *(_commit(one) for one in commits[-SHOWN:]),
            ]
        ),
        format="html",
        silent=True,
        buttons=_buttons(commits, compare),
    )


def _commit(commit: Mapping[str, Any]) -> str:
    sha, subject = text(commit, "id")[:7], (text(commit, "message").splitlines() or [""])[0]
    return present([link(sha, text(commit, "url")) if sha else code("?"), escaped(subject, 200)], " ")


def _buttons(commits: Sequence[Mapping[str, Any]], compare: str) -> tuple[Button, ...]:
    if compare:
        return (Button("Changes", url=compare),)
    return (Button("Commit", url=first(commits[-1], ("url",))),) if commits else ()
