"""The command `clean`: one run, the old runs of a workspace, or the rules with which S3 does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from batch_transform.config.runfile import FrameConfig, RunConfig
from batch_transform.core.errors import BatchTransformError, ConfigurationError
from batch_transform.core.lease import DEFAULT_TTL_SECONDS
from batch_transform.core.lifecycle import lifecycle_rules
from batch_transform.core.records import RunState
from batch_transform.core.state import fold
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.cleaning import clean
from batch_transform.pipeline.command_line import CommandLine
from batch_transform.pipeline.named_run import Reached
from batch_transform.pipeline.recorded import CLOCK
from batch_transform.s3.store import S3Store

Tell = Callable[[str], None]


def clean_command(there: Reached, asked: CommandLine, tell: Tell) -> dict[str, Any]:
    """Returns the report of `clean`.

    Raises:
        ConfigurationError: there is no such run, or it is not to be cleaned.
        RunHeld: a driver is at work on it.
    """
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


def _runs(store: S3Store, workspace: S3Uri) -> dict[S3Uri, datetime]:
    """The runs of a workspace, with the time of the last step of each."""
    found: dict[S3Uri, datetime] = {}
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
