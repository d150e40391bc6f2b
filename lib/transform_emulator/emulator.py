"""The emulator as a whole: what it is made of, its start and its end."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import TYPE_CHECKING

import boto3

from transform_emulator.containers.environment import inherited
from transform_emulator.control_plane.clock import EmulatedClock, utc_now
from transform_emulator.control_plane.errors import ApiError
from transform_emulator.control_plane.jobs import FINAL, JobRegister, Scope
from transform_emulator.control_plane.operations import Conduct, Operations
from transform_emulator.data_plane.job_run import JobRunner, Surroundings
from transform_emulator.data_plane.model_data import with_artifacts
from transform_emulator.data_plane.object_store import STORE_ERRORS, ObjectStore, S3Store
from transform_emulator.data_plane.progress import ProgressInMemory
from transform_emulator.endpoints.invocations import Endpoints
from transform_emulator.faults.register import FaultRegister
from transform_emulator.http.gateway import DEFAULT_REGION, Gateway, note_nothing
from transform_emulator.http.s3_front import S3Front
from transform_emulator.http.s3_gaps import S3WithoutGaps
from transform_emulator.http.s3_proxy import S3Proxy
from transform_emulator.http.server import HOST, make_server
from transform_emulator.moto import registry as aws_state
from transform_emulator.moto.log_group import LogGroup, keep_no_lines
from transform_emulator.moto.objects import MemoryBudget, MemorySink, MotoStore
from transform_emulator.moto.world import World
from transform_emulator.service.s3_locations import parse_uri
from transform_emulator.settings import Settings
from transform_emulator.state.kept_objects import KeptObjects
from transform_emulator.state.kept_s3 import KeptS3
from transform_emulator.state.kept_store import KeptStore
from transform_emulator.state.state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

POLL_SECONDS = 0.1  # how often the server looks whether it is to end


class Emulator:
    """A running emulator; a context manager that ends it, jobs and model servers included."""

    def __init__(self, settings: Settings) -> None:
        """Binds the port; nothing is answered before `start`.

        Raises:
            ScriptError: A model's script cannot be served.
            StateError: The state's directory cannot be used, or another process has it.
        """
        self._settings = settings
        self._world = World()
        self._budget = MemoryBudget()
        self._models = aws_state.ModelRegistry(settings.models, self._world, inherited(os.environ, settings.pass_env))
        self._state = (
            None
            if settings.state is None
            else State(settings.state, settings.state_wait_seconds, settings.on_state_wait, self._models, self._world)
        )
        self._stores: dict[str, ObjectStore] = {}
        self._stores_lock = threading.Lock()
        self._clock = EmulatedClock(utc_now()) if settings.emulated_time else None
        clock = self._clock or utc_now
        self._jobs = JobRegister(clock) if self._state is None else JobRegister(clock, self._state.jobs.keep)
        keep_lines = keep_no_lines if self._state is None else self._state.logs.keep
        self._logs = LogGroup(self._world, keep_lines)
        self._resetting = threading.Lock()
        self.faults = FaultRegister(settings.faults)
        self._endpoints = Endpoints(
            self._models.served_by_endpoint,
            lambda scope, containers: with_artifacts(containers, self._store(scope)),
            settings.ping_deadline_seconds,
        )
        surroundings = Surroundings(
            models=self._models,
            logs=self._logs,
            store_of=self._store,
            progress=ProgressInMemory() if self._state is None else self._state.jobs,
            clock=clock,
            switches=settings.switches,
            faults=self.faults,
            ping_deadline_seconds=settings.ping_deadline_seconds,
        )
        self._runner = JobRunner(self._jobs, surroundings)
        self._server = make_server(settings.port, self._world.around(self._application()), settings.doors)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), name="server", daemon=True
        )

    @property
    def endpoint_url(self) -> str:
        """What an AWS client is given as `endpoint_url`."""
        return f"http://{HOST}:{self._server.port}"

    def start(self) -> None:
        """Answers requests from now on, and goes on with the jobs that were in flight when the state was left.

        Raises:
            StateError: Something of the state is not there any more.
        """
        if self._state is not None:
            self._state.load(self._jobs, self._logs, with_objects=self._settings.s3_endpoint is None)
        self._make_buckets()
        for job in self._jobs.all():
            if self._clock is not None:
                self._clock.move_on(max(job.created, job.life.modified, job.life.started or job.created))
            if job.status not in FINAL:
                if self._clock is not None:
                    self._clock.enter(job.arn, job.stop)
                self._runner.resume(job, at_once=self._settings.describes_in_progress is None)
        self._thread.start()
        if self._state is not None:
            self._state.tell(self.endpoint_url)

    def reset(self) -> None:
        """Forgets jobs, models, objects and logs, on disk too; what the settings name is made again."""
        with self._resetting:
            self._runner.shut_down(leave_jobs=False)
            self._endpoints.shut_down()
            self._jobs.forget()
            self._world.forget()
            self._models.forget()
            if self._state is not None:
                self._state.forget()
            self.faults.replace(self._settings.faults)
            self._make_buckets()

    def stop(self) -> None:
        """Stops all jobs, or leaves them to the next process if there is a state; ends model servers and answering."""
        # Jobs first: they write logs and outputs to the end, and their clients still describe them.
        self._runner.shut_down(leave_jobs=self._state is not None)
        self._endpoints.shut_down()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._state is not None:
            self._state.close()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _has_objects(self, scope: Scope, s3_uri: str) -> bool:
        """Whether an object exists at or below the URI.

        Raises:
            ApiError: The S3 server cannot be asked.
        """
        try:
            return self._store(scope).has_objects(parse_uri(s3_uri))
        except STORE_ERRORS as error:
            # Not the service's words: it is the emulator that was started with an S3 server that does not answer.
            raise ApiError("InternalFailure", f"cannot look for the input in its S3 server: {error}", 500) from error

    def _application(self) -> Gateway:
        settings = self._settings
        moto = self._world.moto
        conduct = Conduct(settings.switches, self.faults, settings.describes_in_progress, self._clock)
        operations = Operations(self._jobs, self._models, self._has_objects, self._runner.start, conduct)
        s3: WSGIApplication = S3WithoutGaps(moto)
        if self._kept_objects is not None:
            s3 = KeptS3(s3, self._kept_objects)
        if settings.s3_endpoint is not None:
            session = boto3.session.Session()
            region = session.region_name or DEFAULT_REGION
            s3 = S3Proxy(settings.s3_endpoint, session.get_credentials(), region)
        makes_buckets = settings.create_buckets and settings.s3_endpoint is None
        front = S3Front(s3, self.faults, self._make_bucket if makes_buckets else None)
        return Gateway(
            call=operations.call,
            s3=front,
            moto=moto,
            models=self._models,
            endpoints=self._endpoints,
            faults=self.faults,
            doors=settings.doors,
            knows=self._world.knows,
            reset=self.reset,
            note=note_nothing if self._state is None else self._state.models.sync,
        )

    def _make_bucket(self, scope: Scope, name: str) -> None:
        aws_state.ensure_buckets(self._world, scope.account, scope.region, [name])

    def _make_buckets(self) -> None:
        with self._world.inside():
            account = aws_state.account_of("")
        aws_state.ensure_buckets(self._world, account, DEFAULT_REGION, self._settings.buckets)
        if self._kept_objects is not None:
            for name in self._settings.buckets:
                self._kept_objects.sync_new_bucket(name)

    @property
    def _kept_objects(self) -> KeptObjects | None:
        return None if self._state is None or self._settings.s3_endpoint is not None else self._state.objects

    def _store(self, scope: Scope) -> ObjectStore:
        if self._settings.s3_endpoint is None:
            kept = self._kept_objects
            if kept is not None:
                return KeptStore(self._world, scope.account, kept)
            return MotoStore(self._world, scope.account, lambda: MemorySink(self._budget))
        with self._stores_lock:
            if scope.region not in self._stores:
                self._stores[scope.region] = S3Store.of(self._settings.s3_endpoint, scope.region)
            return self._stores[scope.region]
