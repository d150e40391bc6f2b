"""Run jobs: find the input objects, share them out to instances, settle how the job ended."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from transform_emulator.containers.chain import Part
from transform_emulator.control_plane.clock import Clock, EmulatedClock
from transform_emulator.control_plane.jobs import Job, JobRegister, Scope, Status
from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.inputs import (
    InputObject,
    output_location,
)
from transform_emulator.data_plane.instance import Instance
from transform_emulator.data_plane.job_context import InstanceResult, JobContext, Logs, Models, job_reason
from transform_emulator.data_plane.job_input import JobInput
from transform_emulator.data_plane.model_data import ArtifactError, with_artifacts
from transform_emulator.data_plane.object_store import ObjectStore
from transform_emulator.data_plane.progress import Progress
from transform_emulator.data_plane.shares import Shares
from transform_emulator.data_plane.timing import Work
from transform_emulator.faults.model import Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.service.job_request import JobRequest, from_api
from transform_emulator.service.switches import Switches

log = logging.getLogger(__name__)

JOB_FAULTS = (Kind.CAPACITY_ERROR, Kind.COMPLETED_WITHOUT_OUTPUT, Kind.SLOW_START)
AFTER_START_FAULTS = (Kind.COMPLETED_WITHOUT_OUTPUT,)  # of those, what can befall a job that was begun before


@dataclass(frozen=True)
class Surroundings:
    """What every job of an emulator works with.

    Attributes:
        models: What serves each model.
        logs: The log group.
        store_of: The objects that somebody's jobs read and write.
        progress: How far each job has come.
        clock: The time of day; an `EmulatedClock` stands while jobs work.
        switches: The readings of unconfirmed points.
        faults: What is made to go wrong.
        ping_deadline_seconds: How long a model server may take until /ping answers.
    """

    models: Models
    logs: Logs
    store_of: Callable[[Scope], ObjectStore]
    progress: Progress
    clock: Clock
    switches: Switches
    faults: FaultRegister
    ping_deadline_seconds: float


@dataclass(frozen=True)
class _Done:
    """How a job has ended.

    Attributes:
        reason: Its FailureReason; None for none.
        end: When, by an emulated clock; None for at once.
        results: What its instances have done.
        began: When their containers started, by an emulated clock.
    """

    reason: str | None
    end: datetime | None = None
    results: Sequence[InstanceResult] = ()
    began: datetime | None = None

    def had_done(self, item: InputObject, moment: datetime | None) -> bool:
        """Returns whether an object was done at a moment of an emulated clock; None is one that does not stand."""
        if self.began is None or moment is None:
            return True
        ends = [result.work.ends[item] for result in self.results if item in result.work.ends]
        return all(self.began + timedelta(seconds=end) <= moment for end in ends)


class JobRunner:
    """Runs each job in a thread of its own."""

    def __init__(self, jobs: JobRegister, surroundings: Surroundings) -> None:
        self._jobs = jobs
        self._with = surroundings
        self._threads: list[threading.Thread] = []
        self._leaving = threading.Event()

    def start(self, job: Job) -> None:
        """Sets a job running: a new one, or one that another process had begun."""
        thread = threading.Thread(target=self._run, args=(job,), name=f"job {job.name}")
        self._threads = [running for running in self._threads if running.is_alive()] + [thread]
        thread.start()
        if self._leaving.is_set():
            self._break_off(job)

    def resume(self, job: Job, at_once: bool) -> None:
        """Sets a job running that was in flight when another process ended.

        Args:
            job: The job.
            at_once: Rather than when a describe releases it, as a job that had not begun may have to wait for.
        """
        stopping = job.status is Status.STOPPING
        if stopping:
            job.stop.set()
        if stopping or at_once or job.life.started is not None:
            job.released.set()
        self.start(job)

    def shut_down(self, leave_jobs: bool) -> None:
        """Waits until every job has ended and its model servers are gone.

        Args:
            leave_jobs: Break jobs off as they are, for another process to go on with, rather than stop them.
        """
        if leave_jobs:
            self._leaving.set()
        for job in self._jobs.all():
            if leave_jobs:
                self._break_off(job)
            else:
                self._jobs.request_stop(job)
        for thread in self._threads:
            thread.join()

    def _break_off(self, job: Job) -> None:
        job.stop.set()
        job.released.set()

    def _run(self, job: Job) -> None:
        # Of a job whose run raises: its thread's end shows the traceback.
        done, moment, clock = _Done(data_log.INTERNAL_ERROR), None, self._with.clock
        try:
            job.released.wait()
            done = _Done(None) if job.stop.is_set() else self._transform(job)
            if isinstance(clock, EmulatedClock):
                moment = clock.wait_until(job.arn, done.end or clock())
            if job.status is Status.STOPPING:
                self._remove_outputs(job, done, moment)
        finally:
            if not self._leaving.is_set():
                job.work = [self._told(result.work) for result in done.results]
                self._jobs.finish(job, done.reason, moment)
                self._with.progress.end(job.arn)
            if isinstance(clock, EmulatedClock):
                clock.leave(job.arn)

    def _told(self, work: Work) -> dict[str, float]:
        """What DescribeTransformJob says of an instance."""
        start = self._with.switches.instance_start_seconds
        return {
            "Requests": work.requests,
            "Bytes": work.size_bytes,
            "StartSeconds": start,
            "WorkSeconds": work.seconds,
        }

    def _transform(self, job: Job) -> "_Done":
        request = from_api(job.body)
        begun = job.life.started is not None
        containers = self._with.models.containers(job.scope, request.model_name)
        unserved = [each.image for each in containers if each.serving is None]
        if unserved or not containers:
            # A container image that will not start (developer guide, batch transform storage); then what it is here.
            missing = " and ".join(unserved) or f"the model {request.model_name}, which is gone"
            log.error("model %s: nothing serves %s: name it with --model", request.model_name, missing)
            return _Done(f"{data_log.INTERNAL_ERROR} (The emulator serves no {missing}: name it with --model.)")
        facts = {"job": request.name, "model": request.model_name}
        fault = self._with.faults.find(AFTER_START_FAULTS if begun else JOB_FAULTS, facts)
        if fault is not None and fault.kind is Kind.CAPACITY_ERROR:
            return _Done(data_log.CAPACITY)
        store = self._with.store_of(job.scope)
        began = self._start(job, 0.0 if fault is None else fault.seconds)
        if job.stop.is_set() or (fault is not None and fault.kind is Kind.COMPLETED_WITHOUT_OUTPUT):
            return _Done(None, began)  # boto3#2044: Completed, no error, no objects
        try:
            with with_artifacts(containers, store) as parts:
                return self._run_instances(job, self._context(job, request, parts, store, began))
        except ArtifactError as error:
            return _Done(f"{data_log.Blame.CLIENT.value}: {error}", began)

    def _start(self, job: Job, delay_seconds: float) -> datetime | None:
        """Lets the instances start; returns when their containers do where the clock stands meanwhile, else None.

        Those of a job that another process had begun are there.
        """
        switches, clock = self._with.switches, self._with.clock
        begun = job.life.started is not None
        seconds = 0 if begun else switches.instance_start_seconds
        billed, unbilled = (seconds, delay_seconds) if switches.start_is_billed else (0, delay_seconds + seconds)
        if isinstance(clock, EmulatedClock):
            if not begun:
                self._jobs.start(job, clock() + timedelta(seconds=unbilled))
            return clock() + timedelta(seconds=billed + unbilled)
        # Not before: TransformStartTime appears when instances start, 3.6 minutes after creation in a real job.
        if not job.stop.wait(unbilled) and not begun:
            self._jobs.start(job)
            job.stop.wait(billed)
        return None

    def _context(
        self, job: Job, request: JobRequest, parts: Sequence[Part], store: ObjectStore, began: datetime | None
    ) -> JobContext:
        return JobContext(
            request=request,
            parts=parts,
            shares=Shares(
                JobInput(job, request, store, self._with.progress, self._with.switches, self._with.faults).shares
            ),
            store=store,
            put_log=lambda stream, now, lines: self._with.logs.put(job.scope, stream, now, lines),
            note=lambda item, reason: self._with.progress.note(job.arn, item, reason),
            clock=self._with.clock,
            began=began,
            stop=job.stop,
            broken=threading.Event(),
            switches=self._with.switches,
            faults=self._with.faults,
            ping_deadline_seconds=self._with.ping_deadline_seconds,
        )

    def _run_instances(self, job: Job, context: JobContext) -> "_Done":
        count = context.request.instance_count
        done = self._with.progress.outcomes(job.arn)  # by another process, if any
        # Every instance starts and pings, also one that has no file: idle ones are billed too.
        with ThreadPoolExecutor(count) as pool:
            results = list(pool.map(lambda number: Instance(context, number).run(), range(count)))
        reason = job_reason(results, [reason for reason in done.values() if reason is not None])
        longest = timedelta(seconds=max(result.work.seconds for result in results))
        return _Done(reason, None if context.began is None else context.began + longest, results, context.began)

    def _remove_outputs(self, job: Job, done: _Done, moment: datetime | None) -> None:
        """Removes what a stopped job leaves no outputs of: everything, or what it had not done at this moment."""
        request, store = from_api(job.body), self._with.store_of(job.scope)
        keeps = self._with.switches.stop_keeps_outputs
        for item, reason in self._with.progress.outcomes(job.arn).items():
            if reason is None and not (keeps and done.had_done(item, moment)):
                store.delete(output_location(request.output_path, item))
