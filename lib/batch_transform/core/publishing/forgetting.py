"""What of runs is forgotten: how much it is, the one S3 lifecycle rule over rows and no ledger, what is left then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from batch_transform.core.amounts import counted, size, verb
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.uris import S3Uri

MULTIPART_DAYS = 7  # a copy of a large file may take long, and one that was cut off has rows in it
MOST_ID_CHARACTERS = 255  # S3 API, LifecycleRule, ID


@dataclass(frozen=True)
class Amount:
    """How many objects, of how many bytes."""

    objects: int = 0
    size_bytes: int = 0

    def plus(self, size_bytes: int) -> Amount:
        """Returns the amount with one object more."""
        return Amount(self.objects + 1, self.size_bytes + size_bytes)

    @property
    def words(self) -> str:
        """In words: `1,204 objects of 3.2 GB`."""
        return f"{counted(self.objects, 'object')} of {size(self.size_bytes)}"


class LifecycleRule(TypedDict):
    """A rule of a LifecycleConfiguration."""

    ID: str
    Status: str
    Filter: dict[str, str]
    Expiration: dict[str, int]
    NoncurrentVersionExpiration: dict[str, int]
    AbortIncompleteMultipartUpload: dict[str, int]


class LifecycleConfiguration(TypedDict):
    """What PutBucketLifecycleConfiguration takes."""

    Rules: list[LifecycleRule]


def lifecycle_rules(rows: S3Uri, days: int) -> LifecycleConfiguration:
    """Returns a LifecycleConfiguration (S3 API, PutBucketLifecycleConfiguration) of one rule.

    It also removes, a day after, the versions that a bucket with versioning keeps of what has expired or was deleted;
    delete markers without a version S3 removes by itself where a rule has Days.

    Args:
        rows: what holds the rows of all runs.
        days: after which an object is removed.
    """
    rule: LifecycleRule = {
        "ID": f"rows of {rows}"[:MOST_ID_CHARACTERS],
        "Status": "Enabled",
        "Filter": {"Prefix": rows.prefix},
        "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": min(days, MULTIPART_DAYS)},
    }
    return {"Rules": [rule]}


def rows_are_lost(state: RunState, files: Sequence[str], layout: RunLayout, *, answers: bool) -> str:
    """Returns why a run whose staged rows are gone ends, what it has paid for, and how that can be saved.

    Args:
        state: the run.
        files: those that are gone.
        layout: of the run.
        answers: whether outputs of its jobs are there.
    """
    assert state.staged is not None
    jobs = sum(job.created for job in state.jobs)
    rows = state.rows_scored
    if not answers and len(files) == len(state.staged.files):
        return (
            f"its rows were forgotten, and the answers to them: nothing lies below {layout.rows} that could be scored, "
            f"or published, so it ends here, however often it is started. Paid: {counted(jobs, 'job')}, for "
            f"{counted(rows, 'row')}. Its ledger and reports stay; `clean {layout.run} --unfinished` removes the rest. "
            "To score the input, choose another run_id"
        )
    return (
        f"{len(files):,} of {counted(len(state.staged.files), 'staged file')} {verb(len(files), 'is', 'are')} gone "
        f"or altered (first: {files[0]}), and the rows of a run cannot be had again from its input: it ends here, "
        f"however often it is started. Paid: {counted(jobs, 'job')}. Saved: the answers to {counted(rows, 'row')}, "
        f"below {layout.outputs}; each line of `<job>/<name>.out` answers the same line of {layout.input}/<name>. To "
        "score the input, choose another run_id"
    )
