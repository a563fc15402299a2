from djangobot.bot.telegram import lazy_library

lazy_library.install()  # before any module of this package imports Pyrogram
