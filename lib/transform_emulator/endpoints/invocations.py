"""InvokeEndpoint for the models that jobs use: the same command or URL, kept running until its endpoint is deleted."""

import http.client
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from transform_emulator.containers.chain import Between, Chain, InnerPayloadError, Part
from transform_emulator.containers.container import Call
from transform_emulator.containers.payload import InMemory
from transform_emulator.control_plane.errors import ApiError, validation
from transform_emulator.control_plane.jobs import Scope
from transform_emulator.data_plane.object_store import STORE_ERRORS
from transform_emulator.scripts.serving import ModelContainer
from transform_emulator.service.limits import ENDPOINT_TIMEOUT_SECONDS, MAX_ENDPOINT_BODY_BYTES, MAX_INNER_PAYLOAD_MB

log = logging.getLogger(__name__)

HTTP_OK_LAST = 299
MODEL_ERROR_STATUS = 424  # sagemaker-runtime's service model, ModelError


class ModelError(ApiError):
    """The model answered with an error; it travels with the original status and text."""

    def __init__(self, status: int, text: str, sender: str = "") -> None:
        kind = "client" if 400 <= status < 500 else "server"
        # A pipeline's messages name the container (amazon-sagemaker-examples#729).
        message = f'Received {kind} error ({status}) from {sender or "primary"} with message "{text}".'
        super().__init__("ModelError", message, MODEL_ERROR_STATUS)
        self.original = {"OriginalStatusCode": status, "OriginalMessage": text}


@dataclass(frozen=True)
class Served:
    """What an endpoint's model is served by.

    Attributes:
        containers: What the model is made of.
        variant: The production variant's name.
    """

    containers: tuple[ModelContainer, ...]
    variant: str


@dataclass
class _Running:
    served: Served
    container: Chain
    artifacts: ExitStack


Fetch = Callable[[Scope, Sequence[ModelContainer]], AbstractContextManager[list[Part]]]


class Endpoints:
    """The endpoints that were invoked so far; a server starts with its endpoint's first call."""

    def __init__(self, find: Callable[[Scope, str], Served | None], fetch: Fetch, ping_deadline_seconds: float) -> None:
        """Serves nothing yet.

        Args:
            find: What serves an endpoint; None where there is no such endpoint.
            fetch: Makes containers ready to be started, with scripts' artifacts from S3; `with_artifacts`.
            ping_deadline_seconds: How long a model server may take until /ping answers.
        """
        self._find = find
        self._fetch = fetch
        self._ping_deadline_seconds = ping_deadline_seconds
        self._lock = threading.Lock()
        self._running: dict[tuple[Scope, str], _Running] = {}

    def invoke(self, scope: Scope, name: str, body: bytes, call: Call) -> tuple[bytes, dict[str, str]]:
        """Returns the model's answer and its headers.

        Raises:
            ApiError: No such endpoint, a body over the limit, or (ModelError) an answer that is not a success.
        """
        if len(body) > MAX_ENDPOINT_BODY_BYTES:
            raise validation(f"Request body of {len(body)} bytes exceeds the limit of {MAX_ENDPOINT_BODY_BYTES} bytes.")
        running = self._started(scope, name)
        try:
            answer = running.container.invoke(InMemory(body), call)
        except InnerPayloadError as error:
            raise validation(str(error)) from error
        except TimeoutError as error:
            raise ModelError(500, "Your invocation timed out while waiting for a response from container") from error
        except (OSError, http.client.HTTPException) as error:
            raise ModelError(500, f"the model server did not answer: {error}") from error
        data = b"".join(answer.body.chunks())
        # Not retried, unlike a job's requests: the caller of a real-time endpoint retries himself.
        if answer.status > HTTP_OK_LAST:
            raise ModelError(answer.status, data.decode("utf-8", "replace"), answer.sender)
        headers = {
            "Content-Type": answer.content_type or "application/octet-stream",
            "x-Amzn-Invoked-Production-Variant": running.served.variant,
        }
        return data, headers

    def stop(self, scope: Scope, name: str) -> None:
        """Ends what serves an endpoint, if it runs."""
        with self._lock:
            running = self._running.pop((scope, name), None)
        if running is not None:
            _end(running)

    def shut_down(self) -> None:
        """Ends everything."""
        with self._lock:
            waiting, self._running = list(self._running.values()), {}
        for running in waiting:
            _end(running)

    def _started(self, scope: Scope, name: str) -> _Running:
        served = self._find(scope, name)
        if served is None:
            raise validation(f"Endpoint {name} of account {scope.account} not found.")
        # Under the lock, so that two first calls do not start two servers.
        with self._lock:
            known = self._running.get((scope, name))
            if known is not None and known.served == served:
                return known
            running = self._start(scope, served)
            healthy = running.container.wait_until_healthy(self._ping_deadline_seconds, lambda _: _is_gone(running))
            if not healthy:
                _end(running)
                raise ModelError(500, "the model server did not answer /ping with 200")
            self._running[(scope, name)] = running
        if known is not None:
            _end(known)
        return running

    def _start(self, scope: Scope, served: Served) -> _Running:
        with ExitStack() as resources:
            try:
                parts = resources.enter_context(self._fetch(scope, served.containers))
            except STORE_ERRORS as error:
                raise ModelError(500, str(error)) from error
            between = Between(limit_mb=MAX_INNER_PAYLOAD_MB)
            chain = Chain(parts, lambda name, line: log.debug("%s: %s", name, line), between)
            return _Running(served, chain, resources.pop_all())


def decode_error(error: ApiError) -> bytes:
    """Returns the JSON body of an error of InvokeEndpoint."""
    document = {"__type": error.code, "Message": error.message, "message": error.message}
    return json.dumps(document | (error.original if isinstance(error, ModelError) else {})).encode()


def call_of(headers: Mapping[str, str]) -> Call:
    """Returns how the model is called for a request of InvokeEndpoint with these headers."""
    return Call(
        headers.get("Content-Type"),
        headers.get("Accept"),
        ENDPOINT_TIMEOUT_SECONDS,
        headers.get("X-Amzn-SageMaker-Custom-Attributes"),
    )


def _is_gone(running: _Running) -> bool:
    threading.Event().wait(0.2)
    return not running.container.running


def _end(running: _Running) -> None:
    running.container.close()
    running.artifacts.close()
