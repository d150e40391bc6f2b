"""The check before anything is published: every input row has exactly one outcome.

The counts come from three places that know nothing of each other: A, the rows that Spark counted in each staged file;
B, the lines that executors counted in each accepted output at its ETag; D, the dead rows. Counts taken from the spans
alone would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted
from batch_transform.core.errors import GateRefused, PublishedUnverified
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, LEAF_SCHEMA, SCORED
from batch_transform.core.isolation.verdicts import rows_in_state
from batch_transform.core.object_names import OBJECT_NAME
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.spans import StagedFile, check_tiling
from batch_transform.core.statuses import RunStatus

_LEAVES_AT_ONCE = 100_000  # whose names are taken apart; there may be a row for each row of the run


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
        raise GateRefused(f"no outcome is known of {counted(rows_in_state(leaves, FAILED), 'row')}")
    check_tiling(files, leaves)
    _check_lines(leaves, aside, _check_names(leaves))
    counts = Counts(sum(f.rows for f in files), rows_in_state(leaves, SCORED), rows_in_state(leaves, DEAD))
    if counts.rows_in != counts.rows_scored + counts.rows_dead_letter:
        raise GateRefused(
            f"{counted(counts.rows_in, 'row')} in, but {counts.rows_scored} scored and "
            f"{counted(counts.rows_dead_letter, 'dead letter')}"
        )
    return counts


def _check_names(leaves: pa.Table) -> pa.ChunkedArray:
    """Returns of each leaf whether it has all rows that the name of its object says.

    Each leaf lies where that name says: the writer of the bytes put the row numbers there.
    """
    whole, wrong = [], LEAF_SCHEMA.empty_table()
    for at in range(0, leaves.num_rows, _LEAVES_AT_ONCE):
        some = leaves.slice(at, _LEAVES_AT_ONCE)
        found = pc.extract_regex(some["object"], OBJECT_NAME).combine_chunks()
        if strange := found.null_count - some["object"].null_count:
            raise GateRefused(f"{counted(strange, 'range')} of rows would be in objects that no export wrote")
        first, rows = (pc.struct_field(found, name).cast(pa.int64()) for name in ("first", "rows"))
        begins = pc.add(first, some["line"])
        right = [pc.equal(begins, some["start"]), pc.less_equal(some["stop"], pc.add(first, rows))]
        is_right = pc.and_(pc.and_(*right), pc.greater_equal(some["line"], 0))
        wrong = pa.concat_tables([wrong, some.filter(pc.and_(pc.is_valid(some["object"]), pc.invert(is_right)))])
        whole.append(pc.fill_null(pc.equal(pc.subtract(some["stop"], some["start"]), rows), False).combine_chunks())
    if wrong.num_rows:
        leaf = wrong.slice(0, 1).to_pylist()[0]
        raise GateRefused(
            f"{counted(wrong.num_rows, 'range')} of rows would not be where the names of objects say; first: rows "
            f"[{leaf['start']}, {leaf['stop']}) as line {leaf['line']} and on of {leaf['object']}"
        )
    return pa.chunked_array(whole, pa.bool_())


def _check_lines(leaves: pa.Table, aside: pa.Table | None, whole: pa.ChunkedArray) -> None:
    """Each accepted output's counted lines are exactly the lines that its leaves take from it.

    A leaf that has all rows of its object (`whole`) shares it with no other one, as rows do not overlap: what it takes
    is told by itself. So only the others, which are few, are put together by their outputs.
    """
    undecided = leaves.filter(pc.and_(pc.equal(leaves["state"], SCORED), pc.is_null(leaves["lines"])))
    if undecided.num_rows:
        raise GateRefused(
            f"{counted(undecided.num_rows, 'object')} would be scored of which no output was counted; first: "
            f"{undecided['object'][0].as_py()} of {undecided['job'][0].as_py()}"
        )
    shared = leaves.filter(pc.and_(pc.is_valid(leaves["lines"]), pc.invert(_takes_all(leaves, aside, whole))))
    used = shared if aside is None else pa.concat_tables([shared, aside.filter(pc.is_valid(aside["lines"]))])
    used = used.append_column("length", pc.subtract(used["stop"], used["start"]))
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
            f"{counted(len(wrong), 'output')} without one line for each row; first: {first['object']} of "
            f"{first['job']} has {counted(first['lines_min'], 'line')} for {counted(first['length_sum'], 'row')}, of "
            f"which {first['unread_max']:,} could not be read"
        )
    _check_places(used)


def _takes_all(leaves: pa.Table, aside: pa.Table | None, whole: pa.ChunkedArray) -> pa.ChunkedArray:
    """Of each leaf whether it is whole, takes all lines of its output, and nothing of that output was set aside."""
    all_lines = pc.equal(pc.subtract(leaves["stop"], leaves["start"]), leaves["lines"])
    found = pc.and_(pc.and_(whole, all_lines), pc.equal(pc.fill_null(leaves["unread"], 0), 0))
    if aside is not None and aside.num_rows:
        found = pc.and_(found, pc.invert(pc.is_in(leaves["object"], value_set=aside["object"].combine_chunks())))
    return pc.fill_null(found, False)


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
            f"{counted(len(wrong), 'output')} would not be used line by line; first: {first['object']} of "
            f"{first['job']}, whose lines {first['line_min']} to {first['end_max']} are used of {first['lines_max']}"
        )


def check_written(counts: Counts, result_rows: int, dead_letter_rows: int) -> None:
    """Checks what was written, counted in the written files' footers, against what the gate proved.

    Raises:
        GateRefused: a difference; nothing has been published.
    """
    if (result_rows, dead_letter_rows) != (counts.rows_scored, counts.rows_dead_letter):
        raise GateRefused(
            f"the merge wrote {counted(result_rows, 'result row')} and {counted(dead_letter_rows, 'dead letter')}; "
            f"proven were {counts.rows_scored} and {counts.rows_dead_letter}"
        )


def check_committed(counts: Counts, kind: Kind, rows: int, place: str) -> None:
    """Checks a table's commit, which cannot be taken back, against the proven counts.

    Args:
        counts: proven.
        kind: of the table.
        rows: in its commit.
        place: of the table, as a person names it.

    Raises:
        PublishedUnverified: it has other rows.
    """
    proven = counts.rows_scored if kind == "result" else counts.rows_dead_letter
    if rows != proven:
        raise unverified(
            kind,
            f"{place}: the commit has {counted(rows, 'row')} and not the {counted(proven, 'row')} to be in it. If no "
            "other run's rows are in that table, drop or move it and resume: they are committed once more, and nothing "
            "is scored again. Else another run_id scores the input anew",
        )


def unverified(kind: Kind, words: str) -> PublishedUnverified:
    """Returns the error of a commit that is not as proven; with that of dead letters, the first, nothing is published.

    Args:
        kind: of the table.
        words: what of the commit is known.
    """
    if kind == "result":
        return PublishedUnverified(words)
    error = PublishedUnverified(f"{words}. The result is not committed yet")
    error.status = RunStatus.FAILED
    return error
