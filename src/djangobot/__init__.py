"""DjangoBot: programs tell people things in Telegram, once and in order."""

__version__ = "0.1.0"
