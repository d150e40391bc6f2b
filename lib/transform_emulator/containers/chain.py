"""A model's containers on one instance: one, or a pipeline of them, each of which gets the answer of the one before."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from transform_emulator.containers.container import HTTP_OK, Answer, Call, Container
from transform_emulator.containers.model_server import ModelServer, is_url, safe_port_range
from transform_emulator.containers.payload import InMemory, Payload
from transform_emulator.service.limits import BYTES_PER_MB
from transform_emulator.service.switches import InnerAccept

# A server that runs already is there at once, or for a moment is not; a command takes as long as it takes.
UNREACHED_SECONDS = 20.0


class InnerPayloadError(Exception):
    """An answer is too large to be the next container's body; the text is that of the service's message."""


@dataclass(frozen=True)
class Part:
    """One container, ready to be started.

    Attributes:
        name: What log streams and messages call it.
        served_by: The command to start, or the URL of a server that runs already.
        environment: The model's and the job's variables.
        inherited: What it has of the emulator's own, which those win over.
    """

    name: str
    served_by: str
    environment: Mapping[str, str]
    inherited: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Between:
    """What holds between two containers of a pipeline (FACTS.md, 2.5).

    Attributes:
        accept: The Accept header of all but the last.
        limit_mb: The most that one may hand on to the next; 0 for no limit.
        success_to: The highest HTTP status with which an answer is handed on.
        input_object: Whether also those behind the first are told the input object.
    """

    accept: InnerAccept = InnerAccept.ABSENT
    limit_mb: int = 0
    success_to: int = 299
    input_object: bool = True


class Chain:
    """The containers, asked in turn. Any number of threads may invoke them."""

    def __init__(self, parts: Sequence[Part], on_output: Callable[[str, bytes], None], between: Between) -> None:
        """Starts those that are commands.

        Args:
            parts: One container, or those of a pipeline in their order.
            on_output: Called with a container's name and each line that it prints, from other threads.
            between: What holds between two of them.
        """
        self._parts = parts
        self._names = [part.name for part in parts]
        self._between = between
        self._servers: list[ModelServer] = []
        self._containers: list[Container] = []
        with ExitStack() as started:
            for part in parts:
                url, patience = part.served_by, UNREACHED_SECONDS
                if not is_url(url):
                    # What containers of a pipeline need to know to keep out of each other's way (FACTS.md, 2.5).
                    ports = {"SAGEMAKER_SAFE_PORT_RANGE": safe_port_range()} if len(parts) > 1 else {}
                    server = ModelServer(
                        url, {**part.inherited, **part.environment, **ports}, partial(on_output, part.name)
                    )
                    started.callback(server.stop)
                    self._servers.append(server)
                    url, patience = server.url, math.inf
                container = Container(url, patience)
                started.callback(container.close)
                self._containers.append(container)
            self._resources = started.pop_all()

    @property
    def running(self) -> bool:
        """Whether no command has ended."""
        return all(server.running for server in self._servers)

    def wait_until_healthy(self, deadline_seconds: float, given_up: Callable[[float], bool]) -> bool:
        """Returns whether /ping of each container answered 200 before the deadline; see `Container`."""
        end = time.monotonic() + deadline_seconds
        return all(each.wait_until_healthy(end - time.monotonic(), given_up) for each in self._containers)

    def last_pings(self) -> dict[str, str]:
        """Returns what came of the last ping of each server at a URL: it has no log of its own here."""
        pairs = zip(self._parts, self._containers, strict=True)
        return {part.name: each.last_ping for part, each in pairs if is_url(part.served_by) and each.last_ping}

    def execution_parameters(self) -> dict[str, Any]:
        """Returns what GET /execution-parameters of the first container advertises, which gets the requests."""
        return self._containers[0].execution_parameters()

    def invoke(self, body: Payload, call: Call) -> Answer:
        """Returns the last container's answer, or the first that is no success: a failure is the whole pipeline's.

        "The intermediate response is sent as a request to the second container" (developer guide), and its Content-Type
        is the request's (amazon-sagemaker-examples#3235). The time-out is that of the whole.

        Raises:
            InnerPayloadError: An answer is too large for the next container.
            TimeoutError: No complete answer in time.
            OSError: A connection was refused or closed without one.
            http.client.HTTPException: An answer was not HTTP, or ended early.
            CancelledError: `cancel` was called.
        """
        end = time.monotonic() + call.timeout_seconds
        inner = {InnerAccept.ABSENT: None, InnerAccept.ANY: "*/*", InnerAccept.JOBS: call.accept}[self._between.accept]
        *firsts, last = self._containers
        content_type, left = call.content_type, float(call.timeout_seconds)
        for number, container in enumerate(firsts):
            asked = replace(self._of_inner(call, number), content_type=content_type, accept=inner, timeout_seconds=left)
            answer = replace(container.invoke(body, asked), sender=self._names[number])
            if not HTTP_OK <= answer.status <= self._between.success_to:
                return answer
            self._check_size(answer, number)
            body, content_type, left = answer.body, answer.content_type, end - time.monotonic()
            if left <= 0:
                raise TimeoutError
        asked = replace(self._of_inner(call, len(firsts)), content_type=content_type, timeout_seconds=left)
        answer = last.invoke(body, asked)
        return replace(answer, sender=self._names[-1]) if firsts else answer

    def cancel(self) -> None:
        """Breaks every request in flight off and refuses further ones."""
        for container in self._containers:
            container.cancel()

    def close(self) -> None:
        """Closes the kept connections, and ends the commands and all that they started."""
        self._resources.close()

    def _of_inner(self, call: Call, number: int) -> Call:
        return call if number == 0 or self._between.input_object else replace(call, input_object=None)

    def _check_size(self, answer: Answer, number: int) -> None:
        limit_mb = self._between.limit_mb
        if not limit_mb or not isinstance(answer.body, InMemory):
            return
        size, (sender, receiver) = len(answer.body.data), self._names[number : number + 2]
        if size > limit_mb * BYTES_PER_MB:
            # The words of the developer guide, "Troubleshoot Inference Pipelines".
            raise InnerPayloadError(
                f"Received response from {sender} with status code {answer.status}. However, the request payload from "
                f"{sender} to {receiver} is {size} bytes, which has exceeded the maximum limit of {limit_mb} MB."
            )
