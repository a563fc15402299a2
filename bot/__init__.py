from djangobot.bot import unused_imports

unused_imports.install()  # before anything imports them
