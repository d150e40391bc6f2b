"""The transform-job calls: a checked request changes the register and sets jobs running."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from transform_emulator.control_plane import listing, models, rules, tags
from transform_emulator.control_plane import request_validation as shapes
from transform_emulator.control_plane.clock import LONGEST_DESCRIBE_SECONDS, EmulatedClock
from transform_emulator.control_plane.describe import description
from transform_emulator.control_plane.errors import ApiError, validation
from transform_emulator.control_plane.jobs import Job, JobRegister, Scope
from transform_emulator.faults.model import Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.service.s3_locations import parse_uri
from transform_emulator.service.switches import Switches

TRANSFORM_CALLS = frozenset({"CreateTransformJob", "DescribeTransformJob", "ListTransformJobs", "StopTransformJob"})

NO_MODEL_DATA_SOURCE = (  # sagemaker-python-sdk#4777
    "SageMaker Batch currently doesn't support Model entity with container definitions which use ModelDataSource "
    "attribute"
)


class Registry(Protocol):
    """The models of every account and region."""

    def create(self, scope: Scope, body: dict[str, Any]) -> str:
        """Creates a model and returns its ARN; raises ApiError where a client has created one of its name."""

    def models(self, scope: Scope) -> list[listing.ListedModel]:
        """Returns the scope's models."""

    def role_of_model(self, scope: Scope, model_name: str) -> str | None:
        """Returns the model's ExecutionRoleArn, or None if there is no such model."""

    def uses_model_data_source(self, scope: Scope, model_name: str) -> bool:
        """Returns whether the model's container has its artifact from ModelDataSource rather than ModelDataUrl."""

    def lacks_artifact(self, scope: Scope, model_name: str) -> bool:
        """Returns whether a script of the model has its artifact from a ModelDataSource that is not one archive."""


@dataclass(frozen=True)
class Conduct:
    """How the calls behave where AWS's sources leave a choice, or a test wants a failure.

    Attributes:
        switches: The readings of unconfirmed points.
        faults: What is made to go wrong.
        describes_in_progress: After how many describes that show a job InProgress it runs, so that the next one shows
            its end; None runs it at once, in real time.
        clock: What a describe moves on; None for a clock that goes by itself.
    """

    switches: Switches
    faults: FaultRegister
    describes_in_progress: int | None
    clock: EmulatedClock | None


class Operations:
    """Answers the transform-job calls of every account and region."""

    def __init__(
        self,
        jobs: JobRegister,
        registry: Registry,
        has_objects: Callable[[Scope, str], bool],
        run: Callable[[Job], None],
        conduct: Conduct,
    ) -> None:
        """Takes what the calls are answered with.

        Args:
            jobs: All jobs.
            registry: All models.
            has_objects: Whether an object exists at or below a URI.
            run: Sets a job running in the background.
            conduct: Switches, faults and the passing of time.
        """
        self._jobs = jobs
        self._registry = registry
        self._has_objects = has_objects
        self._run = run
        self._switches = conduct.switches
        self._faults = conduct.faults
        self._describes_in_progress = conduct.describes_in_progress
        self._clock = conduct.clock
        self._calls: dict[str, Callable[[Scope, dict[str, Any]], dict[str, Any]]] = {
            "CreateTransformJob": self._create,
            "DescribeTransformJob": self._describe,
            "ListTransformJobs": self._list,
            "StopTransformJob": self._stop,
        }

    def call(self, operation: str, scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
        """Returns the answer to one call.

        Raises:
            ApiError: The call is refused.
        """
        if operation == models.CREATE_MODEL:
            models.check(body)
            return {"ModelArn": self._registry.create(scope, body)}
        shapes.check(operation, body)
        if operation == models.LIST_MODELS:
            return listing.page_of_models(self._registry.models(scope), body)
        if operation in tags.TAG_CALLS:
            return tags.call(self._jobs, operation, scope, body)
        return self._calls[operation](scope, body)

    def _create(self, scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
        rules.check(body, self._switches)
        # The model before the input: an unknown model is refused whether or not there is input.
        role = self._registry.role_of_model(scope, body["ModelName"])
        if role is None:
            raise validation(f'Could not find model "{scope.arn("model", body["ModelName"])}".')
        if self._switches.model_data_source_refused and self._registry.uses_model_data_source(scope, body["ModelName"]):
            raise validation(NO_MODEL_DATA_SOURCE)
        if self._registry.lacks_artifact(scope, body["ModelName"]):
            raise validation(f"ModelDataSource {rules.NOT_EMULATED} for a script, unless it is one object, with Gzip.")
        uri = body["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        if self._jobs.get(scope, body["TransformJobName"]) is None and not self._has_objects(scope, uri):
            raise validation(_no_objects(scope, uri, role))
        facts = {"job": body["TransformJobName"], "model": body["ModelName"]}
        # Before the name is taken, as the caller is to try the same name again later.
        if self._faults.find((Kind.RESOURCE_LIMIT_EXCEEDED,), facts):
            raise ApiError("ResourceLimitExceeded", _no_quota(body["TransformResources"]))
        job, new = self._jobs.add(scope, body)
        if not new:
            raise ApiError("ResourceInUse", self._switches.duplicate_name_message.format(arn=job.arn))
        if self._clock is not None:
            self._clock.enter(job.arn, job.stop)
        if self._describes_in_progress is None:
            job.released.set()
        self._run(job)
        return {"TransformJobArn": job.arn}

    def _describe(self, scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
        job = self._find(scope, body, "Requested resource not found.")
        shown = self._describes_in_progress
        if shown is not None and self._jobs.count_describe(job) > shown:
            job.released.set()
            job.done.wait(LONGEST_DESCRIBE_SECONDS)
        self._jobs.record_end(job)
        if self._clock is None:
            return description(job)
        self._clock.look(job.arn)
        answer, started = description(job), job.life.started
        if started is not None and started > self._clock():
            del answer["TransformStartTime"]
        return answer

    def _list(self, scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
        return listing.page(self._jobs.all(scope), body)

    def _stop(self, scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
        job = self._find(scope, body, f"Could not find job to update with name {body['TransformJobName']}.")
        if not self._jobs.request_stop(job):
            raise validation(f"The request was rejected because the transform job is in status {job.status.value}.")
        return {}

    def _find(self, scope: Scope, body: dict[str, Any], otherwise: str) -> Job:
        job = self._jobs.get(scope, body["TransformJobName"])
        if job is None:
            raise ApiError(self._switches.unknown_job_code, otherwise)
        return job


def _no_objects(scope: Scope, uri: str, role: str) -> str:
    """CreateTransformJob's own words for an empty prefix (amazon-sagemaker-examples#2414)."""
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists '
        f"in the selected region ({scope.region}), that objects exist under that S3 prefix, and that the role "
        f'"{role}" has "s3:ListBucket" permissions on bucket "{parse_uri(uri).bucket}".'
    )


def _no_quota(resources: dict[str, Any]) -> str:
    """The words of ResourceLimitExceeded as users quote them, of a quota that other jobs use up."""
    kind, count = resources["InstanceType"], resources["InstanceCount"]
    return (
        f"The account-level service limit '{kind} for transform job usage' is {count} Instances, with current "
        f"utilization of {count} Instances and a request delta of {count} Instances. Please use AWS Service Quotas to "
        f"request an increase for this quota."
    )
