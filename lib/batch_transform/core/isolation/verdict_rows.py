"""What is said of rows: verdicts and leaves, as columns and as their rows; one verdict on a row of many tries. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.spans import Span

# The states of a leaf; a verdict may be failed as well.
SCORED, DEAD, FAILED = "scored", "dead", "failed"

# One leaf: rows [start, stop), which are the lines from `line` on of `object` in `job`'s input and output.
LEAF_SCHEMA = pa.schema(
    [
        pa.field("start", pa.int64(), nullable=False),
        pa.field("stop", pa.int64(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("job", pa.string()),
        pa.field("object", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("etag", pa.string()),
        pa.field("lines", pa.int64()),
        pa.field("error_class", pa.string()),
        pa.field("message", pa.string()),
        pa.field("evidence", pa.string()),
        pa.field("rounds", pa.int32(), nullable=False),
        pa.field("at", pa.string()),  # when its job ended, in ISO 8601
        # Lines of this output that hold no prediction, whose rows are tried again elsewhere; null: none.
        pa.field("unread", pa.int64()),
    ]
)


class Leaf(TypedDict, total=False):
    """A row of LEAF_SCHEMA; what one has not is null: a dead one that was never sent has no job, no object, no line."""

    start: int
    stop: int
    state: str
    job: str
    object: str
    line: int
    etag: str
    lines: int
    error_class: str
    message: str
    evidence: str | None
    rounds: int
    at: str | None
    unread: int | None


# A verdict is a leaf, or a failed span, of which `reconciling` says what becomes of it. Rows of a span whose answers
# could not be read, where others could, have failed one by one: a verdict for each.
VERDICT_SCHEMA = pa.schema(
    [
        *LEAF_SCHEMA,
        pa.field("certain", pa.bool_()),
        pa.field("setting", pa.string()),
        # Of a single row: how many requests for it alone failed (null: one, if it is failed), and how many were scored.
        pa.field("tries", pa.int32()),
        pa.field("passed", pa.int32()),
    ]
)


class Verdict(Leaf):
    """A row of VERDICT_SCHEMA."""

    certain: bool | None
    setting: str | None
    tries: int | None
    passed: int | None


def dead_leaf(verdict: Verdict) -> Leaf:
    """Returns what a verdict says of its rows, which are given up."""
    return {
        "start": verdict["start"],
        "stop": verdict["stop"],
        "state": DEAD,
        "job": verdict["job"],
        "object": verdict["object"],
        "line": verdict["line"],
        "etag": verdict["etag"],
        "lines": verdict["lines"],
        "error_class": verdict["error_class"],
        "message": verdict["message"],
        "evidence": verdict["evidence"],
        "rounds": verdict["rounds"],
        "at": verdict["at"],
        "unread": verdict["unread"],
    }


# What service and model said of objects, which may quote a row: it lies with the rows, a file for each job, and not in
# the ledger's parts. There is no `evidence` in those since, but in the parts of earlier versions.
WORDS_SCHEMA = pa.schema([pa.field("object", pa.string(), nullable=False), pa.field("words", pa.string())])


def words_apart(verdicts: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Returns verdicts without what service and model said, and that (WORDS_SCHEMA)."""
    told = verdicts.filter(pc.is_valid(verdicts["evidence"]))
    words = pa.table([told["object"], told["evidence"]], schema=WORDS_SCHEMA)
    place = verdicts.schema.get_field_index("evidence")
    return verdicts.set_column(place, verdicts.schema.field(place), pa.nulls(len(verdicts), pa.string())), words


def objects_of(verdicts: pa.Table, *, has_schema: bool) -> dict[str, int]:
    """Returns how many objects of a job were scored, and in how many rows failed, as `job_judged` says it.

    Args:
        verdicts: on its spans (VERDICT_SCHEMA).
        has_schema: whether predictions have one. Without it any line is one, so that the answer to an object of one row
            says nothing of its form, and does not count as scored.
    """
    scored = pc.equal(verdicts["state"], SCORED)
    told = scored if has_schema else pc.and_(scored, pc.greater(verdicts["lines"], 1))
    failed = pc.equal(verdicts["state"], FAILED)
    chosen = {"objects_scored": told, "objects_failed": failed}
    return {name: pc.count_distinct(verdicts.filter(rows)["object"]).as_py() for name, rows in chosen.items()}


def names_of(span: Span) -> list[str]:
    """Returns the objects of a span: its own, and its copies."""
    return [span["object"], *(span["copies"] or [])]


def together(tries: Sequence[list[Verdict]]) -> list[Verdict]:
    """Returns the one verdict on a span of one row that was tried several times; of one try, its verdicts as they are.

    One scored try scores it, and its prediction is that try's. A placeholder is the container's last word. Otherwise it
    has failed, most often for the reason that is told; tries that nobody answered for are no evidence.
    """
    if len(tries) == 1:
        return tries[0]
    verdicts = [verdict for (verdict,) in tries]
    scored = [verdict for verdict in verdicts if verdict["state"] == SCORED]
    failed = [v for v in verdicts if v["state"] == FAILED and ErrorClass(v["error_class"]).counts]
    if scored:
        return [{**scored[0], "tries": len(failed), "passed": len(scored)}]
    if dead := [verdict for verdict in verdicts if verdict["state"] == DEAD]:
        return [dead[0]]
    classes = [verdict["error_class"] for verdict in failed]
    usual = max(failed, key=lambda verdict: classes.count(verdict["error_class"]), default=verdicts[0])
    return [{**usual, "tries": len(failed), "passed": len(scored)}]
