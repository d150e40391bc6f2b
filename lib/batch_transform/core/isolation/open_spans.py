"""Spans that a round has left open, for a later one, and what becomes of them; as columns, and as their rows. Pure."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pyarrow as pa

from batch_transform.core.amounts import counted
from batch_transform.core.errors import GateRefused
from batch_transform.core.spans import SPAN_SCHEMA, Span, conformed

# A span that is not settled, what is done with it next (AGAIN or SPLIT), and why it failed last.
OPEN_SCHEMA = pa.schema(
    [
        *SPAN_SCHEMA,
        pa.field("move", pa.string(), nullable=False),
        ("error_class", pa.string()),
        # Where it is lines of an answered object: the first of them, and how many that one has. `offset` and `bytes`
        # are then that object's, since nobody has looked yet where in it the lines begin.
        ("line", pa.int64()),
        ("lines", pa.int64()),
        ("tries", pa.int32()),  # of a single row: how often it failed alone
        ("weight", pa.float64()),  # and what that weighs (core.isolation.evidence)
    ]
)


class OpenSpan(Span):
    """A row of OPEN_SCHEMA."""

    move: str
    error_class: str | None
    line: int | None
    lines: int | None
    tries: int | None
    weight: float | None


def opened(span: Span) -> OpenSpan:
    """Returns a span that was sent as an open one, of which nothing is said yet but that it is sent again."""
    return {
        **span,
        "move": Move.AGAIN.value,
        "error_class": None,
        "line": None,
        "lines": None,
        "tries": None,
        "weight": None,
    }


def again(spans: pa.Table) -> pa.Table:
    """Returns spans that no job has sent yet (SPAN_SCHEMA), whose rows were settled before, as open ones."""
    moves = pa.array([Move.AGAIN.value] * spans.num_rows, pa.string())
    return conformed(spans.append_column("move", moves), OPEN_SCHEMA)


class Move(str, Enum):
    """One of three ways on.

    | move | of | to |
    |---|---|---|
    | again | transient with attempts left; one row, evidence not yet enough; another payload fits | sent as it is |
    | split | more than one row, not transient | cut into parts that tile it |
    | bury | one row that has failed alone so often that no good one would (`evidence`) | a dead leaf |

    Where nobody may have been there to answer, it is `again` once, whatever the span (`span_decisions`). An output that
    counted and is gone, or a dead row that a person asks for, is `again` as well, as long as nothing is
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
            done = "given up" if self is Move.BURY else "split"
            raise GateRefused(f"an object of {counted(rows, 'row')} was to be {done}")
        return self


def check_replaced(open_spans: pa.Table, *replacements: pa.Table) -> None:
    """Checks that the spans of a round, sent and waiting, hold the rows of the open spans: none missing, none twice.

    Raises:
        GateRefused: they do not.
    """
    after_cut = pa.concat_tables([table.select(["start", "stop"]) for table in replacements])
    if _ranges(open_spans) != _ranges(after_cut):
        raise GateRefused("the objects of the next round do not hold the rows that are left")


def _ranges(spans: pa.Table) -> tuple[list[int], list[int]]:
    order = np.argsort(spans["start"].to_numpy(), kind="stable")
    starts, stops = spans["start"].to_numpy()[order], spans["stop"].to_numpy()[order]
    if (starts >= stops).any() or (starts[1:] < stops[:-1]).any():
        raise GateRefused("the objects of the next round overlap, or one is empty")
    if not len(starts):
        return [], []
    breaks = starts[1:] != stops[:-1]
    return starts[np.append(True, breaks)].tolist(), stops[np.append(breaks, True)].tolist()
