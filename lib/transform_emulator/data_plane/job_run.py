"""Run jobs: find the input objects, share them out to instances, settle how the job ended."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from transform_emulator.aws_state import LogGroup, ModelRegistry
from transform_emulator.clock import Clock
from transform_emulator.control_plane.jobs import Job, JobRegister, Scope
from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.inputs import InputObject, ManifestError, from_manifest, under_prefix
from transform_emulator.data_plane.instance import Instance, JobContext
from transform_emulator.data_plane.object_store import STORE_ERRORS, ObjectStore
from transform_emulator.data_plane.sharding import shards
from transform_emulator.job_request import JobRequest, from_api
from transform_emulator.locations import parse_uri
from transform_emulator.switches import Switches

log = logging.getLogger(__name__)


class JobRunner:
    """Runs each job in a thread of its own."""

    def __init__(
        self,
        jobs: JobRegister,
        models: ModelRegistry,
        logs: LogGroup,
        store_of: Callable[[Scope], ObjectStore],
        clock: Clock,
        switches: Switches,
        ping_deadline_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._logs = logs
        self._store_of = store_of
        self._clock = clock
        self._switches = switches
        self._ping_deadline_seconds = ping_deadline_seconds
        self._threads: list[threading.Thread] = []

    def start(self, job: Job) -> None:
        """Set a new job running."""
        thread = threading.Thread(target=self._run, args=(job,), name=f"job {job.name}")
        self._threads = [running for running in self._threads if running.is_alive()] + [thread]
        thread.start()

    def shut_down(self) -> None:
        """Stop every job and wait until its model servers are gone."""
        for job in self._jobs.all():
            self._jobs.request_stop(job)
        for thread in self._threads:
            thread.join()

    def _run(self, job: Job) -> None:
        reason: str | None = data_log.INTERNAL_ERROR  # of a job whose run raises: its thread's end shows the traceback
        try:
            reason = self._transform(job)
        finally:
            self._jobs.finish(job, reason)

    def _transform(self, job: Job) -> str | None:
        request = from_api(job.body)
        served_by = self._models.command_or_url(job.scope, request.model_name)
        if served_by is None:
            # A container image that will not start (developer guide, batch transform storage).
            log.error("nothing serves model %s: name it with --model", request.model_name)
            return data_log.INTERNAL_ERROR
        store = self._store_of(job.scope)
        try:
            objects = _input_objects(request, store)
        except ManifestError as error:
            log.error("job %s: %s", job.name, error)
            return f"{data_log.Blame.CLIENT.value}: {error}"
        except STORE_ERRORS as error:
            log.error("job %s cannot read its input: %s", job.name, error)
            return data_log.INTERNAL_ERROR
        self._jobs.start(job)
        return self._run_instances(job, self._context(job, request, served_by, store), objects)

    def _context(self, job: Job, request: JobRequest, served_by: str, store: ObjectStore) -> JobContext:
        return JobContext(
            request=request,
            served_by=served_by,
            model_environment=self._models.environment(job.scope, request.model_name),
            store=store,
            put_log=lambda stream, now, lines: self._logs.put(job.scope, stream, now, lines),
            clock=self._clock,
            stop=job.stop,
            switches=self._switches,
            ping_deadline_seconds=self._ping_deadline_seconds,
        )

    def _run_instances(self, job: Job, context: JobContext, objects: list[InputObject]) -> str | None:
        count = context.request.instance_count
        shares = shards(objects, count, self._switches.sharding)
        with ThreadPoolExecutor(count) as pool:
            results = list(pool.map(lambda files: Instance(context, files).run(), shares))
        if job.stop.is_set() and not self._switches.stop_keeps_outputs:
            for result in results:
                for place in result.outputs:
                    context.store.delete(place)
        return next((result.failure_reason for result in results if result.failure_reason), None)


def _input_objects(request: JobRequest, store: ObjectStore) -> list[InputObject]:
    place = parse_uri(request.s3_uri)
    if not request.manifest:
        return list(under_prefix(place, store.keys(place)))
    chunks = store.chunks(place)
    if chunks is None:
        raise ManifestError(f"there is no manifest at {place.uri}")
    return from_manifest(b"".join(chunks))
