"""What becomes of a span that has failed; the column `move` of an open span says it."""

from __future__ import annotations

from enum import Enum

from batch_transform.core.errors import GateRefused


class Move(str, Enum):
    """One of three ways on.

    | move | of | to |
    |---|---|---|
    | again | transient with attempts left; one row, evidence not yet enough; another payload fits | sent as it is |
    | split | more than one row, not transient | cut into parts that tile it |
    | bury | one row that has failed alone so often that no good one would (`evidence`) | a dead leaf |

    An output that counted and is gone, or a dead row that a person asks for, is `again` as well, as long as nothing is
    published. A span that stays failed when the attempts are spent ends the run with exit code 4.
    """

    AGAIN = "again"
    SPLIT = "split"
    BURY = "bury"

    def of(self, rows: int) -> Move:
        """Returns the move, of a span of `rows` rows.

        Raises:
            GateRefused: so many rows are not buried, or so few not split: good rows would be given up.
        """
        if (self is Move.BURY and rows != 1) or (self is Move.SPLIT and rows < 2):
            raise GateRefused(f"a span of {rows} rows cannot be: {self.value}")
        return self
