"""The check before anything is published: every input row has exactly one outcome.

The counts come from three places that know nothing of each other: A, the rows that Spark counted in each staged file;
B, the lines that executors counted in each accepted output at its ETag; D, the dead rows. Counts taken from the spans
alone would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED
from batch_transform.core.isolation.verdicts import rows_in_state
from batch_transform.core.object_names import OBJECT_NAME
from batch_transform.core.spans import StagedFile, check_tiling


@dataclass(frozen=True)
class Counts:
    """Rows in, and how they ended: each has one outcome, so the last two add up to the first."""

    rows_in: int
    rows_scored: int
    rows_dead_letter: int


def check(staged: Iterable[StagedFile], leaves: pa.Table, aside: pa.Table | None = None) -> Counts:
    """Returns the proven counts.

    Args:
        staged: the staged files with their counted rows.
        leaves: the outcome of every row (verdicts.LEAF_SCHEMA).
        aside: leaves whose rows were sent again since, and whose lines lie in outputs of other rows.

    Raises:
        GateRefused: a row without an outcome or with two, a span that is not decided, or an output whose counted lines
            are not the rows that are taken from it, in their order.
    """
    files = list(staged)
    if rows_in_state(leaves, FAILED):
        raise GateRefused(f"{rows_in_state(leaves, FAILED)} rows are not decided yet")
    check_tiling(files, leaves)
    _check_names(leaves)
    _check_lines(leaves if aside is None else pa.concat_tables([leaves, aside]))
    counts = Counts(sum(f.rows for f in files), rows_in_state(leaves, SCORED), rows_in_state(leaves, DEAD))
    if counts.rows_in != counts.rows_scored + counts.rows_dead_letter:
        raise GateRefused(
            f"{counts.rows_in} rows in, but {counts.rows_scored} scored and {counts.rows_dead_letter} dead letters"
        )
    return counts


def _check_names(leaves: pa.Table) -> None:
    """Each leaf lies where the name of its object says: the writer of the bytes put the row numbers there."""
    named = leaves.filter(pc.is_valid(leaves["object"]))
    found = pc.extract_regex(named["object"], OBJECT_NAME).combine_chunks()
    if found.null_count:
        raise GateRefused(f"{found.null_count} leaves lie in objects that no export wrote")
    first, rows = (found.field(name).cast(pa.int64()).to_numpy(zero_copy_only=False) for name in ("first", "rows"))
    starts, stops, lines = (named[name].to_numpy() for name in ("start", "stop", "line"))
    wrong = np.flatnonzero((first + lines != starts) | (stops > first + rows) | (lines < 0))
    if wrong.size:
        leaf = named.slice(int(wrong[0]), 1).to_pylist()[0]
        raise GateRefused(
            f"{wrong.size} leaves are not where their objects say; first: rows [{leaf['start']}, {leaf['stop']}) as "
            f"line {leaf['line']} and on of {leaf['object']}"
        )


def _check_lines(leaves: pa.Table) -> None:
    """Each accepted output's counted lines are exactly the lines that its leaves take from it."""
    used = leaves.filter(pc.is_valid(leaves["lines"]))
    used = used.append_column("length", pc.subtract(used["stop"], used["start"]))
    undecided = leaves.filter(pc.and_(pc.equal(leaves["state"], SCORED), pc.is_null(leaves["lines"])))
    if undecided.num_rows:
        raise GateRefused(f"{undecided.num_rows} spans are called scored, but no output of theirs was counted")
    unread = pc.fill_null(used["unread"], 0)
    used = used.set_column(used.schema.get_field_index("unread"), "unread", unread)
    sums = [("length", "sum"), ("lines", "min"), ("lines", "max"), ("unread", "min"), ("unread", "max")]
    objects = used.group_by(["job", "object"]).aggregate(sums)
    accounted = pc.add(objects["length_sum"], objects["unread_max"])
    same = pc.and_(pc.equal(accounted, objects["lines_min"]), pc.equal(objects["lines_min"], objects["lines_max"]))
    same = pc.and_(same, pc.equal(objects["unread_min"], objects["unread_max"]))
    wrong = objects.filter(pc.invert(same)).to_pylist()
    if wrong:
        first = wrong[0]
        raise GateRefused(
            f"{len(wrong)} outputs do not hold one line per row; first: {first['object']} of {first['job']} has "
            f"{first['lines_min']} lines for {first['length_sum']} rows, {first['unread_max']} of them not read"
        )
    _check_places(used)


def _check_places(used: pa.Table) -> None:
    """The leaves of an output take its lines in the order of its rows, and none that is not there.

    As many lines as rows could still be the wrong ones: two leaves that name the same line, or each other's. Where each
    row takes the line that lies as far from the first one as its number does, no two rows take the same.
    """
    used = used.append_column("offset", pc.subtract(used["start"], used["line"]))
    used = used.append_column("end", pc.add(used["line"], used["length"]))
    objects = used.group_by(["job", "object"]).aggregate(
        [("offset", "min"), ("offset", "max"), ("line", "min"), ("end", "max"), ("lines", "max")]
    )
    inside = pc.and_(pc.greater_equal(objects["line_min"], 0), pc.less_equal(objects["end_max"], objects["lines_max"]))
    right = pc.and_(inside, pc.equal(objects["offset_min"], objects["offset_max"]))
    if wrong := objects.filter(pc.invert(pc.fill_null(right, False))).to_pylist():
        first = wrong[0]
        raise GateRefused(
            f"{len(wrong)} outputs are not used line by line; first: {first['object']} of {first['job']}, whose lines "
            f"{first['line_min']} to {first['end_max']} are used of {first['lines_max']}"
        )


def check_written(counts: Counts, result_rows: int, dead_letter_rows: int) -> None:
    """Checks what was written, counted in the written files' footers, against what the gate proved.

    Raises:
        GateRefused: a difference; nothing has been published.
    """
    if (result_rows, dead_letter_rows) != (counts.rows_scored, counts.rows_dead_letter):
        raise GateRefused(
            f"the merge wrote {result_rows} result rows and {dead_letter_rows} dead letters; "
            f"proven were {counts.rows_scored} and {counts.rows_dead_letter}"
        )
