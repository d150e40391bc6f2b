"""One request of a job, with the retries that its ModelClientConfig allows."""

import http.client
from dataclasses import dataclass

from transform_emulator.containers.chain import Chain, InnerPayloadError
from transform_emulator.containers.connections import CancelledError
from transform_emulator.containers.container import Answer, Call
from transform_emulator.containers.payload import Counted, InMemory, Payload
from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.data_log import Blame, FileFailure
from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.data_plane.timing import Meter
from transform_emulator.faults.model import Fault, Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.service.switches import Switches

HTTP_OK = 200
TOO_LARGE = 413
REQUEST_FAULTS = (Kind.STATUS, Kind.TIMEOUT, Kind.DROP, Kind.SLOW_ANSWER)


class InvocationError(Exception):
    """A request failed for good; `failure` says how the service would put it."""

    def __init__(self, failure: FileFailure) -> None:
        super().__init__(failure.headline)
        self.failure = failure


@dataclass(frozen=True)
class Invoker:
    """Sends the bodies of one file.

    Attributes:
        container: The model server, or those of a pipeline.
        call: How it is called.
        max_retries: InvocationsMaxRetries.
        switches: Which statuses are a success, and which are retried.
        faults: What is made to go wrong.
        facts: What a fault can be narrowed down to: job, model, instance, key.
        item: The file.
        meter: Where the requests' time is spent.
    """

    container: Chain
    call: Call
    max_retries: int
    switches: Switches
    faults: FaultRegister
    facts: dict[str, object]
    item: InputObject
    meter: Meter

    def invoke(self, body: Payload, number: int) -> Answer:
        """Returns the response to a body, the last of as many attempts as it takes.

        Args:
            body: The body.
            number: The how-manieth of the file it is.

        Raises:
            InvocationError: The last attempt failed too, or a failure that is not retried.
            CancelledError: The job was told to stop.
        """
        # botocore calls them "retries": 3 of them are 4 attempts.
        for attempt in range(1, self.max_retries + 2):
            outcome = self._attempt(body, number, attempt)
            if not isinstance(outcome, FileFailure):
                return outcome
            if attempt > self.max_retries or not self._is_retried(outcome):
                raise InvocationError(outcome)
            if self.meter.pause(self.item, number, self.switches.retry_pause_seconds):
                raise CancelledError
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(self, body: Payload, number: int, attempt: int) -> Answer | FileFailure:
        try:
            answer = self._answer(body, number, attempt)
        except TimeoutError:
            return data_log.timeout_failure(self.call.timeout_seconds)
        except (OSError, http.client.HTTPException):
            return data_log.no_response_failure()
        except InnerPayloadError as error:
            return FileFailure(Blame.CLIENT, str(error), status=TOO_LARGE)
        # Local mode never looks at the status: a 500's body becomes a prediction there.
        if HTTP_OK <= answer.status <= self.switches.success_statuses_to:
            return answer
        return data_log.status_failure(answer.status, b"".join(answer.body.chunks()))

    def _answer(self, body: Payload, number: int, attempt: int) -> Answer:
        text = body.data if isinstance(body, InMemory) else b""
        fault = self.faults.find(REQUEST_FAULTS, self.facts | {"attempt": attempt}, text)
        if fault is not None:
            answer = self._made_up(fault, number)
            if answer is not None:
                return answer
        counted = Counted(body)
        try:
            return self.container.invoke(body if isinstance(body, InMemory) else counted, self.call)
        finally:
            size_bytes = len(text) if isinstance(body, InMemory) else counted.size_bytes
            if self.meter.request(self.item, number, size_bytes):
                raise CancelledError

    def _made_up(self, fault: Fault, number: int) -> Answer | None:
        """The answer that a fault gives in the model server's place, which is not asked; None to ask it after all."""
        if self.meter.pause(self.item, number, fault.seconds):
            raise CancelledError
        if fault.kind is Kind.TIMEOUT:
            raise TimeoutError
        if fault.kind is Kind.DROP:
            raise ConnectionResetError
        if fault.kind is Kind.STATUS:
            return Answer(fault.status, InMemory(fault.body.encode()), {})
        return None

    def _is_retried(self, failure: FileFailure) -> bool:
        # No answer at all may pass: a worker that was restarted, a connection that was closed.
        if failure.status is None:
            return self.switches.no_answer_is_retried
        return failure.status >= self.switches.retried_statuses_from
