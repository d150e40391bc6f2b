"""Where a run keeps what, below its workspace: what holds row values apart from all else. Pure.

S3's lifecycle rules have a prefix and no wildcard, and a bucket takes a thousand of them. So what holds row values lies
below one prefix for all runs of a workspace, and a ledger, without which a run could be published twice, below another:

| folder | holds |
|---|---|
| `<workspace>/rows/<run_id>/` | staged rows, records, outputs, merged files, dead letters, evidence, some results |
| `<workspace>/runs/<run_id>/` | ledger, parts, manifests, lease, status, reports |

A run that was begun before has one folder for all, `<workspace>/<run_id>/`. It keeps that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from batch_transform.core.object_names import folder_named
from batch_transform.core.uris import S3Uri

ROWS, RUNS = "rows", "runs"
STEP_NAME = re.compile(r"(\d{12})\.json")
# Below the folder of rows, each made by us alone; a result without an output lies beside them.
ROW_FOLDERS = ("staging", "input", "output", "merged", "dead_letters", "evidence", "probe")
RESULT = "result"
LEDGER, MANIFESTS, PARTS, PROBE = "ledger", "manifests", "parts", "probe"
OWN_FOLDERS = tuple(sorted({*ROW_FOLDERS, LEDGER, MANIFESTS, PARTS, PROBE}))


@dataclass(frozen=True)
class RunLayout:
    """The folders of a run.

    Attributes:
        workspace: of the run.
        name: of its folders, which follows from its id (`object_names.run_folder`).
        rows_apart: whether rows lie apart from the ledger, as they do since that can be asked.
    """

    workspace: S3Uri
    name: str
    rows_apart: bool = True

    @property
    def run(self) -> S3Uri:
        """What names the run in commands and reports, wherever its folders lie."""
        return self.workspace.join(self.name)

    @cached_property
    def kept(self) -> S3Uri:
        """The folder without row values, which no lifecycle rule may touch."""
        return self.workspace.join(RUNS, self.name) if self.rows_apart else self.run

    @cached_property
    def rows(self) -> S3Uri:
        """The folder of what holds row values."""
        return self.workspace.join(ROWS, self.name) if self.rows_apart else self.run

    @property
    def of_all_runs(self) -> dict[S3Uri, str]:
        """The two folders that all runs of the workspace share, and why no table may lie there."""
        why = "of which a lifecycle rule may forget all", "where the runs of the workspace are kept"
        return {rows_of_all_runs(self.workspace): why[0], self.workspace.join(RUNS): why[1]}

    def rows_below(self, staging: str, *, on_s3: bool) -> str:
        """Returns the folder of the run's rows at another place; on S3 one rule reaches it there as well."""
        below = f"{ROWS}/{self.name}" if on_s3 and self.rows_apart else self.name
        return f"{staging.rstrip('/')}/{below}"

    @cached_property
    def ledger(self) -> S3Uri:
        """The folder of the steps."""
        return self.kept.join(LEDGER)

    def step(self, number: int) -> S3Uri:
        """Returns the location of a step of the ledger."""
        return self.ledger.join(f"{number:012d}.json")

    def part(self, key: str) -> S3Uri:
        """Returns the location of a part by the key that a step has of it."""
        return self.kept.join(key)

    def new_part(self, token: str) -> str:
        """Returns the key of a part that is to be written."""
        return f"{PARTS}/{token}.parquet"

    def manifest(self, name: str) -> S3Uri:
        """Returns the location of a manifest: names of objects, and no record."""
        return self.kept.join(MANIFESTS, f"{name}.json")

    @property
    def lease(self) -> S3Uri:
        """Which driver is at work."""
        return self.kept.join("lease.json")

    @cached_property
    def stop_request(self) -> S3Uri:
        """What asks a driver to stop."""
        return self.kept.join("stop.json")

    @property
    def status(self) -> S3Uri:
        """The report."""
        return self.kept.join("status.json")

    @property
    def page(self) -> S3Uri:
        """The report as a page."""
        return self.kept.join("report.html")

    def ledger_probe(self, token: str) -> S3Uri:
        """Returns where it is tried whether the store knows conditional writes."""
        return self.kept.join(PROBE, token)

    @cached_property
    def input(self) -> S3Uri:
        """The objects that are sent."""
        return self.rows.join("input")

    @cached_property
    def outputs(self) -> S3Uri:
        """The jobs' outputs, a folder each."""
        return self.rows.join("output")

    def output(self, job: str, name: str) -> S3Uri:
        """Returns the location of the output for an input object of a job."""
        return self.outputs.join(job, f"{name}.out")

    def evidence(self, job: str) -> S3Uri:
        """Returns the location of what service and model said of a job's objects."""
        return self.rows.join("evidence", f"{job}.parquet")

    def merged(self, *names: str) -> S3Uri:
        """Returns where files are merged that are then copied to a place on S3."""
        return self.rows.join("merged", *names)

    def probe(self, token: str) -> S3Uri:
        """Returns where it is tried what workers and Spark can reach."""
        return self.rows.join(PROBE, token)

    @property
    def row_folders(self) -> tuple[S3Uri, ...]:
        """The folders that hold row values, on the workspace's S3."""
        return tuple(self.rows.join(name) for name in ROW_FOLDERS)

    @property
    def other_folders(self) -> tuple[S3Uri, ...]:
        """The folders without row values of which nothing is needed once a run is published."""
        return self.kept.join(MANIFESTS), self.kept.join(PROBE)

    @property
    def parts(self) -> S3Uri:
        """The folder of the ledger's bulk, of which only the list of what was published is needed then."""
        return self.kept.join(PARTS)


def rows_of_all_runs(workspace: S3Uri) -> S3Uri:
    """Returns the folder that holds the rows of all runs of a workspace that have them apart."""
    return workspace.join(ROWS)


def workspaces_around(uri: S3Uri) -> Iterator[S3Uri]:
    """Yields each workspace that has this location among its rows, if it is one."""
    names = uri.key.split("/")
    yield from (S3Uri(uri.bucket, "/".join(names[:place])) for place, name in enumerate(names) if name == ROWS)


def layouts_named(run: S3Uri) -> tuple[RunLayout, ...]:
    """Returns what a command may mean by a run's name, first of all what is made today.

    `<workspace>/<run_id>`, or the folder of its ledger, `<workspace>/runs/<run_id>`.
    """
    workspace, name = run.parent, folder_named(run.name)
    by_folder = [RunLayout(workspace.parent, name)] if workspace.name == RUNS else []
    return (RunLayout(workspace, name), *by_folder, RunLayout(workspace, name, rows_apart=False))


def layouts_of(workspace: S3Uri, run: str) -> tuple[RunLayout, ...]:
    """Returns where a run of this id, or folder's name, may lie in this workspace, first of all what is made today."""
    name = folder_named(run)
    return RunLayout(workspace, name), RunLayout(workspace, name, rows_apart=False)


def is_step(key: str) -> bool:
    """Returns whether an object looks like a step of a ledger, whatever workspace it may be of."""
    *_, folder, name = ("", *key.split("/"))
    return folder == LEDGER and STEP_NAME.fullmatch(name) is not None


def run_of_step(workspace: S3Uri, key: str) -> RunLayout | None:
    """Returns whose step of a ledger an object of the workspace is by its key; None: it is none."""
    names = key[len(workspace.prefix) :].split("/")
    if not STEP_NAME.fullmatch(names[-1]):
        return None
    if len(names) == 4 and (names[0], names[2]) == (RUNS, LEDGER):
        return RunLayout(workspace, names[1])
    if len(names) == 3 and names[1] == LEDGER:
        return RunLayout(workspace, names[0], rows_apart=False)
    return None
