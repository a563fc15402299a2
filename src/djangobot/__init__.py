"""DjangoBot: programs tell people things in Telegram, once and in order."""

from pathlib import Path

__version__ = "0.1.0"

_here = Path(__file__).parent
if not (_here / "bot").is_dir():  # a checkout without symbolic links has text files for bot, http and db
    __path__.append(str(_here.parents[1]))
