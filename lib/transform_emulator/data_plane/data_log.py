"""The words of a failing file: headlines, the data-log's lines, the job's FailureReason. Pure text, no I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.service.limits import MAX_FAILURE_REASON_CHARACTERS


class Blame(Enum):
    """Whom the service blames; the word that begins FailureReason."""

    CLIENT = "ClientError"
    ALGORITHM = "AlgorithmError"
    PLATFORM = "InternalServerError"


# What DescribeTransformJob said of real jobs (FACTS.md, 4); FailureReason never names a file or a record.
SEE_LOGS = "See job logs for more information"
PING_FAILED = (
    "AlgorithmError: Model container failed to respond to ping. Please ensure /ping endpoint is implemented and "
    "responds with an HTTP 200 status code"
)
INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
# The next two are in comic/grand-challenge.org, which ran such jobs for two years, and the SDK's check (FACTS.md, 4).
CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
OUT_OF_MEMORY = (
    "ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an "
    "instance."
)

NO_RESPONSE = "Unable to get response from algorithm"


@dataclass(frozen=True)
class FileFailure:
    """Why one file has no output.

    Attributes:
        blame: Whom the job's FailureReason will blame.
        headline: The text of the first data-log line.
        message: The response body that follows under `Message:`, or None where there was no response.
        status: The HTTP status, or None where there was no response.
    """

    blame: Blame
    headline: str
    message: bytes | None = None
    status: int | None = None

    @property
    def reason(self) -> str:
        """The FailureReason of a job that fails because of this file."""
        text = INTERNAL_ERROR if self.blame is Blame.PLATFORM else f"{self.blame.value}: {SEE_LOGS}"
        return text[:MAX_FAILURE_REASON_CHARACTERS]


def status_failure(status: int, body: bytes) -> FileFailure:
    """Returns the failure for an HTTP status that is no success (amazon-sagemaker-examples#1620, #3948; sdk#1882)."""
    # The two headlines differ in form, not only in the number; both were copied from real logs.
    if 400 <= status < 500:
        return FileFailure(Blame.CLIENT, f"ClientError: {status}", body, status)
    return FileFailure(Blame.ALGORITHM, f"Bad HTTP status received from algorithm: {status}", body, status)


def timeout_failure(timeout_seconds: float) -> FileFailure:
    """Returns the failure for a request that was not answered in time; the tail of the sentence is inferred."""
    text = f"Model server did not respond to /invocations request within {timeout_seconds} seconds"
    return FileFailure(Blame.ALGORITHM, text)


def no_response_failure() -> FileFailure:
    """Returns the failure for a connection that was refused or closed without an answer (sagemaker-python-sdk#703)."""
    return FileFailure(Blame.ALGORITHM, NO_RESPONSE)


def parameters_line(now: datetime, concurrent: int, payload_mb: int, strategy: str) -> str:
    """Returns the one line that each instance logs before its first request."""
    text = f"MaxConcurrentTransforms={concurrent}, MaxPayloadInMB={payload_mb}, BatchStrategy={strategy}"
    return f"{_stamp(now)}{text}"


def failure_lines(now: datetime, item: InputObject, failure: FileFailure) -> list[str]:
    """Returns a failed file's lines: headline, an empty one, `Message:`, and the response body line by line."""
    # Each line carries the prefix, so lines of files that fail together can be told apart (examples#1620).
    prefix = f"{_stamp(now)}{item.bucket}/{item.key}: "
    lines = [failure.headline]
    if failure.message is not None:
        lines += ["", "Message:", *failure.message.decode("utf-8", "replace").split("\n")]
    return [prefix + line for line in lines]


def _stamp(now: datetime) -> str:
    return f"{now.strftime('%Y-%m-%dT%H:%M:%S')}.{now.microsecond // 1000:03d}:[sagemaker logs]: "
