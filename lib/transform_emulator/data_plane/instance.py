"""One instance of a job: its model server, its share of the files, its logs."""

import logging
import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from transform_emulator.containers.chain import Between, Chain, Part
from transform_emulator.containers.connections import CancelledError
from transform_emulator.containers.model_server import is_url
from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.data_log import FileFailure
from transform_emulator.data_plane.file_run import Slots
from transform_emulator.data_plane.file_transform import FileTransform
from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.data_plane.job_context import InstanceResult, JobContext
from transform_emulator.data_plane.shares import InputError
from transform_emulator.data_plane.timing import Meter, Work
from transform_emulator.faults.model import Kind
from transform_emulator.service.job_request import Parameters, container_environment, parameters
from transform_emulator.service.s3_locations import S3Location
from transform_emulator.service.switches import JobEnvironment

log = logging.getLogger(__name__)

HELD_BODIES_PER_TRANSFORM = 2  # one at the model server, one read ahead

FileResult = S3Location | FileFailure | None


class Instance:
    """Runs its share of a job from the model server's start to its end, in the calling thread."""

    def __init__(self, context: JobContext, number: int) -> None:
        self._context = context
        self._number = number
        self._facts: dict[str, object] = {
            "job": context.request.name,
            "model": context.request.model_name,
            "instance": number,
        }
        started = int(context.clock().timestamp())
        # `[job]/[instance-id]-[epoch_timestamp]`, ids begin with "i-"; the data-log's name ends with "/data-log".
        self._stream = f"{context.request.name}/i-{secrets.token_hex(9)[:17]}-{started}"
        self._lock = threading.Lock()
        self._system_reason: str | None = None
        self._reason: str | None = None
        self._meter = Meter(context.switches, context.stop, counts_only=context.began is not None)
        self._work: Work | None = None

    def run(self) -> InstanceResult:
        """Transforms the files; returns early when the job is told to stop."""
        context = self._context
        self._tell("starts")
        if context.faults.find((Kind.INSTANCE_FAILS,), self._facts):
            # Real logs: an instance that fails to start has a container stream but no data-log.
            self._log_container(context.parts[0].name, b"the model server could not start")
            self._reason = data_log.PING_FAILED
        else:
            switches = context.switches
            between = Between(
                switches.inner_accept,
                switches.inner_payload_limit_mb,
                switches.success_statuses_to,
                switches.inner_input_object,
            )
            container = Chain(self._parts(), self._log_container, between)
            try:
                self._serve(container)
            finally:
                container.close()
        self._tell("stops")
        return InstanceResult(self._system_reason, self._reason, self._work or self._meter.work((), 1))

    def _parts(self) -> list[Part]:
        """The containers with all of their variables; the job's win over the model's of the same name."""
        context = self._context
        for_all = context.switches.job_environment is JobEnvironment.ALL
        parts = []
        for number, part in enumerate(context.parts):
            ours = container_environment(context.request, with_jobs=for_all or number == 0)
            parts.append(replace(part, environment={**part.environment, **ours}))
            if not is_url(part.served_by):
                self._tell("sets up the model %s: %s", context.request.model_name, part.served_by)
                # Names only: values may be secrets.
                self._tell("loads the environment: %s", ", ".join(sorted(parts[-1].environment)))
        return parts

    def _serve(self, container: Chain) -> None:
        context = self._context
        try:
            with context.stop.calling(container.cancel):
                # Real order: ping, execution parameters, invocations (access log of sm-batch_transform_pytorch.ipynb).
                if not self._becomes_healthy(container):
                    for name, words in container.last_pings().items():
                        self._log_container(name, words.encode())
                    self._note_reason(data_log.PING_FAILED)
                    return
                self._tell("is healthy: /ping answered 200")
                # After the ping, as AWS's workshop has it; no log of a real job shows when the input is listed.
                files = context.shares.of(self._number)
                self._tell("determines its input: %d objects", len(files))
                chosen = self._parameters(container)
                self._tell("invokes /invocations")
                self._transform_all(container, chosen, files)
                self._tell("has saved its results")
        except InputError as error:
            with self._lock:
                self._system_reason = str(error)

    def _becomes_healthy(self, container: Chain) -> bool:
        context = self._context
        fault = context.faults.find((Kind.SLOW_PING, Kind.NO_PING), self._facts)
        if fault is not None:
            never = fault.kind is Kind.NO_PING or fault.seconds >= context.ping_deadline_seconds
            # Nobody waits for a ping that never comes, but where time is only counted it is.
            seconds = fault.seconds if not never else context.ping_deadline_seconds if context.began else 0.0
            if self._meter.wait(seconds) or never:
                return False
        return container.wait_until_healthy(
            context.ping_deadline_seconds, lambda seconds: context.stop.wait(seconds) or not container.running
        )

    def _parameters(self, container: Chain) -> Parameters:
        chosen = parameters(self._context.request, container.execution_parameters())
        numbers = (chosen.max_concurrent_transforms, chosen.max_payload_mb, chosen.strategy.container_name)
        moment = self._moment(self._meter.work((), 1).seconds)
        self._log_data(moment, data_log.parameters_line(moment, *numbers))
        self._tell("fills in from /execution-parameters what was not given: %s concurrent, %s MB, %s", *numbers)
        return chosen

    def _transform_all(self, container: Chain, chosen: Parameters, files: Sequence[InputObject]) -> None:
        context, concurrent = self._context, chosen.max_concurrent_transforms
        # MaxConcurrentTransforms bounds the requests of an instance, not of a file; so does the pool.
        files_at_once = concurrent if context.switches.files_in_parallel else 1
        with ThreadPoolExecutor(concurrent) as pool, ThreadPoolExecutor(files_at_once) as readers:
            transform = FileTransform(
                request=context.request,
                chosen=chosen,
                container=container,
                store=context.store,
                slots=Slots(pool, threading.Semaphore(HELD_BODIES_PER_TRANSFORM * concurrent)),
                switches=context.switches,
                faults=context.faults,
                facts=self._facts,
                meter=self._meter,
            )

            def run(item: InputObject) -> FileResult:
                result = self._transform(item, transform)
                if context.began is None:
                    self._finish(item, result, context.clock())
                return result

            # The list makes an unexpected exception of a worker come out here.
            results = list(readers.map(run, files))
        work = self._work = self._meter.work(files, concurrent)
        if context.began is not None:  # only now it is known when each was done
            for item, result in zip(files, results, strict=True):
                moment = self._moment(work.ends[item])
                self._finish(item, result, moment)
                if isinstance(result, S3Location):
                    context.store.set_modified(result, moment)

    def _transform(self, item: InputObject, transform: FileTransform) -> FileResult:
        """Writes the output of one file, or says why there is none."""
        context = self._context
        if context.stop.is_set() or context.broken.is_set() or self._breaks(item):
            return None
        try:
            return transform.run(item)
        except CancelledError:
            return None

    def _finish(self, item: InputObject, result: FileResult, moment: datetime) -> None:
        """Notes what became of a file at this moment, and logs why it has no output."""
        context = self._context
        # A success writes nothing to the data-log (sm-batch_transform_pytorch.ipynb: one line for each instance).
        if isinstance(result, S3Location):
            context.note(item, None)
        elif isinstance(result, FileFailure):
            self._log_data(moment, *data_log.failure_lines(moment, item, result))
            self._note_reason(result.reason)
            if not context.stop.is_set():  # what breaks off because the job is to end is no outcome
                context.note(item, result.reason)

    def _breaks(self, item: InputObject) -> bool:
        """Whether a failure of the platform ends the job at this file; such a failure writes no data-log line."""
        kinds = (Kind.OUT_OF_MEMORY, Kind.INTERNAL_ERROR)
        fault = self._context.faults.find(kinds, self._facts | {"key": item.key})
        if fault is None:
            return False
        out_of_memory = fault.kind is Kind.OUT_OF_MEMORY
        with self._lock:
            self._system_reason = data_log.OUT_OF_MEMORY if out_of_memory else data_log.INTERNAL_ERROR
        self._context.broken.set()
        return True

    def _note_reason(self, reason: str) -> None:
        with self._lock:
            self._reason = self._reason or reason

    def _tell(self, step: str, *facts: object) -> None:
        """Tells the emulator's own log of a step; `--verbose` shows it."""
        log.info(f"job %s, instance %d {step}", self._context.request.name, self._number, *facts)

    def _moment(self, seconds: float) -> datetime:
        """So many seconds after the containers' start; what the clock says, unless it stands."""
        began = self._context.began
        return self._context.clock() if began is None else began + timedelta(seconds=seconds)

    def _log_data(self, moment: datetime, *lines: str) -> None:
        self._context.put_log(f"{self._stream}/data-log", moment, lines)

    def _log_container(self, name: str, line: bytes) -> None:
        # A pipeline's containers have a stream each, below the instance's name (developer guide, logging-cloudwatch).
        stream = self._stream if len(self._context.parts) == 1 else f"{self._stream}/{name}"
        self._context.put_log(stream, self._moment(0), [line.decode("utf-8", "replace")])
