"""The steps from one schema to the next, as Piccolo reads them. docs/development.md says how one is made."""

from dataclasses import dataclass, field

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder


@dataclass
class Manager(MigrationManager):
    """Piccolo's manager. It also runs SQL for what Piccolo's columns can't express, after the tables are made
    and in the same transaction."""

    statements: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """SQL by the type of the database."""

    async def _run_add_columns(self, backwards: bool = False) -> None:
        await super()._run_add_columns(backwards)
        engine = engine_finder()
        if engine is None or backwards or self.preview:
            return
        for statement in self.statements[engine.engine_type]:
            await engine.run_ddl(statement)
