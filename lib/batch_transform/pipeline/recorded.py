"""What the ledger tells of a run, to whoever has neither Spark nor the run file."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pyarrow.compute as pc

from batch_transform.aws.access import AwsAccess
from batch_transform.config.changes import differences
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.lease import Lease
from batch_transform.core.near_names import nearest
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.predictions.answer_form import AnswerForm, answer_form
from batch_transform.core.predictions.prediction_types import decode_schema
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.run_layout import ROWS, RUNS, RunLayout, layouts_named, layouts_of
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.run_state import RunState
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.local_process import CLOCK, this_process
from batch_transform.pipeline.remedies import as_another_run
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger
from batch_transform.s3.store import S3Store


@dataclass(frozen=True)
class RecordedRun:
    """A run as its folder on S3 tells it.

    Attributes:
        state: None for a run that never began.
    """

    layout: RunLayout
    store: ObjectStore
    ledger: Ledger
    state: RunState | None

    @property
    def uri(self) -> S3Uri:
        """What names it in commands."""
        return self.layout.run

    @property
    def lies_here(self) -> bool:
        """Whether there is a run, and its layout is this one."""
        return self.state is not None and self.state.rows_apart == self.layout.rows_apart

    def lease(self) -> RunLease:
        """Returns the run's lease, not held yet."""
        ttl = self.state.settings.lease_seconds if self.state else RunSettings.lease_seconds
        return RunLease(self.store, self.layout, self.ledger.writer, ttl, CLOCK.boot, CLOCK.sleep, this_process())

    @contextmanager
    def held(
        self, patience_seconds: float = 0.0, meets: Callable[[Lease], None] = lambda _lease: None
    ) -> Iterator[tuple[RunLease, RunState]]:
        """Yields the lease, held within the block, and the state as `acquired` finds it; for a run that has begun."""
        assert self.state is not None
        lease = self.lease()
        try:  # a signal may come as soon as the lease is held
            yield lease, acquired(lease, self.ledger, patience_seconds, meets) or self.state
        finally:
            lease.release()

    def lease_age_seconds(self) -> float:
        """Returns how long ago the lease was renewed, by S3's clock alone where it tells its time."""
        found = self.store.head(self.layout.lease)
        return ((found.told_at or CLOCK.now()) - found.last_modified).total_seconds() if found else float("inf")


def named_run(uri: S3Uri, store: ObjectStore) -> RecordedRun:
    """Returns the run that a command names; its state is None if there is no such bucket or ledger."""
    return _read(layouts_named(uri), store)


def read_run(workspace: S3Uri, run_id: str, store: ObjectStore) -> RecordedRun:
    """Returns a run of a workspace; its state is None if it never began, and then it would begin in its layout.

    Raises:
        ConfigurationError: another workspace's run lies where it would.
    """
    return _read(layouts_of(workspace, run_id), store)


def _read(layouts: Sequence[RunLayout], store: ObjectStore) -> RecordedRun:
    others = []
    for layout in layouts if store.bucket(layouts[0].workspace) else ():
        found = run_at(layout, store)
        if found.lies_here:
            return found
        others += [layout] if found.state is not None else []
    first = layouts[0]
    if first in others:
        raise ConfigurationError(
            f"workspace: {first.kept} holds a run that an earlier version began in a workspace {first.kept.parent}; "
            f"choose another run_id than {first.name}, or another workspace"
        )
    return RecordedRun(first, store, _ledger(first, store), None)


def run_at(layout: RunLayout, store: ObjectStore) -> RecordedRun:
    """Returns the run whose ledger lies just there, whatever layout it says that it has."""
    ledger = _ledger(layout, store)
    return RecordedRun(layout, store, ledger, ledger.state())


def _ledger(layout: RunLayout, store: ObjectStore) -> Ledger:
    return Ledger(store, layout, uuid.uuid4().hex[:12], 0, CLOCK.sleep)


def no_run(told: str, uri: S3Uri, store: ObjectStore) -> str:
    """Returns what is told of a run that is not there, with the one of its workspace that may be meant.

    Args:
        told: how it was named.
        uri: where it would lie.
        store: where it was looked for.
    """
    near: S3Uri | None = None
    with suppress(StoreFailure):  # who may read a run, may not list others
        if not store.bucket(uri.parent):
            return f"{told}: there is no bucket {uri.bucket}; a run is named <workspace>/<run_id>"
        near = _near_run(uri, store)
    hint = "" if near is None else f" (did you mean {near}?)"
    return f"{told}: there is no run{hint}; a run is named <workspace>/<run_id>"


def _near_run(uri: S3Uri, store: ObjectStore) -> S3Uri | None:
    """A run of the same workspace whose name is most like one that is not there."""
    for rows_apart, folder in ((True, uri.parent.join(RUNS)), (False, uri.parent)):
        name = nearest(uri.name, sorted({found.name for found in store.folders(folder)} - {RUNS, ROWS, uri.name}))
        if name is not None:
            layout = RunLayout(uri.parent, name, rows_apart=rows_apart)
            if next(iter(store.list(layout.ledger)), None) is not None:  # not every folder there is a run's
                return layout.run
    return None


def acquired(
    lease: RunLease,
    ledger: Ledger,
    patience_seconds: float = 0.0,
    meets: Callable[[Lease], None] = lambda _lease: None,
) -> RunState | None:
    """Returns the run as it is once the lease is held, under which the ledger appends from now on.

    Args:
        lease: of the run; whoever calls this releases it, also when this raises.
        ledger: of the run.
        patience_seconds: how long to wait for a driver that is at work.
        meets: as of `RunLease.acquire`.

    Raises:
        RunHeld: a driver is at work on it.
    """
    ledger.hold(lease.acquire(ledger.epoch, patience_seconds, meets))
    return ledger.state()


def known_run(config: RunConfig, access: AwsAccess) -> RunState | None:
    """Returns a run as it is recorded, None for a new one; needs neither Spark nor the input.

    Raises:
        ConfigurationError: it was begun with another configuration.
    """
    if config.run_id is None:
        return None
    state = read_run(S3Uri.parse(config.workspace), config.run_id, S3Store(access.client("s3"))).state
    if state is not None:
        check_same(state, config)
    return state


def check_same(state: RunState, config: RunConfig) -> None:
    """Checks that a configuration may go on with a run; until its rows are staged, any may.

    Raises:
        ConfigurationError: with a line for each difference that matters, or the run was cleaned before it published.
    """
    if config.run_id not in (None, state.run_id):
        raise ConfigurationError(
            f"{config.layout.run}: holds the run {state.run_id!r}, and not {config.run_id!r}; choose another run_id"
        )
    another = f"To score it as another run: {as_another_run(state.run_id, takes_frame=config.takes_frame)}"
    if state.cleaned and state.report is None:
        gone = f"{state.run_id} was given up and cleaned, and its name cannot be used again; choose another run_id"
        raise ConfigurationError(gone, [another])
    if state.staged is None:
        return  # a run that was refused for its rows has nothing yet that another configuration could contradict
    begun = f"{state.run_id} was begun with another configuration; give that one, or another run_id:"
    publishing = state.output_is_fixed or state.published is not None
    now = config.to_document()
    reading = not state.nothing_read
    if changed := differences(state.config, now, publishing=publishing, reading=reading):
        raise ConfigurationError([f"{begun} {changed[0]}", *changed[1:]], [another])


def recorded_reader(state: RunState, settings: RunSettings) -> PredictionReader:
    """Returns the reader of a staged run's predictions, whose schema the ledger has: that needs no Spark.

    Args:
        state: the run.
        settings: its own, or those that it goes on with.
    """
    assert state.staged is not None
    answers = decode_schema(state.staged.answers)
    return PredictionReader(answers, settings.prediction.placeholder, answer_form(settings))


def form_of_outputs(form: AnswerForm, state: RunState, ledger: Ledger) -> AnswerForm:
    """Returns how the outputs of an exported run are read: where records stand in them, the largest has its room."""
    if not form.has_records or state.spans is None:
        return form
    return form.with_room_for(pc.max(ledger.read_part(state.spans)["largest"]).as_py() or 0)
