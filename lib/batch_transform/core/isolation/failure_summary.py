"""What went wrong in a run, for a person: by class, with examples that hold no row data, and with advice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted, verb
from batch_transform.core.isolation.error_classes import ErrorClass, Remedy
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED
from batch_transform.core.report_keys import FailedClass
from batch_transform.core.run_state import JobRecord

_EXAMPLES = 3
# Of so many parts of an object one asks why it is not halved.
_FEW_PARTS = 8
# As error_classes.of_log_entry says it.
_STATUS = re.compile(r"the model answered (\d{3})\b")


def by_class(table: pa.Table, state: str) -> list[FailedClass]:
    """Returns for each class of the rows in `state`: class, spans, rows, up to three examples; most rows first.

    Args:
        table: leaves or verdicts.
        state: DEAD or FAILED.
    """
    chosen = table.filter(pc.equal(table["state"], state))
    found: list[FailedClass] = []
    for name in pc.unique(chosen["error_class"]).to_pylist():
        of_class = chosen.filter(pc.equal(chosen["error_class"], name))
        rows = pc.sum(pc.subtract(of_class["stop"], of_class["start"])).as_py()
        examples = of_class.slice(0, _EXAMPLES).select(["job", "object", "line", "message"]).to_pylist()
        found.append({"class": name, "spans": of_class.num_rows, "rows": rows, "examples": examples})
    return sorted(found, key=lambda entry: -int(entry["rows"]))


def sentence(entry: FailedClass) -> str:
    """Returns a line for the terminal about one class."""
    sent = [example for example in entry["examples"] if example["object"]]
    jobs = ", ".join(dict.fromkeys(str(example["job"]) for example in sent))
    places = "; ".join(f"line {example['line']} of {example['object']}" for example in sent)
    where = f", such as {places} in {jobs}" if sent else ""
    return f"{counted(entry['rows'], 'row')}: {entry['class']} ({entry['examples'][0]['message']}){where}"


def what_is_sent(again: int, cut: int, parts: int, *, is_probe: bool) -> str:
    """Returns in words what a round sends of what has failed.

    Args:
        again: the objects that are sent as they are.
        cut: those of which parts are sent.
        parts: how many.
        is_probe: whether it is to tell a broken model from bad rows.
    """
    if is_probe:
        return f"{counted(again + parts, 'single row')}, to tell a broken model from bad rows"
    words = [f"{counted(again, 'object')} {verb(again, 'is', 'are')} sent again"] if again else []
    if cut:
        why = " at once, since each further round starts instances once more" if parts > _FEW_PARTS * cut else ""
        words.append(f"{counted(cut, 'object')} that failed {verb(cut, 'is', 'are')} cut into {parts:,}{why}")
    return "; ".join(words)


def http_statuses(entry: FailedClass) -> list[int]:
    """Returns the statuses that the model answered, by the examples of a class."""
    matches = (_STATUS.search(example["message"] or "") for example in entry["examples"])
    return list(dict.fromkeys(int(match[1]) for match in matches if match))


def advice_of(error_class: str) -> str | None:
    """Returns what a person can do about a class; None: nothing that is known, or a later version's class."""
    known = {each.value: words for each, words in _ADVICE.items()}
    return known.get(error_class)


@dataclass(frozen=True)
class Recovered:
    """Objects of several rows that failed and were scored to the last row after all: in smaller ones, or as they were.

    Those in smaller ones are of classes that may have been the server, which had less to do then.
    """

    in_smaller: int = 0
    unsplit: int = 0


def recovered(verdicts: Iterable[pa.Table], leaves: pa.Table) -> Recovered:
    """Returns how many objects failed through no fault of a row, as their rows have shown since."""
    dead = leaves.filter(pc.equal(leaves["state"], DEAD)).sort_by("start")["start"].to_numpy()
    scored = leaves.filter(pc.equal(leaves["state"], SCORED))["object"].combine_chunks()
    found: dict[tuple[int, int], bool] = {}
    for table in verdicts:
        several = pc.greater(pc.subtract(table["stop"], table["start"]), 1)
        failed = table.filter(pc.and_(pc.equal(table["state"], FAILED), several))
        unsplit = pc.is_in(failed["object"], value_set=scored).to_pylist()
        for span, is_unsplit in zip(failed.to_pylist(), unsplit, strict=True):
            kind = ErrorClass(span["error_class"])
            first = int(np.searchsorted(dead, span["start"]))
            is_good = first == len(dead) or int(dead[first]) >= span["stop"]
            if is_good and kind.counts and (is_unsplit or kind.remedy is Remedy.CONFIRM):
                found[span["start"], span["stop"]] = is_unsplit
    return Recovered(list(found.values()).count(False), list(found.values()).count(True))


def advice(
    jobs: Sequence[JobRecord], dead: Sequence[FailedClass], recovered: Recovered, on_another_type: str
) -> list[str]:
    """Returns what to change, a sentence or two each.

    Args:
        jobs: of the run.
        dead: the dead rows by class.
        recovered: objects that failed through no fault of a row.
        on_another_type: the command that sends dead rows again on another instance type, before they are published.
    """
    # Where none took part the server was not there, or never came up: that says nothing of how heavy it is.
    found = [_idle(job) for job in jobs if job.instances and 0 < (job.data_logs or 0) < job.instances]
    if many := recovered.unsplit:
        found.append(
            f"{counted(many, 'object')} failed at first and {verb(many, 'was', 'were')} scored unsplit later: that was "
            "no row, but the model's server, which was away or could not answer at the time; its own log says why."
        )
    if many := recovered.in_smaller:
        found.append(
            f"{counted(many, 'object')} failed although no row of {verb(many, 'it', 'them')} is bad: "
            f"{verb(many, 'it', 'they')} passed in smaller ones. That points to memory or load on the model's "
            "instances: take an instance type with more memory (transform.instance_type), or lower "
            "transform.max_concurrent_transforms or transform.max_payload_mb."
        )
    known = [(entry, _ADVICE.get(ErrorClass(entry["class"]))) for entry in dead]
    found += [f"{counted(entry['rows'], 'row')}, {entry['class']}: {words}" for entry, words in known if words]
    if on_another_type and any(entry["class"] == ErrorClass.OUT_OF_MEMORY.value for entry in dead):
        found.append(f"As long as nothing is published, what ran out of memory is sent again by: {on_another_type}")
    return list(dict.fromkeys(found))


def _idle(job: JobRecord) -> str:
    assert job.instances is not None
    return (
        f"{job.instances - (job.data_logs or 0)} of {counted(job.instances, 'instance')} of {job.name} never took "
        "part: there is a log of the container and none of data. A heavy model that is copied for every CPU is the "
        "usual reason: start fewer workers in the container, or take an instance type with fewer CPUs or more "
        "memory."
    )


_ADVICE = {
    ErrorClass.UNAVAILABLE: "what stands before the model (nginx, a model server's front end) had no worker: the "
    "container's log says whether they died, or ran into a time limit of their own; start more of them, or lower "
    "transform.max_concurrent_transforms.",
    ErrorClass.UNREADABLE: "compare prediction.schema with the answers, which are in the dead letters' error.evidence.",
    ErrorClass.MISCONFIGURED: "the model's server takes no content of that type: see record.content_type.",
    ErrorClass.TOO_LARGE: "the model's server takes no body of that size; raise its own limit.",
    ErrorClass.TIMED_OUT: "raise transform.invocations_timeout_seconds, or the time limit of the container's server.",
    ErrorClass.MISMATCH: "the model must answer one line for each record, in their order.",
    ErrorClass.OUT_OF_MEMORY: "take an instance type with more memory (transform.instance_type).",
}
