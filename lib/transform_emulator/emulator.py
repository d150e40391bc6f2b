"""The emulator as a whole: what it is made of, its start and its end."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from transform_emulator import aws_state
from transform_emulator.clock import utc_now
from transform_emulator.control_plane.jobs import JobRegister, Scope
from transform_emulator.control_plane.operations import Operations
from transform_emulator.data_plane.job_run import JobRunner
from transform_emulator.data_plane.object_store import ObjectStore, S3Client, S3Store
from transform_emulator.gateway import DEFAULT_REGION, Gateway
from transform_emulator.http_server import HOST, make_server
from transform_emulator.limits import PING_DEADLINE_SECONDS
from transform_emulator.locations import parse_uri
from transform_emulator.switches import Switches

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1  # how often the server looks whether it is to end
MAX_CONNECTIONS = 256  # more than the files in flight of any job that fits on one machine


@dataclass(frozen=True)
class Settings:
    """What an emulator is started with.

    Attributes:
        models: For each model name the command that serves it, or a URL.
        port: The port to listen on; 0 for a free one.
        buckets: S3 buckets to create.
        create_buckets: Also create any bucket on the first put or head.
        s3_endpoint: The S3 server that jobs use; None for the emulator's own.
        switches: The readings of unconfirmed points.
        ping_deadline_seconds: How long a model server may take until /ping answers.
    """

    models: Mapping[str, str]
    port: int = 0
    buckets: Sequence[str] = ()
    create_buckets: bool = False
    s3_endpoint: str | None = None
    switches: Switches = field(default_factory=Switches)
    ping_deadline_seconds: float = PING_DEADLINE_SECONDS


class Emulator:
    """A running emulator; a context manager that ends it, jobs and model servers included."""

    def __init__(self, settings: Settings) -> None:
        """Bind the port; nothing is answered before `start`."""
        self._settings = settings
        self._models = aws_state.ModelRegistry(settings.models)
        self._stores: dict[tuple[str, str], ObjectStore] = {}
        self._stores_lock = threading.Lock()
        jobs = JobRegister(utc_now)
        self._runner = JobRunner(
            jobs,
            self._models,
            aws_state.LogGroup(),
            self._store,
            utc_now,
            settings.switches,
            settings.ping_deadline_seconds,
        )
        operations = Operations(jobs, self, self._runner.start, settings.switches)
        moto = DomainDispatcherApplication(create_backend_app)
        gateway = Gateway(operations.call, moto, self._models, settings.create_buckets)
        self._server = make_server(settings.port, gateway)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), name="server", daemon=True
        )

    @property
    def endpoint_url(self) -> str:
        """What an AWS client is given as `endpoint_url`."""
        return f"http://{HOST}:{self._server.port}"

    def start(self) -> None:
        """Answer requests from now on."""
        aws_state.ensure_buckets(aws_state.account_of(""), DEFAULT_REGION, self._settings.buckets)
        self._thread.start()

    def stop(self) -> None:
        """Stop all jobs, end all model servers, then stop answering."""
        self._runner.shut_down()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "Emulator":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def role_of_model(self, scope: Scope, model_name: str) -> str | None:
        """The model's ExecutionRoleArn, or None if there is no such model."""
        return self._models.role_of_model(scope, model_name)

    def has_objects(self, scope: Scope, s3_uri: str) -> bool:
        """Whether an object exists at or below the URI."""
        return self._store(scope).has_objects(parse_uri(s3_uri))

    def _store(self, scope: Scope) -> ObjectStore:
        key = (scope.access_key, scope.region)
        with self._stores_lock:
            if key not in self._stores:
                self._stores[key] = S3Store(self._client(scope))
            return self._stores[key]

    def _client(self, scope: Scope) -> S3Client:
        # Checksums only where S3 demands them: on both sides they would be computed by this one process.
        config = Config(
            max_pool_connections=MAX_CONNECTIONS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        session = boto3.session.Session(region_name=scope.region)
        if self._settings.s3_endpoint is not None:
            own: S3Client = session.client("s3", endpoint_url=self._settings.s3_endpoint, config=config)
            return own
        client: S3Client = session.client(
            "s3",
            endpoint_url=self.endpoint_url,
            config=config,
            aws_access_key_id=scope.access_key or "emulator",
            aws_secret_access_key="emulator",
        )
        return client
