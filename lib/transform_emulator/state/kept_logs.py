"""Log lines of jobs, kept."""

from collections.abc import Callable, Sequence

from transform_emulator.control_plane.jobs import Scope
from transform_emulator.state.database import Database


class KeptLogs:
    """What is on disk of log streams."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, scope: Scope, stream: str, timestamp_ms: int, lines: Sequence[str]) -> None:
        """Records lines that were logged at one moment."""
        rows = [(scope.account, scope.region, stream, timestamp_ms, line) for line in lines]
        with self._database.transaction() as connection:
            connection.executemany("INSERT INTO log_lines VALUES (?, ?, ?, ?, ?)", rows)

    def load(self, restore: Callable[[Scope, str, int, Sequence[str]], None]) -> None:
        """Hands over all lines, in the order in which they were logged."""
        sql = "SELECT account, region, stream, timestamp_ms, message FROM log_lines ORDER BY rowid"
        for account, region, stream, timestamp_ms, line in self._database.rows(sql):
            restore(Scope(account, region, access_key=""), stream, timestamp_ms, [line])
