import sys

from djangobot.bot.sandbox import main

if __name__ == "__main__":
    sys.exit(main())
