"""One instance of a job: its model server, its share of the files, its logs."""

import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from transform_emulator.clock import Clock
from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.assembly import piece
from transform_emulator.data_plane.container import CancelledError, Container, InvocationError, InvocationSettings
from transform_emulator.data_plane.data_log import Blame, FileFailure
from transform_emulator.data_plane.file_run import Slots, send_in_order
from transform_emulator.data_plane.inputs import InputObject, output_location
from transform_emulator.data_plane.model_server import ModelServer, is_url
from transform_emulator.data_plane.object_store import STORE_ERRORS, ObjectStore
from transform_emulator.data_plane.records import RecordTooLargeError, bodies
from transform_emulator.job_request import JobRequest, Parameters, container_environment, parameters
from transform_emulator.locations import S3Location
from transform_emulator.stop_signal import StopSignal
from transform_emulator.switches import Switches

HELD_BODIES_PER_TRANSFORM = 2  # one at the model server, one read ahead

PutLog = Callable[[str, datetime, Sequence[str]], None]


@dataclass(frozen=True)
class JobContext:
    """What all instances of one job share.

    Attributes:
        request: The job's request.
        served_by: The command or URL of its model.
        model_environment: The model's own variables.
        store: Its objects.
        put_log: Appends lines to a log stream.
        clock: The time of day.
        stop: Set when the job is told to stop.
        switches: The readings of unconfirmed points.
        ping_deadline_seconds: How long a model server may take until /ping answers.
    """

    request: JobRequest
    served_by: str
    model_environment: dict[str, str]
    store: ObjectStore
    put_log: PutLog
    clock: Clock
    stop: StopSignal
    switches: Switches
    ping_deadline_seconds: float


@dataclass(frozen=True)
class InstanceResult:
    """What an instance did.

    Attributes:
        failure_reason: The first reason for which the job must be Failed, or None.
        outputs: The objects it wrote.
    """

    failure_reason: str | None
    outputs: tuple[S3Location, ...]


class Instance:
    """Runs its share of a job from the model server's start to its end, in the calling thread."""

    def __init__(self, context: JobContext, files: Sequence[InputObject]) -> None:
        self._context = context
        self._files = files
        started = int(context.clock().timestamp())
        # `[job]/[instance-id]-[epoch_timestamp]`, ids begin with "i-"; the data-log's name ends with "/data-log".
        self._stream = f"{context.request.name}/i-{secrets.token_hex(9)[:17]}-{started}"
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._outputs: list[S3Location] = []

    def run(self) -> InstanceResult:
        """Transform the files; returns early when the job is told to stop."""
        context = self._context
        if is_url(context.served_by):
            self._serve(context.served_by, lambda: True)
        else:
            variables = context.model_environment | container_environment(context.request)
            server = ModelServer(context.served_by, variables, self._log_container)
            try:
                self._serve(server.url, lambda: server.running)
            finally:
                server.stop()
        return InstanceResult(self._reason, tuple(self._outputs))

    def _serve(self, url: str, running: Callable[[], bool]) -> None:
        context = self._context
        container = Container(url)
        try:
            with context.stop.calling(container.cancel):
                if not container.wait_until_healthy(
                    context.ping_deadline_seconds, lambda seconds: context.stop.wait(seconds) or not running()
                ):
                    self._note_reason(data_log.PING_FAILED)
                    return
                chosen = parameters(context.request, container.execution_parameters())
                self._log_data(
                    data_log.parameters_line(
                        context.clock(),
                        chosen.max_concurrent_transforms,
                        chosen.max_payload_mb,
                        chosen.strategy.container_name,
                    )
                )
                self._transform_all(container, chosen)
        finally:
            container.close()

    def _transform_all(self, container: Container, chosen: Parameters) -> None:
        concurrent = chosen.max_concurrent_transforms
        files_at_once = concurrent if self._context.switches.files_in_parallel else 1
        with ThreadPoolExecutor(concurrent) as pool, ThreadPoolExecutor(files_at_once) as readers:
            slots = Slots(pool, threading.Semaphore(HELD_BODIES_PER_TRANSFORM * concurrent))
            # The list makes an unexpected exception of a worker come out here.
            list(readers.map(lambda item: self._transform(item, container, chosen, slots), self._files))

    def _transform(self, item: InputObject, container: Container, chosen: Parameters, slots: Slots) -> None:
        """Write the output of one file, or log why there is none."""
        if self._context.stop.is_set():
            return
        try:
            failure = self._write_output(item, container, chosen, slots)
        except RecordTooLargeError:
            failure = FileFailure(Blame.CLIENT, self._context.switches.too_large_headline)
        except InvocationError as error:
            failure = error.failure
        except CancelledError:
            return
        except STORE_ERRORS as error:
            failure = FileFailure(Blame.PLATFORM, f"InternalServerError: {error}")
        if failure is not None:
            self._log_data(*data_log.failure_lines(self._context.clock(), item, failure))
            self._note_reason(failure.reason)

    def _write_output(
        self, item: InputObject, container: Container, chosen: Parameters, slots: Slots
    ) -> FileFailure | None:
        context, request, switches = self._context, self._context.request, self._context.switches
        chunks = context.store.chunks(S3Location(item.bucket, item.key))
        if chunks is None:
            skipped = request.manifest and not switches.missing_manifest_key_fails
            return None if skipped else FileFailure(Blame.CLIENT, "ClientError: 404")
        settings = InvocationSettings.of(request, chunked=chosen.payload_bytes is None, switches=switches)
        place = output_location(request.output_path, item)
        written = 0
        with context.store.writer(place, request.output_kms_key) as writer:

            def write(response: bytes) -> None:
                nonlocal written
                writer.write(piece(response, request.assemble, switches.newline_only_if_missing))
                written += 1

            send_in_order(
                bodies(chunks, request.split, chosen.strategy, chosen.payload_bytes),
                lambda body: container.invoke(body, settings),
                write,
                slots,
            )
            if written == 0 and switches.empty_object_fails:
                return FileFailure(Blame.CLIENT, "ClientError: empty input")
            writer.complete()
        with self._lock:
            self._outputs.append(place)
        return None

    def _note_reason(self, reason: str) -> None:
        with self._lock:
            self._reason = self._reason or reason

    def _log_data(self, *lines: str) -> None:
        self._context.put_log(f"{self._stream}/data-log", self._context.clock(), lines)

    def _log_container(self, line: bytes) -> None:
        self._context.put_log(self._stream, self._context.clock(), [line.decode("utf-8", "replace")])
