"""The commands that bots have set (core.telegram.org/api/bots/commands)."""

from djangobot.bot.sandbox.state import State
from djangobot.bot.sandbox.world.records import User

Commands = list[tuple[str, str]]
"""(command, description)."""


class BotCommands:
    """Commands by bot, scope and language."""

    def __init__(self, state: State) -> None:
        self._state = state
        stored = state.all("commands", tuple[tuple[int, str, str], Commands])
        self._commands: dict[tuple[int, str, str], Commands] = dict(value for _, value in stored)

    def set(self, bot: int, scope: str, language: str, commands: Commands | None) -> None:
        """Sets, or with None removes, a bot's commands for a scope and language."""
        key = (bot, scope, language)
        if commands is None:
            self._commands.pop(key, None)
            self._state.drop("commands", "/".join(map(str, key)))
        else:
            self._commands[key] = commands
            self._state.put("commands", "/".join(map(str, key)), (key, commands))

    def get(self, bot: int, scope: str, language: str) -> Commands:
        """The commands of exactly this scope and language."""
        return self._commands.get((bot, scope, language), [])

    def shown_to(self, bot: int, person: User | None) -> Commands:
        """What the person sees: the narrowest scope first, in each their language first."""
        scopes = [f"peer:{person.id}", "users", "default"] if person else ["default"]
        languages = [person.language.split("-")[0], ""] if person and person.language else [""]
        for scope in scopes:
            for language in languages:
                if (bot, scope, language) in self._commands:
                    return self._commands[bot, scope, language]
        return []
