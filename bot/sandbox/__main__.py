import sys

from djangobot.bot.sandbox.app import main

if __name__ == "__main__":
    sys.exit(main())
