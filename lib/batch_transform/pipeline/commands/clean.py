"""The command `clean`: one run, the old runs of a workspace, or the rules with which S3 does it."""

from __future__ import annotations

from datetime import datetime, timedelta

from batch_transform.config.loading import recorded_config
from batch_transform.config.runfile import RunConfig
from batch_transform.core.amounts import counted
from batch_transform.core.errors import BatchTransformError, ConfigurationError, LedgerCorrupt
from batch_transform.core.ledger import JsonObject
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.forgetting import Amount, LifecycleConfiguration, lifecycle_rules
from batch_transform.core.publishing.standing import standing
from batch_transform.core.report_keys import CleanedAmount, CleanedRun, CleanedWorkspace
from batch_transform.core.run_layout import RUNS, is_step, rows_of_all_runs, run_of_step
from batch_transform.core.run_state import RunState
from batch_transform.core.statuses import RunStatus
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.named_run import Reached
from batch_transform.pipeline.ending.cleaning import Leftovers, clean, leftovers
from batch_transform.pipeline.ending.exits import typed_errors
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.recorded import RecordedRun, named_run
from batch_transform.pipeline.telling import Tell
from batch_transform.pipeline.workspace_runs import runs_of
from batch_transform.pipeline.world.aws_access import jobs_of
from batch_transform.s3.store import S3Store


def clean_command(there: Reached, asked: CommandLine, tell: Tell) -> JsonObject:
    """Returns the report of `clean`.

    Raises:
        ConfigurationError: there is no such run, or it is not to be cleaned.
        RunHeld: a driver is at work on it.
    """
    if asked.lifecycle:
        return _rules(there, int(asked.lifecycle[-1]), tell)
    if not asked.older_than:
        return _clean_run(there, asked, tell)
    age = timedelta(days=int(asked.older_than[-1]))
    done: list[CleanedAmount] = []
    kept: list[str] = []
    for uri, touched in _runs_of_workspace(there).items():
        if CLOCK.now() - touched < age:
            continue
        found = _try_to_clean(Reached(uri, there.access), asked, tell)
        if found is None:
            kept.append(str(uri))
        else:
            done.append({"workspace": found["workspace"], "objects": found["objects"], "bytes": found["bytes"]})
    report: CleanedWorkspace = {
        "status": _status(asked),
        "cleaned": [each["workspace"] for each in done],
        "kept": kept,
        "objects": sum(each["objects"] for each in done),
        "bytes": sum(each["bytes"] for each in done),
        "runs": done,
    }
    return report


def _runs_of_workspace(there: Reached) -> dict[S3Uri, datetime]:
    """Returns the runs of a workspace, as `runs_of` does. A cleaned one stays among them.

    Raises:
        ConfigurationError: there is none: whoever cleans by the clock would never learn that nothing is cleaned.
    """
    store = S3Store(there.access.client("s3"))
    found = runs_of(store, there.uri) if _may_hold_runs(store, there.uri) else {}
    if not found:
        raise ConfigurationError(
            f"{there.uri}: is no workspace with runs, of which old ones could be removed; name the folder of all runs, "
            "as `workspace` in a run file names it, and one run without --older-than"
        )
    return found


def _status(asked: CommandLine) -> str:
    return str(RunStatus.PLANNED if asked.dry_run else RunStatus.CLEANED)


def _rules(there: Reached, days: int, tell: Tell) -> LifecycleConfiguration:
    """The rule over the rows of the whole workspace, of which a run was named, or itself.

    Raises:
        ConfigurationError: there is neither, or the rule would forget a ledger.
    """
    run = there.recorded()
    is_run = run.state is not None or there.is_of_file
    store, workspace = run.store, run.layout.workspace if is_run else there.uri
    rows = rows_of_all_runs(workspace)
    amount, others, found = Amount(), set[str](), False
    for info in store.list(workspace) if _may_hold_runs(store, workspace) else iter(()):
        if info.key.startswith(rows.prefix):
            amount = amount.plus(info.size_bytes)
            if is_step(info.key):
                raise ConfigurationError(
                    f"{S3Uri(rows.bucket, info.key)}: a ledger lies below {rows}, and a rule would forget it: a run of "
                    "an earlier version was named `rows`, or another workspace lies there; clean that first"
                )
        elif (layout := run_of_step(workspace, info.key)) is not None:
            found = True
            others |= set() if layout.rows_apart else {layout.name}
    if not found:
        raise ConfigurationError(f"{there.uri}: there is no run, nor a workspace with runs; name one of the two")
    tell(f"{rows}: {amount.words} now; each is forgotten {counted(days, 'day')} after it was written, and no ledger is")
    if others:
        tell(
            f"{workspace}: of {counted(len(others), 'run')} of earlier versions the rows lie beside the ledger, and no "
            f"rule reaches these alone; to see what would be: `clean {workspace} --older-than {days} --dry-run`"
        )
    tell("putting a lifecycle configuration replaces the bucket's: add the rule to those that it has")
    return lifecycle_rules(rows, days)


def _may_hold_runs(store: ObjectStore, folder: S3Uri) -> bool:
    """Returns whether there is the bucket of what is named as a workspace.

    A ledger there has the key that one of an earlier version's run would have in a workspace; its first step tells.

    Raises:
        ConfigurationError: it is the folder of the ledgers of another workspace.
    """
    if not store.bucket(folder):
        return False
    if folder.name != RUNS:
        return True
    keys = (info.key for info in store.list(folder))
    ledgers = {layout.run for key in keys if (layout := run_of_step(folder, key)) and not layout.rows_apart}
    if any(_is_run_of(folder.parent, run, store) for run in ledgers):
        raise ConfigurationError(
            f"{folder}: is where the workspace {folder.parent} keeps the ledgers of its runs; name that one"
        )
    return True


def _is_run_of(workspace: S3Uri, run: S3Uri, store: ObjectStore) -> bool:
    try:
        return named_run(run, store).layout.workspace == workspace
    except LedgerCorrupt:  # which tells of itself where it is cleaned
        return False


def _try_to_clean(there: Reached, asked: CommandLine, tell: Tell) -> CleanedRun | None:
    try:
        with typed_errors():
            return _clean_run(there, asked, tell)
    except BatchTransformError as err:
        tell(str(err))
        return None


def _clean_run(there: Reached, asked: CommandLine, tell: Tell) -> CleanedRun:
    run, state = there.run()
    _refuse_unfinished(there, run, state, asked.unfinished)
    left = _leftovers(run, state, asked)
    left.check()
    remains: list[str] = []
    if asked.dry_run:
        amount = left.amount()
        tell(f"{run.uri}: {amount.words} would be removed; kept: {', '.join(left.kept)}")
    else:
        with run.held() as (lease, state):
            _refuse_unfinished(there, run, state, asked.unfinished)
            left = _leftovers(run, state, asked)  # another process may have removed some meanwhile
            amount = left.amount()
            tell(f"{run.uri}: {amount.words} are removed; kept: {', '.join(left.kept)}")
            _, remains = clean(left, lease, run.ledger)
    for place in remains:
        tell(f"{place}: cannot be reached from here and remains")
    return {
        "run_id": state.run_id,
        "status": _status(asked),
        "workspace": str(run.uri),
        "objects": amount.objects,
        "bytes": amount.size_bytes,
        "kept": left.kept,
        "remains": remains,
        "given_up": state.report is None,
    }


def _leftovers(run: RecordedRun, state: RunState, asked: CommandLine) -> Leftovers:
    return leftovers(_config(state), run.layout, state, run.store, run.ledger, rows_only=asked.rows_only)


def _refuse_unfinished(there: Reached, run: RecordedRun, state: RunState, unfinished: bool) -> None:
    """Raises ConfigurationError for a run that would lose what was paid for, or whose jobs go on."""
    if state.report is not None or state.cleaned:
        return
    lease = None if unfinished else run.lease().look()
    if lease is not None and standing(state, lease, run.lease_age_seconds()) is RunStatus.RUNNING:
        raise ConfigurationError(
            f"{there.uri}: a driver is at work on it ({lease.who}); wait until it is published, or end it: "
            f"`stop {there.uri}`"
        )
    if state.publication is not None or state.intents or state.output_is_fixed:
        raise ConfigurationError(f"{there.uri}: is in the middle of publishing; resume it first")
    if not unfinished:
        raise ConfigurationError(
            f"{there.uri}: is not published, and could not be resumed once it is cleaned, nor could its name be used "
            "again: its input is then scored under another run_id. To clean it all the same, add --unfinished"
        )
    if flying := _flying(there, state):
        raise ConfigurationError(f"{there.uri}: jobs are in flight: {', '.join(flying)}; stop it first")


def _flying(there: Reached, state: RunState) -> list[str]:
    """The jobs that the service still works on; the ledger may not know of an end, nor of a beginning."""
    jobs = jobs_of(there.access)
    keeps = there.access.keeps_jobs
    unknown = [job for job in state.jobs if job.status is None]
    return [job.name for job in unknown if jobs.is_in_flight(job.name, was_created=job.created and keeps)]


def _config(state: RunState) -> RunConfig:
    try:
        return recorded_config(state.config, is_of_frame=state.settings.is_of_frame)
    except ConfigurationError as err:
        raise ConfigurationError(f"{state.run_id}: {err}") from err
