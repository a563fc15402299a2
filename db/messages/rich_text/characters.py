"""Characters as a person sees them: a flag, or a letter with its accents, is one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex


@functools.cache
def cluster_pattern() -> regex.Pattern[str]:
    """What a person sees as one character (Unicode, UAX 29). The library takes 8 MB, so it is imported when
    the first text needs it."""
    import regex

    return regex.compile(r"\X")
