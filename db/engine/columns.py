"""A column type of our own."""

from piccolo.columns import BigSerial


class SerialOnce(BigSerial):
    """A primary key that is never used twice, even when the newest row is gone.

    SQLite's plain INTEGER PRIMARY KEY reuses the highest number. An access token of a removed account, or the
    outcome of a removed message, would then belong to another one.
    """

    @property
    def ddl(self) -> str:
        autoincrement = " AUTOINCREMENT" if self._meta.engine_type == "sqlite" else ""
        return f'"{self._meta.db_column_name}" {self.column_type} PRIMARY KEY{autoincrement} NOT NULL'
