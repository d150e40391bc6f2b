"""Which command does what: those that need no Spark, and what `run`, `plan`, `resume` and the steps go on with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import BatchTransformError, ConfigurationError, RunHeld, ServiceFailure
from batch_transform.core.lease import Lease
from batch_transform.core.ledger import JsonObject
from batch_transform.core.publishing.report import already_published
from batch_transform.core.publishing.standing import report_of_stopped
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import ASKED, RunState
from batch_transform.core.run_views.listed_runs import jobs_at_work
from batch_transform.pipeline.commands.clean import clean_command
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import (
    COMPARE,
    IAM,
    PACKAGE,
    PLAN,
    PREPARE,
    RUN,
    SMOKE,
    STATUS,
    STEPS,
    STOP,
    VIEWS,
    WITHOUT_SPARK,
)
from batch_transform.pipeline.commands.compare import compare
from batch_transform.pipeline.commands.iam import policies
from batch_transform.pipeline.commands.looked_at import last_said, looked_at, recorded_report
from batch_transform.pipeline.commands.named_run import Reached, loaded, reached, resumable
from batch_transform.pipeline.commands.package import package
from batch_transform.pipeline.commands.views import view
from batch_transform.pipeline.ending.exits import teller
from batch_transform.pipeline.ending.reporting import Reporting, page_on_this_disk
from batch_transform.pipeline.ending.stopping import stop_jobs, stopped_since
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.recorded import RecordedRun
from batch_transform.pipeline.remedies import way_on
from batch_transform.pipeline.telling import Tell
from batch_transform.pipeline.world.aws_access import jobs_of
from batch_transform.s3.lease import request_stop

# How long `stop` waits for a driver that is at work: it looks at each poll, but not while Spark works.
STOP_PATIENCE_SECONDS = 600.0


def configuration(asked: CommandLine, environ: Mapping[str, str]) -> RunConfig:
    """Returns the configuration of `run`, of `plan`, of `resume`, or of a step.

    Args:
        asked: the command line.
        environ: where `${name}` is looked up, and what reaches AWS.

    Raises:
        ConfigurationError: the run file or the arguments are wrong, or there is no run to resume.
    """
    if asked.command == PLAN:
        return loaded(asked, environ).named()
    if asked.command == RUN or (asked.command == PREPARE and asked.names_file):
        config = _begun_or_not(asked, environ)
        if asked.command == RUN and asked.limit:
            return config.limited(int(asked.limit[-1]))
        return config.named() if asked.command == RUN else config
    with reached(asked, environ) as there:
        _, state = there.run()
        return resumable(asked, environ, there, state)


def _begun_or_not(asked: CommandLine, environ: Mapping[str, str]) -> RunConfig:
    """The configuration of a run file; where it lacks what only an input needs, whether rows are staged is asked."""
    try:
        return loaded(asked, environ)
    except ConfigurationError:
        lacking = loaded(asked, environ, reads_input=False)
        if lacking.ephemeral or lacking.run_id is None:
            raise
        state = None
        with suppress(BatchTransformError), reached(asked, environ) as there:  # what is lacking is said first
            state = there.recorded().state
        if state is None or state.staged is None:
            raise
        return lacking


def done_without_spark(asked: CommandLine, environ: Mapping[str, str], handshake: Handshake) -> int | None:
    """Returns the exit code of a command that needs no Spark, with what it tells at the handshake; None: it needs it.

    Of a step it may be the rest alone that does.
    """
    if asked.command in VIEWS:
        handshake.show(view(asked, environ, teller(asked.command)))
        return 0
    if asked.command in WITHOUT_SPARK:
        handshake.report(execute(asked, environ, teller(asked.command)))
        return 0
    if asked.command not in STEPS:
        return None
    from batch_transform.pipeline.commands.steps import step_without_spark  # late: it alone needs the driver's loop

    return step_without_spark(asked, environ, handshake)


def execute(asked: CommandLine, environ: Mapping[str, str], tell: Tell) -> JsonObject:
    """Returns the report of `status`, `stop`, `clean`, `compare`, `smoke` or `package`, or what `iam` prints.

    Raises:
        ConfigurationError: there is no such run, or the command does not fit it.
        BatchTransformError: it could not be done.
    """
    if asked.command == IAM:
        return policies(asked, loaded(asked, environ, reads_input=False))
    if asked.command == PACKAGE:
        return package(asked, tell)
    if asked.command == SMOKE:
        from batch_transform.pipeline.commands.smoke import smoke_command  # late: it alone needs all that it asks

        return smoke_command(asked, environ, tell)
    if asked.command == STOP:
        return _stopped(asked, environ, tell)
    with reached(asked, environ, borrows=asked.command != COMPARE) as there:  # which asks a model
        if asked.command == STATUS:
            return status(there, tell)
        if asked.command == COMPARE:
            return compare(there, asked, tell)
        return clean_command(there, asked, tell)


def _stopped(asked: CommandLine, environ: Mapping[str, str], tell: Tell) -> RunReport:
    """The report of a stopped run; as `stop`."""
    with reached(asked, environ, borrows=True) as there:
        if not there.is_borrowed:
            return stop(there, tell)
        ask_its_driver(there, tell)
    # Its emulator ends with that driver, and what they leave in the folder is looked at once they have gone.
    with reached(asked, environ, wait_seconds=STOP_PATIENCE_SECONDS) as there:
        return stop(there, tell)


def status(there: Reached, tell: Tell) -> RunReport:
    """Returns the report of a run as it stands, with its lease, the states of its jobs, and what its end said."""
    run, state = there.run()
    found = looked_at(there, run, state, tell)
    report, state = found.report, found.state
    waiting = [job.name for job in jobs_at_work(state)]
    gone = _forgotten(run, state)
    return report | {"cleaned": state.cleaned, "rows_forgotten": gone, "wait_for": waiting}


def _forgotten(run: RecordedRun, state: RunState) -> bool:
    """Whether what held rows is gone: it was removed, or a lifecycle rule has left nothing."""
    apart = state.spans is not None and run.layout.rows_apart
    return state.forgotten or (apart and next(iter(run.store.list(run.layout.rows)), None) is None)


def ask_its_driver(there: Reached, tell: Tell) -> tuple[RecordedRun, RunState]:
    """Returns the run, whose driver, if one is at work, finds when it next looks that it is to stop."""
    run, state = there.run()
    held = run.lease().look()
    if state.report is None and not state.cleaned and held is not None and not held.released:
        _ask(run, held, tell)
    return run, state


def _ask(run: RecordedRun, held: Lease, tell: Tell) -> None:
    request_stop(run.store, run.layout, held.epoch, CLOCK.now().isoformat())
    tell(f"{run.uri}: its driver ({held.who}) is asked to stop")


class _GoneOn(Exception):
    """Somebody goes on with a run that was stopped as was asked: that is not what was to be stopped."""

    def __init__(self, report: RunReport) -> None:
        super().__init__()
        self.report = report


def stop(there: Reached, tell: Tell, patience_seconds: float = STOP_PATIENCE_SECONDS) -> RunReport:
    """Returns the report of a run once it is stopped: by its driver, which is asked, or by this process if it is dead.

    A driver that takes the run while this waits is asked as well, but for one that goes on with it once it is stopped.

    Raises:
        ServiceFailure: its driver is at work and has not obeyed in time, or a job could not be stopped.
    """
    run, state = there.run()
    if (ended := _ended(run, state, tell)) is not None:
        return ended
    known = len(run.ledger.steps)

    def meets(held: Lease) -> None:
        now = run.ledger.state()
        if now is None or not stopped_since(run.ledger, known):
            _ask(run, held, tell)
        elif not now.stopped:  # else who stops it holds it still
            tell(f"{run.uri}: was stopped, and {held.who} has gone on with it since")
            raise _GoneOn(recorded_report(run, now).report)

    try:
        with run.held(patience_seconds, meets) as (lease, before):
            if (ended := _ended(run, before, tell)) is not None:
                return ended
            jobs = jobs_of(there.access)
            keeps = there.access.keeps_jobs
            state, names = stop_jobs(before, lease, run.ledger, jobs, ASKED, known, keeps_jobs=keeps)
            for name in names:
                tell(f"{name}: stop requested")
            return _reported(run, before, state, there.access.console_region)
    except _GoneOn as found:
        return found.report
    except RunHeld as err:
        raise ServiceFailure(f"{err}. It is asked to stop, and will when the step that it is in has ended") from err


def _reported(run: RecordedRun, before: RunState, state: RunState, region: str | None) -> RunReport:
    """The report of a run that is stopped, written where its last driver has left its own; no region: an emulator's."""
    said, way = last_said(run), way_on(str(run.uri), takes_frame=state.settings.is_of_frame)
    report = report_of_stopped(state, before, str(run.uri), said, way, emulated=region is None)
    beside = page_on_this_disk(said) if region is None else None
    return Reporting(run.store, run.layout, run.ledger, CLOCK.now(), region, beside).write(state, report)


def _ended(run: RecordedRun, state: RunState, tell: Tell) -> RunReport | None:
    """The report of a run that has nothing more to be stopped; what a cleaned one said last is not told otherwise."""
    if state.report is not None:
        tell(already_published(state.report))
        return state.report
    return recorded_report(run, state).report if state.cleaned else None
