"""Dead rows that are sent again because a person asks for it, as long as nothing is published. Pure.

Each is again a span that no job has sent. What was found of it falls; a line that it has in an accepted output of other
rows stays counted there, for that output's lines must add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, again
from batch_transform.core.isolation.verdict_rows import DEAD
from batch_transform.core.ledger import Step, StepKind
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import RunState
from batch_transform.core.spans import EXPORT_SCHEMA, without_history
from batch_transform.core.uris import S3Uri


def has_no_dead_rows(report: RunReport) -> bool:
    """Returns whether a published run has none that anybody could send again: then nothing is to be done."""
    return report.get("rows_dead_letter") == 0


def check_retry(state: RunState | None, run: S3Uri) -> None:
    """Checks that the dead rows of a run may be sent again.

    Args:
        state: the run; None: it has not begun, and has none.
        run: by which a run file names its dead letters.

    Raises:
        ConfigurationError: it publishes, has published dead letters, or its rows are one request.
    """
    if state is None or (state.report is not None and has_no_dead_rows(state.report)):
        return
    # Dead letters are committed first, and an intent that fell because the output was changed may have got so far.
    if state.publication is not None or state.intents:
        did = "has begun to publish" if state.report is None else "is published"
        again = f"A run of its own sends them once more and appends to the same output: input.dead_letters: {run}"
        if state.settings.is_of_frame:
            again = "To score them once more: score(result.dead_letters.select(df.columns), ...) with another run_id"
        raise ConfigurationError(f"{state.run_id} {did}, and its dead rows stay as they are. {again}")
    if state.settings.is_one_object:
        raise ConfigurationError(
            f"{state.run_id}: all its rows are one request (record.rows_per_object: all), and a part of them would be "
            "another question: no dead row is sent again by itself; to score all of them anew, choose another run_id"
        )


def retriable(leaves: pa.Table) -> pa.Table:
    """Returns the dead leaves that a job has sent; the others are over the service's largest payload."""
    return leaves.filter(pc.and_(pc.equal(leaves["state"], DEAD), pc.is_valid(leaves["job"])))


def without(leaves: pa.Table, retried: pa.Table) -> pa.Table:
    """Returns the leaves but for those whose rows are sent again: no job judges a row twice."""
    gone = {(leaf["job"], leaf["start"]) for leaf in retried.select(["job", "start"]).to_pylist()}
    told = zip(leaves["job"].to_pylist(), leaves["start"].to_pylist(), strict=True)
    return leaves.filter(pa.array([key not in gone for key in told], pa.bool_())) if gone else leaves


def lines_aside(retried: pa.Table) -> pa.Table:
    """Returns those of the leaves whose rows are sent again that have lines in an accepted output."""
    return retried.filter(pc.is_valid(retried["lines"]))


def opened(dead: pa.Table, lane_of: Callable[[str], str]) -> pa.Table:
    """Returns dead leaves as open spans (OPEN_SCHEMA) of no object yet.

    Args:
        dead: leaves (LEAF_SCHEMA).
        lane_of: the lane of a job.
    """
    rows = [
        {"start": leaf["start"], "stop": leaf["stop"], "lane": lane_of(leaf["job"]), "bytes": 0, "largest": 0}
        for leaf in dead.to_pylist()
    ]
    spans = again(without_history(pa.Table.from_pylist(rows, schema=EXPORT_SCHEMA)))
    place = OPEN_SCHEMA.get_field_index("error_class")
    return spans.set_column(place, OPEN_SCHEMA.field(place), dead["error_class"])


def _retried(state: RunState, step: Step) -> RunState:
    """Dead rows are open again, or there were none."""
    last, asked = state.last_round, state.retry_asked
    if last is None or last.leaves is None or state.unsettled or state.publication is not None or not asked:
        raise ValueError("on request, when every job is settled, before publication")
    state = replace(state, retry_asked=False)
    if not step.parts:
        return state
    retried, left = step.parts
    rows = last.retried_rows + int(step.payload["rows"])
    record = replace(last, retried=retried, retried_rows=rows, open=left, open_spans=left.rows)
    return replace(state, gate=None).with_last_round(record)


TRANSITIONS: Mapping[StepKind, Callable[[RunState, Step], RunState]] = {StepKind.RETRIED: _retried}
