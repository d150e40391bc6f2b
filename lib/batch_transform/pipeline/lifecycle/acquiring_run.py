"""Take a run and keep it: wire its ports, hold its lease, begin its ledger or go on with it. Needs no Spark."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from batch_transform.aws.access import AwsAccess
from batch_transform.cloudwatch.container_logs import ContainerLogs
from batch_transform.cloudwatch.data_logs import DataLogs
from batch_transform.config.runfile import RunConfig
from batch_transform.core.amounts import counted
from batch_transform.core.errors import BatchTransformError, RunStopped
from batch_transform.core.escaping import hidden
from batch_transform.core.events import Listener
from batch_transform.core.lease import RENEWALS_PER_TTL
from batch_transform.core.ledger import StepKind
from batch_transform.core.object_names import NONCE_CHARACTERS
from batch_transform.core.predictions.prediction_types import decode_schema, encode_schema
from batch_transform.core.publishing.report import already_published
from batch_transform.core.resuming.resumed_run import goes_back
from batch_transform.core.resuming.retried_dead_rows import check_retry
from batch_transform.core.run_settings import carried_on
from batch_transform.core.run_state import RunState
from batch_transform.core.secret_values import sealed, secrets_of
from batch_transform.core.state.fold import advance
from batch_transform.pipeline.context import ObjectWork, RunContext, TableWork
from batch_transform.pipeline.ending.stopping import stopped_since
from batch_transform.pipeline.local_process import CLOCK, this_process
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.recorded import RecordedRun, acquired, check_same
from batch_transform.pipeline.remedies import SAME_CALL
from batch_transform.pipeline.run_switches import RunSwitches
from batch_transform.pipeline.world.aws_access import jobs_of, lookup_of
from batch_transform.s3.lease import RunLease


def context_of(
    run: RecordedRun,
    config: RunConfig,
    access: AwsAccess,
    listener: Listener,
    places: Places,
    tables: TableWork,
    objects: ObjectWork,
    *,
    waits: bool = True,
    switches: RunSwitches,
) -> RunContext:
    """Returns the outside world of a run, wired to AWS (or to the emulator) and to this machine's time.

    Args:
        run: as it is recorded; its ledger's writer is the one of this process.
        config: the checked configuration.
        access: to AWS, or to the emulator.
        listener: is told what happens.
        places: of the run.
        tables: work on whole tables.
        objects: work on many objects.
        waits: whether this process waits for jobs to end and for quotas.
        switches: what whoever begins the run, or goes on with it, says besides.
    """
    assert config.run_id is not None
    writer, told = run.ledger.writer, secrets_of(config.to_document()).values()

    def hide(text: str) -> str:
        return hidden(text, told)

    return RunContext(
        config=config,
        run_id=config.run_id,
        writer=writer,
        places=places,
        store=run.store,
        lease=RunLease(run.store, run.layout, writer, config.lease_seconds, CLOCK.boot, CLOCK.sleep, this_process()),
        ledger=run.ledger,
        jobs=jobs_of(access, hide=hide),
        logs=DataLogs(access.client("logs"), CLOCK.sleep),
        tables=tables,
        objects=objects,
        clock=CLOCK,
        jitter=random.random,
        poll_seconds=config.poll_seconds(emulated=access.is_emulator),
        listener=lambda event: listener(replace(event, text=hide(event.text))),
        waits=waits,
        models=lookup_of(access),
        switches=switches,
        region=access.console_region,
        last_words=lambda job: [hide(line) for line in ContainerLogs(access.client("logs")).last_words(job)],
    )


def begin(ctx: RunContext) -> RunState:
    """Returns the state of the run once this driver holds it, begun if it is new.

    Raises:
        RunHeld: another driver is at work on it.
        ConfigurationError: another driver has begun it in the meantime, with another configuration.
        RunStopped: a person has stopped it since this process has read what is recorded of it.
    """
    return _taken(ctx, lambda recorded, _given_back: _held(ctx, recorded))


def rejoin(ctx: RunContext, *, is_meant: bool) -> tuple[RunContext, RunState]:
    """Returns the state of a run that has begun once this process holds it, for a step of many, and its context.

    A step comes each minute, and most find nothing to do. So it records that it goes on with the run only where that
    says something: its configuration is another one, the run had ended, the process before it died, whose appends must
    be fenced, or a job is to go back to an earlier instance type.

    Args:
        ctx: of the run, as it was before it was held: another process may since have inferred how answers are read.
        is_meant: whether whoever asks for the step means to go on with a run that a person has stopped.

    Raises:
        RunHeld: another driver is at work on it.
        ConfigurationError: it was begun with another configuration.
        RunStopped: a person has stopped it, and going on is not meant, or as `begin`.
    """

    def held(recorded: RunState | None, given_back: bool) -> RunState:
        assert recorded is not None
        check_same(recorded, ctx.config)
        if recorded.stopped and not is_meant:
            raise RunStopped(ctx.places.run)
        ended = recorded.stopped or (recorded.last_round is not None and bool(recorded.last_round.stop))
        given = sealed(ctx.config.to_document(), recorded.nonce)
        changed = recorded.config != carried_on(recorded.config, given)
        if recorded.report is not None:
            return as_published(ctx, recorded)
        goes_on = ended or changed or not given_back or ctx.switches.accept_model
        patience = ctx.config.transform.job_timeout_minutes
        if not goes_on and not goes_back(recorded, ctx.clock.now(), patience, is_meant=is_meant):
            return recorded
        # Without its time where nobody means it: the wait that has ended the run is not begun anew by looking.
        return _held(_reading(ctx, recorded), recorded, tells_time=goes_on or is_meant)

    state = _taken(ctx, held)
    return _reading(ctx, state), state


def as_published(ctx: RunContext, state: RunState) -> RunState:
    """Returns the state of a published run, which is gone on with by telling that nothing is done."""
    assert state.report is not None
    ctx.tell("publish", already_published(state.report))
    return state


def _reading(ctx: RunContext, state: RunState) -> RunContext:
    """The context that reads answers as the state says."""
    assert state.staged is not None
    return replace(ctx, objects=ctx.objects.reading(decode_schema(state.staged.answers)))


def _taken(ctx: RunContext, held: Callable[[RunState | None, bool], RunState]) -> RunState:
    """What `held` returns of the recorded state, and of whether the last driver has given the run back."""
    last = ctx.lease.look()
    given_back = last is None or last.released
    if last is not None and not given_back:
        died = f"waiting up to {last.ttl_seconds:g} s to see whether it lives"
        ctx.tell("resume", f"the last driver ({last.who}) has not given the run back; {died}")
    known = len(ctx.ledger.steps)
    try:  # a signal may come as soon as the lease is held
        recorded = acquired(ctx.lease, ctx.ledger)
        is_stopped = recorded is not None and recorded.stopped and not recorded.cleaned
        if is_stopped and stopped_since(ctx.ledger, known):  # of two who ask for something else the later is obeyed
            way = SAME_CALL if ctx.config.takes_frame else f"`resume {ctx.places.run}`"
            raise RunStopped(ctx.places.run, way)
        return held(recorded, given_back)
    except BaseException:
        ctx.lease.release()
        raise


def _held(ctx: RunContext, recorded: RunState | None, *, tells_time: bool = True) -> RunState:
    nonce = recorded.nonce if recorded is not None else secrets.token_hex(NONCE_CHARACTERS // 2)
    at = {"at": ctx.clock.now().isoformat(), "config": sealed(ctx.config.to_document(), nonce)}
    if recorded is None:
        apart = {"rows_apart": ctx.places.layout.rows_apart}
        opened = {"run_id": ctx.run_id, "nonce": nonce, **apart, **at}
        return advance(None, ctx.ledger.append(StepKind.OPENED, opened))
    check_same(recorded, ctx.config)
    if ctx.switches.retry_dead:
        check_retry(recorded, ctx.places.run)
    if recorded.report is not None:
        return as_published(ctx, recorded)
    rounds = (
        f"after {counted(recorded.rounds, 'round')}" if recorded.rounds else "from where it was, with no round ended"
    )
    ctx.tell("resume", f"{ctx.run_id} goes on {rounds}")
    told = {
        **(at if tells_time else {"config": at["config"]}),
        "answers": encode_schema(ctx.objects.reader.schema),
        **({"retry_dead": True} if ctx.switches.retry_dead else {}),
        **({"accept_model": True} if ctx.switches.accept_model else {}),
    }
    return advance(recorded, ctx.ledger.append(StepKind.RESUMED, told))


@contextmanager
def renewed(lease: RunLease) -> Iterator[None]:
    """Renews the lease in the background within the block.

    A renewal that fails is tried again at the next turn; that the lease is lost is told to the driver by
    `RunLease.require`, which it asks before it changes anything.
    """
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(lease.ttl_seconds / RENEWALS_PER_TTL):
            with suppress(BatchTransformError):
                lease.renew()

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # Not joined: it may be waiting for an answer of S3, and it is the process's end that matters.
