"""Transform jobs of Amazon SageMaker: create of a recorded request, describe and stop by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.answer_headers import answered_at
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.escaping import visible
from batch_transform.core.near_names import meant
from batch_transform.core.sending.job_request import JobSettings, differences
from batch_transform.core.service_shapes import DescribedTransformJob, TransformJobRequest
from batch_transform.core.statuses import JobStatus
from batch_transform.sagemaker.service_errors import NotNow, failure_of, is_no_model, is_refused, words_of
from batch_transform.sagemaker.transformer import built_request

# The service's words for a job that it never heard of, and for one that has ended (transform_emulator/FACTS.md, 1).
_NO_SUCH_JOB = frozenset({"ValidationException", "ResourceNotFound"})
_CREATED_ELSEWHERE = (
    "The run has created it, so it is in another account or region than is asked now: go on with the credentials and "
    "the region (aws.region) that the run was begun with. If it is nowhere, choose another run_id"
)
_CREATED_NOW = (
    "It was created a moment ago and is not known yet; if it stays so, the credentials are no longer those with which "
    "it was created, and others are asked for another account's jobs"
)
_MOST_MODELS = 100  # of a page, botocore's MaxResults of ListModels


@dataclass(frozen=True)
class JobDescription:
    """What DescribeTransformJob says of a job; the times are absent until they happen.

    Attributes:
        told_at: when it was said, by the service's clock, as the other times are; None: that is not known.
    """

    name: str
    status: JobStatus
    failure_reason: str | None
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    told_at: datetime | None = None


class TransformJobs:
    """The calls of a run, over a boto3 session and its SageMaker client."""

    def __init__(self, session: Any, client: Any, hide: Callable[[str], str] = str) -> None:
        self._session = session
        self._client = client
        self._hide = hide  # takes secrets out of what a service says
        self._new: set[str] = set()  # created here, and not seen yet

    def check_model(self, name: str) -> None:
        """Checks that a model exists; where that may not be known, CreateTransformJob will tell.

        Raises:
            ConfigurationError: it does not, or the call is not answered as it is.
            NotNow: the call may be answered later.
        """
        try:
            self._client.describe_model(ModelName=name)
        except ClientError as err:
            if is_no_model(err):
                hint = meant(name, self._models())
                raise ConfigurationError(
                    f"model.name: {name}{hint} is no model of this account and region: {words_of(err)}"
                ) from err
            failure = failure_of("DescribeModel", name, err)
            if isinstance(failure, NotNow):
                raise failure from err
            if not is_refused(err):
                raise ConfigurationError(f"model.name: {failure}") from err
        except BotoCoreError as err:
            raise ConfigurationError(f"model.name: {name} cannot be looked up: {err}") from err

    def _models(self) -> tuple[str, ...]:
        """The latest models, one of which may be meant; none where they may not be listed: no run needs that."""
        try:
            found = self._client.list_models(SortBy="CreationTime", SortOrder="Descending", MaxResults=_MOST_MODELS)
        except (ClientError, BotoCoreError):
            return ()
        return tuple(str(model["ModelName"]) for model in found["Models"])

    def check_ami_version(self) -> None:
        """Checks that the installed botocore can send a TransformAmiVersion.

        Raises:
            ConfigurationError: it is older than that.
        """
        resources = self._client.meta.service_model.shape_for("TransformResources")
        if "TransformAmiVersion" not in resources.members:
            raise ConfigurationError(
                "transform.ami_version: the installed boto3 is older than TransformAmiVersion and does not send it; "
                "install a newer one, or leave the key out"
            )

    def request(self, job: JobSettings) -> TransformJobRequest:
        """Returns the request of a job that is planned, for the ledger to hold and `create` to send."""
        return built_request(job, self._session)

    def create(self, request: TransformJobRequest) -> None:
        """Creates the job of a recorded request, or finds that it is there already.

        boto3 resends a Create whose response was lost, and the caller then sees ResourceInUse for its own job.

        Raises:
            NotNow: a quota is used up, the call was throttled, or its answer was lost: it may be made again.
            ServiceFailure: the service refused, or a job of that name was asked for in another way.
        """
        name = request["TransformJobName"]
        try:
            self._client.create_transform_job(**request)
        except ClientError as err:
            if err.response["Error"]["Code"] not in ("ResourceInUse", "ResourceInUseException"):
                raise failure_of("CreateTransformJob", name, err) from err
            if not self.is_there(request):
                raise failure_of("CreateTransformJob", name, err) from err
        except BotoCoreError as err:
            raise failure_of("CreateTransformJob", name, err) from err
        self._new.add(name)

    def is_there(self, request: TransformJobRequest) -> bool:
        """Returns whether the service knows the job of a recorded request.

        Raises:
            NotNow: the call may be made again.
            ServiceFailure: it failed, or a job of that name was asked for in another way.
        """
        name = request["TransformJobName"]
        described = self._described(name)
        if described is None:
            return False
        if changed := differences(request, described):
            raise ServiceFailure(
                f"there is another job of the name {name} in this account, which this run has not created: it differs "
                f"in {', '.join(changed)}. Choose another run_id"
            )
        return True

    def describe(self, name: str) -> JobDescription:
        """Returns the status and the times of a job that was created.

        Where a policy goes by a job's tags, a new one may not be looked at for a while: they come to count a bit later
        than it is there (sagemaker-python-sdk#4600, which waits five minutes for that).

        Raises:
            NotNow: the call may be made again.
            ServiceFailure: the call failed, or the status is none that this version knows.
        """
        try:
            found = self._client.describe_transform_job(TransformJobName=name)
        except (ClientError, BotoCoreError) as err:
            failure = failure_of("DescribeTransformJob", name, err)
            is_unknown = isinstance(err, ClientError) and err.response["Error"]["Code"] in _NO_SUCH_JOB
            if name in self._new and isinstance(err, ClientError) and (is_unknown or is_refused(err)):
                failure = NotNow(_with(failure, _CREATED_NOW) if is_unknown else str(failure), is_quota=False)
            elif is_unknown:
                failure = ServiceFailure(_with(failure, _CREATED_ELSEWHERE))
            raise failure from err
        self._new.discard(name)
        status = _status_of(name, found)
        made, begun, ended = map(found.get, ("CreationTime", "TransformStartTime", "TransformEndTime"))
        reason = found.get("FailureReason")
        reason = None if reason is None else self._hide(visible(reason))
        return JobDescription(name, status, reason, made, begun, ended, answered_at(found))

    def is_in_flight(self, name: str, *, was_created: bool) -> bool:
        """Returns whether the service knows the job and still works on it.

        Args:
            name: of the job.
            was_created: whether the service is sure to have accepted it: it forgets no job, so that whoever does not
                know this one is not whom to ask.

        Raises:
            NotNow, ServiceFailure: as `describe`.
        """
        if was_created:
            return not self.describe(name).status.is_terminal
        found = self._described(name)
        return found is not None and not _status_of(name, found).is_terminal

    def _described(self, name: str) -> DescribedTransformJob | None:
        """What the service says of a job, None for one that it never heard of."""
        try:
            found: DescribedTransformJob = self._client.describe_transform_job(TransformJobName=name)
        except ClientError as err:
            if err.response["Error"]["Code"] in _NO_SUCH_JOB:
                return None
            raise failure_of("DescribeTransformJob", name, err) from err
        except BotoCoreError as err:
            raise failure_of("DescribeTransformJob", name, err) from err
        return found

    def stop(self, name: str) -> bool:
        """Asks the service to stop a job; returns whether there was one to stop: it may have ended, or never begun.

        Raises:
            ServiceFailure: the call failed otherwise.
        """
        try:
            self._client.stop_transform_job(TransformJobName=name)
        except ClientError as err:
            if err.response["Error"]["Code"] not in _NO_SUCH_JOB:
                raise failure_of("StopTransformJob", name, err) from err
            return False
        except BotoCoreError as err:
            raise failure_of("StopTransformJob", name, err) from err
        return True


def _with(failure: ServiceFailure, advice: str) -> str:
    return f"{str(failure).rstrip('.')}. {advice}"


def _status_of(name: str, described: DescribedTransformJob) -> JobStatus:
    """The status of a described job.

    Raises:
        ServiceFailure: it is none that this version knows.
    """
    try:
        return JobStatus.parse(described["TransformJobStatus"])
    except ValueError as err:
        raise ServiceFailure(f"{name}: {err}") from err
