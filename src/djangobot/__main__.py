"""The program `djangobot`, which is also `python -m djangobot`."""

from djangobot import unused_imports


def main() -> None:
    """Runs the command line. Only this process does without modules. Whoever imports ours in a process of
    their own may need them, as pytest with our plugin."""
    unused_imports.install()  # before anything imports them
    from djangobot.bot.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
