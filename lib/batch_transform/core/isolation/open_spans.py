"""Spans that a round has left open, for a later one; as columns, and as the rows of them."""

from __future__ import annotations

import pyarrow as pa

from batch_transform.core.isolation.moves import Move
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
