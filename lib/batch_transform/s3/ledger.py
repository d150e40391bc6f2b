"""The ledger on S3: `ledger/<12 digits>.json`, dense from 0, bulk beside it in `parts/` (`core.run_layout`).

Two drivers may hold a Ledger on the same run. The store lets only one of them write a number; the other one is fenced.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, LedgerCorrupt, LedgerFenced, ServiceFailure
from batch_transform.core.ledger import FORMAT_VERSION, Part, Step, StepKind, check_chain, decode, digest, encode
from batch_transform.core.object_store import AlreadyThere, ObjectNotFound, ObjectStore, StoreFailure
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.state.fold import fold
from batch_transform.core.uris import S3Uri
from batch_transform.s3.part_files import as_parquet
from batch_transform.s3.reading_steps import read_step, told_of

APPEND_ATTEMPTS = 6
LOAD_THREADS = 8
_SMALL_BYTES = 1 << 20  # of a part that one thread decodes
FIRST_WAIT_SECONDS = 0.5  # doubled each time: 15.5 s in all, on top of botocore's own retries


class Ledger:
    """A run's ledger, as one writer sees it.

    After an append that failed for whatever reason nothing more can be appended before the ledger is loaded again: that
    step may still arrive.
    """

    def __init__(
        self, store: ObjectStore, layout: RunLayout, writer: str, epoch: int, sleep: Callable[[float], None]
    ) -> None:
        self._store, self._layout, self._sleep = store, layout, sleep
        self._writer, self._epoch = writer, epoch
        self._steps: list[Step] = []
        self._last = ""  # the digest of the last of them
        self._loaded = False
        self._broken = ""

    def probe(self) -> None:
        """Checks that the store honours `If-None-Match`, without which two drivers could both publish.

        Raises:
            ConfigurationError: the store accepts a second put, or knows no such condition.
        """
        key = self._layout.ledger_probe(uuid.uuid4().hex)
        try:
            # The name is random, so an object that is there already is this put's own first try.
            with suppress(AlreadyThere):
                self._store.put_new(key, b"1")
            self._store.put_new(key, b"2")
        except AlreadyThere:
            return
        except StoreFailure as err:
            if err.code != "NotImplemented":  # S3's word for a header that a store does not know
                raise
        finally:
            self._store.delete([key])
        raise ConfigurationError(
            f"workspace: the store of s3://{key.bucket} does not honour If-None-Match (conditional writes), "
            "so a run could be published twice; use Amazon S3 or a store that has them"
        )

    @property
    def writer(self) -> str:
        """The random name of this process, which each of its steps bears."""
        return self._writer

    @property
    def epoch(self) -> int:
        """The epoch of the last step that was loaded or appended; 0 for a ledger that never began."""
        return self._steps[-1].epoch if self._steps else 0

    @property
    def writers(self) -> tuple[str, ...]:
        """The writers of the steps that were loaded or appended, in order, each once."""
        return tuple(dict.fromkeys(step.writer for step in self._steps))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that were loaded or appended, in order."""
        return tuple(self._steps)

    def hold(self, epoch: int) -> None:
        """Lets this writer append under `epoch`, that of the lease it now holds."""
        self._epoch = epoch

    def load(self) -> tuple[Step, ...]:
        """Returns all steps, checked; () for a run that never began. Those that were loaded before are not read again.

        Raises:
            LedgerCorrupt: a gap, a broken digest, a strange object among the steps.
        """
        folder = self._layout.ledger
        begin = len(folder.prefix)
        names = [found.key[begin:] for found in self._store.list(folder)]
        # The S3 console makes an empty object for a folder; it has no name of its own.
        there = sorted(name for name in names if name)
        known = [f"{step.number:012d}.json" for step in self._steps]
        new = there[len(known) :]
        try:
            if gone := sorted(set(known) - set(there)):
                raise LedgerCorrupt(f"{folder.join(gone[0])} is gone")
            with ThreadPoolExecutor(LOAD_THREADS) as pool:
                steps = [*self._steps, *pool.map(lambda name: read_step(self._store, folder.join(name)), new)]
            with told_of(folder):
                last = check_chain(steps)
        except LedgerCorrupt as err:
            raise LedgerCorrupt(err.what, self._paid(folder.join(name) for name in new)) from err
        # What a failed append has left is known now; if it arrives only later, one of the two puts is refused.
        self._steps, self._last, self._loaded, self._broken = steps, last, True, ""
        return tuple(steps)

    def state(self) -> RunState | None:
        """Returns the run as its steps tell it, None for one that never began; raises as `load` does."""
        self.load()
        return self.folded()

    def folded(self) -> RunState | None:
        """Returns the run as the steps tell it that were loaded or appended.

        Raises:
            LedgerCorrupt: one of them is out of its place.
        """
        try:
            with told_of(self._layout.ledger):
                return fold(self._steps)
        except LedgerCorrupt as err:
            raise LedgerCorrupt(err.what, self._paid()) from err

    def _paid(self, others: Iterable[S3Uri] = ()) -> str:
        """What the steps that can be read say of what was paid for."""
        steps = list(self._steps)
        for uri in others:
            with suppress(LedgerCorrupt, StoreFailure):
                steps.append(read_step(self._store, uri))
        jobs = sum(step.kind == StepKind.JOB_CREATED for step in steps)
        return f"Paid, by the steps that are left: {counted(jobs, 'job')}. "

    def append(self, kind: StepKind, payload: Mapping[str, Any], parts: Sequence[Part] = ()) -> Step:
        """Returns the step once it is in the ledger, as a later `load` will return it.

        Raises:
            LedgerFenced: another writer's step is there, or the ledger has a later epoch than this writer.
            ServiceFailure: the store did not tell what became of the step within the retries.
        """
        step = self._next(kind, payload, tuple(parts))
        body = encode(step)
        self._broken = f"the append of step {step.number} ({kind}) did not end"
        self._settle(step, body)
        appended = decode(body)
        self._steps.append(appended)
        self._last, self._broken = digest(body), ""
        return appended

    def _next(self, kind: str, payload: Mapping[str, Any], parts: tuple[Part, ...]) -> Step:
        if not self._loaded:
            self.load()
        if self._broken:
            raise LedgerFenced(f"{self._layout.run}: {self._broken}; this driver may not write any more")
        if self.epoch > self._epoch:
            writer = self._steps[-1].writer
            raise LedgerFenced(f"{self._layout.run}: another driver, {writer}, has taken over this run")
        return Step(len(self._steps), self._writer, self._epoch, self._last, kind, FORMAT_VERSION, payload, parts)

    def _settle(self, step: Step, body: bytes) -> None:
        """Puts the step until it is known to be there. Only a 200 is an answer; anything else is settled by reading."""
        uri = self._layout.step(step.number)
        for attempt in range(APPEND_ATTEMPTS):
            try:
                self._store.put_new(uri, body)
                return
            except StoreFailure as err:
                failure: StoreFailure = err
            try:
                self._check_own(self._store.get(uri)[0], body, step.number)
                return
            except ObjectNotFound:
                pass  # nothing has arrived: put again
            except StoreFailure as err:
                failure = err
            if attempt < APPEND_ATTEMPTS - 1:
                self._sleep(FIRST_WAIT_SECONDS * 2**attempt)
        message = f"{uri}: step {step.number} ({step.kind}) is not known to be there after {APPEND_ATTEMPTS} attempts"
        raise ServiceFailure(f"{message}: {failure}") from failure

    def _check_own(self, found: bytes, body: bytes, number: int) -> None:
        if found != body:
            other = decode(found)
            self._broken = f"another driver, {other.writer}, has taken over this run, and written step {number}"
            raise LedgerFenced(f"{self._layout.run}: {self._broken} of its ledger ({other.kind})")

    def write_part(self, table: pa.Table) -> Part:
        """Returns the part that now holds `table`; it counts once a step names it."""
        body = as_parquet(table)
        key = self._layout.new_part(uuid.uuid4().hex)
        self._store.put(self._layout.part(key), body)
        return Part(key, table.num_rows, digest(body))

    def check_parts(self, parts: Iterable[Part]) -> None:
        """Checks that these parts are what was written.

        Raises:
            LedgerCorrupt: one is gone, or another one now.
        """
        with ThreadPoolExecutor(LOAD_THREADS) as pool:
            for _ in pool.map(self._part_body, parts):
                pass

    def read_part(self, part: Part) -> pa.Table:
        """Returns the table of a part.

        Raises:
            LedgerCorrupt: it is gone, or not what was written.
        """
        body = self._part_body(part)
        # Of a small part another thread takes longer to be woken than to decode it.
        return pq.ParquetFile(pa.BufferReader(body)).read(use_threads=len(body) > _SMALL_BYTES)

    def _part_body(self, part: Part) -> bytes:
        uri = self._layout.part(part.key)
        try:
            body, _ = self._store.get(uri)
        except ObjectNotFound as err:
            raise LedgerCorrupt(f"{uri} is gone, and the ledger names it", self._paid()) from err
        if digest(body) != part.sha256:
            words = f"{uri} is not what was written: its SHA-256 is {digest(body)}, not {part.sha256}"
            raise LedgerCorrupt(words, self._paid())
        return body
