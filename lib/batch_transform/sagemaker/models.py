"""Models that a run makes of their parts, adopted if they are there."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.sending.model_parts import ModelParts, model_differences, model_request
from batch_transform.core.service_shapes import DescribedModel
from batch_transform.sagemaker.service_errors import NotNow, failure_of, is_no_model, words_of

# The service's words for a name that is taken: ValidationException, `Cannot create already existing model "arn:..."`
# (astronomer-providers#1055); ResourceInUse is what it says of jobs.
_TAKEN = "already existing"


def ensure_model(client: Any, name: str, parts: ModelParts, *, compare: bool = True) -> None:
    """Makes the model of these parts if it is not there.

    Its name follows from its parts, so two runs that need it at once make one model: the second one, and a caller whose
    Create was obeyed without an answer reaching it, finds it there and adopts it.

    Args:
        client: boto3's, of SageMaker.
        name: of the model.
        parts: of the model.
        compare: whether one that is there must be made of these parts; of a run that has begun to score it is held
            against what the run has recorded, before each job.

    Raises:
        ConfigurationError: the service refused it, or a model of that name is made of other parts.
        ServiceFailure: the service did not answer, or a quota is used up; it may be tried again.
    """
    found = _described(client, name)
    if found is None:
        _create(client, name, parts)
        found = _described(client, name)
    if found is None:
        raise ServiceFailure(f"model.image: {name} was made, and the service does not show it yet; start the run again")
    if compare and (changed := model_differences(parts, found)):
        raise ConfigurationError(
            f"model.image: there is another model of the name {name}; {', '.join(changed)} differ. A secret has no "
            "part in the name: where one has changed, delete that model, or give the environment a variable that tells "
            "them apart, such as VERSION"
        )


def _described(client: Any, name: str) -> DescribedModel | None:
    try:
        found: DescribedModel = client.describe_model(ModelName=name)
    except ClientError as err:
        if is_no_model(err):
            return None
        raise _refused("DescribeModel", name, err) from err
    except BotoCoreError as err:
        raise failure_of("DescribeModel", name, err) from err
    return found


def _create(client: Any, name: str, parts: ModelParts) -> None:
    try:
        client.create_model(**model_request(name, parts))
    except ClientError as err:
        is_taken = _TAKEN in words_of(err).lower() or err.response["Error"]["Code"].startswith("ResourceInUse")
        if not is_taken:
            raise _refused("CreateModel", name, err) from err
    except BotoCoreError as err:
        raise failure_of("CreateModel", name, err) from err


def _refused(operation: str, name: str, err: ClientError) -> Exception:
    """What may pass is a failure of the service; anything else is about the parts, the role or the caller's rights."""
    failure = failure_of(operation, name, err)
    return failure if isinstance(failure, NotNow) else ConfigurationError(f"model.image: {failure}")
