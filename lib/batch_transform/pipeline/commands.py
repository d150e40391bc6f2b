"""The commands about a run that need no Spark: status, stop, clean; and what `resume` goes on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from batch_transform.aws.access import AwsAccess
from batch_transform.config.loading import load, reload, surroundings
from batch_transform.config.places import is_s3
from batch_transform.config.runfile import FrameConfig, RunConfig
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.errors import BatchTransformError, ConfigurationError, RunHeld, ServiceFailure
from batch_transform.core.lease import DEFAULT_TTL_SECONDS, Lease
from batch_transform.core.lifecycle import lifecycle_rules
from batch_transform.core.records import RunState
from batch_transform.core.report import run_report
from batch_transform.core.state import fold
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.cleaning import clean
from batch_transform.pipeline.command_line import STATUS, STOP, CommandLine
from batch_transform.pipeline.emulation import embedded_emulator
from batch_transform.pipeline.reaching import access_of
from batch_transform.pipeline.recorded import CLOCK, RecordedRun, read_run
from batch_transform.pipeline.stopping import stop_jobs
from batch_transform.s3.stop_request import request_stop
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs

# How long `stop` waits for a driver that is at work: it looks at each poll, but not while Spark works.
STOP_PATIENCE_SECONDS = 600.0
DAY_SECONDS = 24 * 3600

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Reached:
    """Where the run, or the workspace, lies that a person has named, and the way there."""

    uri: S3Uri
    access: AwsAccess

    def run(self) -> tuple[RecordedRun, RunState]:
        """Returns the run.

        Raises:
            ConfigurationError: there is none.
        """
        found = read_run(self.uri, self.access)
        if found.state is None:
            raise ConfigurationError(f"{self.uri}: there is no run; a run's folder is <workspace>/<run_id>")
        return found, found.state


@contextmanager
def reached(asked: CommandLine, environ: Mapping[str, str]) -> Iterator[Reached]:
    """Yields where the subject of a command lies; an emulated one can be reached within the block only.

    Raises:
        ConfigurationError: the run file or the arguments are wrong, or the run ended with its emulator.
    """
    near: RunConfig | Surroundings
    if is_s3(asked.subject):
        near, uri = surroundings(asked.sets, asked.emulator_models), S3Uri.parse(asked.subject)
    else:
        near = _loaded(asked, environ)
        uri = S3Uri.parse(near.workspace).join(near.run_id or "")
    if near.emulator is None:
        yield Reached(uri, access_of(near, None, environ))
        return
    _refuse_ephemeral(asked.command, near.emulator.state)
    with embedded_emulator(near.emulator) as url:
        yield Reached(uri, access_of(near, url, environ))


def _loaded(asked: CommandLine, environ: Mapping[str, str]) -> RunConfig:
    return load(
        asked.subject,
        sets=asked.sets,
        variables=asked.variables,
        emulator_models=asked.emulator_models,
        environ=environ,
    )


def _refuse_ephemeral(command: str, state: str | None) -> None:
    if state is None:
        raise ConfigurationError(
            f"{command}: the embedded emulator's S3 and jobs end with the run's driver, so there is nothing to go back "
            "to; set emulator.state to a folder before a run begins, and it survives its driver"
        )


def configuration(asked: CommandLine, environ: Mapping[str, str]) -> RunConfig:
    """Returns the configuration of `run` or `resume`.

    Args:
        asked: the command line.
        environ: where `${name}` is looked up, and what reaches AWS.

    Raises:
        ConfigurationError: the run file or the arguments are wrong, or there is no run to resume.
    """
    if asked.command == "run":
        return _loaded(asked, environ)
    with reached(asked, environ) as there:
        _, state = there.run()
    if not is_s3(asked.subject):
        return _loaded(asked, environ)
    if state.config.get("input") is None:
        raise ConfigurationError(f"resume: {there.uri} was begun by score(); the same call goes on with it")
    source = f"the ledger of {there.uri}"
    return reload(state.config, source, sets=asked.sets, emulator_models=asked.emulator_models)


def execute(asked: CommandLine, environ: Mapping[str, str], tell: Tell) -> dict[str, Any]:
    """Returns the report of `status`, `stop` or `clean`.

    Raises:
        ConfigurationError: there is no such run, or the command does not fit it.
        BatchTransformError: it could not be done.
    """
    with reached(asked, environ) as there:
        if asked.command == STATUS:
            return status(there)
        if asked.command == STOP:
            return stop(there, tell)
        return _clean(there, asked, tell)


def status(there: Reached) -> dict[str, Any]:
    """Returns the report of a run as it stands, with its lease."""
    run, state = there.run()
    lease = run.lease(DEFAULT_TTL_SECONDS).look()
    report = run_report(state, _status(run, state, lease), str(there.uri))
    return (state.report or report) | {"status": report["status"], "cleaned": state.cleaned}


def _status(run: RecordedRun, state: RunState, lease: Lease | None) -> str:
    if state.report is not None:
        return "published"
    if lease is None or lease.released:
        return "ended"
    # S3's clock against this one's: good enough to tell a person, too coarse to decide anything.
    return "running" if run.lease_age_seconds() < lease.ttl_seconds else "died"


def stop(there: Reached, tell: Tell, patience_seconds: float = STOP_PATIENCE_SECONDS) -> dict[str, Any]:
    """Returns the report of a run once it is stopped: by its driver, which is asked, or by this process if it is dead.

    Raises:
        ServiceFailure: its driver is at work and has not obeyed in time, or a job could not be stopped.
    """
    run, state = there.run()
    if state.report is not None:
        return state.report
    ttl = float(state.config.get("lease_seconds", DEFAULT_TTL_SECONDS))
    lease = run.lease(ttl)
    held = lease.look()
    if held is not None and not held.released:
        request_stop(run.store, run.uri, held.epoch, CLOCK.now().isoformat())
        tell(f"{run.uri}: its driver ({held.writer}) is asked to stop")
    try:
        epoch = lease.acquire(run.ledger.epoch, patience_seconds)
    except RunHeld as err:
        raise ServiceFailure(f"{err}. It is asked to stop, and will when the step that it is in has ended") from err
    try:
        run.ledger.hold(epoch)
        state = fold(run.ledger.load()) or state
        jobs = TransformJobs(there.access.session(), there.access.client("sagemaker"))
        state, names = stop_jobs(state, lease, run.ledger, jobs)
        for name in names:
            tell(f"{name}: stop requested")
        report = state.report or run_report(state, "interrupted", str(run.uri))
        run.store.put(run.uri.join("status.json"), json.dumps(report, ensure_ascii=False, indent=1).encode())
    finally:
        lease.release()
    return report


def _clean(there: Reached, asked: CommandLine, tell: Tell) -> dict[str, Any]:
    if asked.lifecycle:
        return lifecycle_rules(there.uri, _days("--lifecycle", asked.lifecycle[-1]))
    if not asked.older_than:
        return _clean_run(there, asked.unfinished, tell)
    age = timedelta(days=_days("--older-than", asked.older_than[-1]))
    store = S3Store(there.access.client("s3"))
    cleaned: list[str] = []
    kept: list[str] = []
    for uri, touched in _runs(store, there.uri).items():
        if CLOCK.now() - touched < age:
            continue
        (cleaned if _try_to_clean(Reached(uri, there.access), asked.unfinished, tell) else kept).append(str(uri))
    return {"status": "cleaned", "cleaned": cleaned, "kept": kept}


def _try_to_clean(there: Reached, unfinished: bool, tell: Tell) -> bool:
    try:
        _clean_run(there, unfinished, tell)
    except BatchTransformError as err:
        tell(str(err))
        return False
    return True


def _days(option: str, text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ConfigurationError(f"{option}: is {text!r}; valid: a whole number of days, 1 or more")
    return int(text)


def _runs(store: S3Store, workspace: S3Uri) -> dict[S3Uri, Any]:
    """The runs of a workspace, with the time of the last step of each."""
    found: dict[S3Uri, Any] = {}
    for info in store.list(workspace):
        run_id, folder, *_ = [*info.key[len(workspace.prefix) :].split("/"), ""]
        if folder == "ledger":
            uri = workspace.join(run_id)
            found[uri] = max(found.get(uri, info.last_modified), info.last_modified)
    return found


def _clean_run(there: Reached, unfinished: bool, tell: Tell) -> dict[str, Any]:
    run, state = there.run()
    if state.report is None and not state.cleaned:
        if not unfinished:
            raise ConfigurationError(
                f"{run.uri}: is not published, and could not be resumed once it is cleaned; add --unfinished"
            )
        if flying := [job.name for job in state.jobs if job.created and job.status is None]:
            raise ConfigurationError(f"{run.uri}: jobs are in flight: {', '.join(flying)}; stop it first")
    lease = run.lease(float(state.config.get("lease_seconds", DEFAULT_TTL_SECONDS)))
    epoch = lease.acquire(run.ledger.epoch)
    try:
        run.ledger.hold(epoch)
        state = fold(run.ledger.load()) or state
        state, left = clean(_config(state), state, run.store, lease, run.ledger)
    finally:
        lease.release()
    for place in left:
        tell(f"{place}: cannot be reached from here and remains")
    return {"run_id": state.run_id, "status": "cleaned", "workspace": str(run.uri), "remains": left}


def _config(state: RunState) -> RunConfig:
    kind = RunConfig if state.config.get("input") is not None else FrameConfig
    return kind.from_document(state.config)
