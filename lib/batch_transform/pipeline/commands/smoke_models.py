"""The models of `smoke`: made of the image and the uploaded artifact, and removed at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.sending.model_parts import ContainerParts, ModelParts, model_name
from batch_transform.core.smoke.artifact import ENVIRONMENT
from batch_transform.core.smoke.experiments import DATA_SOURCE_MODEL, PIPELINE_MODEL, PLAIN_MODEL
from batch_transform.core.smoke.job_requests import PREFIX
from batch_transform.core.uris import S3Uri
from batch_transform.sagemaker.models import ensure_model
from batch_transform.sagemaker.service_errors import failure_of


@dataclass
class SmokeModels:
    """Three models of one artifact.

    Attributes:
        client: boto3's, of SageMaker.
        id: of this `smoke`.
        image: of each container.
        role: as which they run.
        artifact: the model's archive.
        made: the names of those that were made, or were about to be.
    """

    client: Any
    id: str
    image: str
    role: str
    artifact: S3Uri
    made: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """The name of each, from what it is made of; the artifact's place is no other `smoke`'s."""
        named = {kind: model_name(parts) for kind, parts in self._parts().items()}
        return {**named, DATA_SOURCE_MODEL: f"{PREFIX}-{self.id}"}

    def make(self, kind: str) -> None:
        """Makes a model.

        Raises:
            ConfigurationError: the service refused it.
            ServiceFailure: it did not answer.
        """
        name = self.made[kind] = self.names[kind]
        if kind != DATA_SOURCE_MODEL:
            ensure_model(self.client, name, self._parts()[kind])
            return
        source = {"S3Uri": str(self.artifact), "S3DataType": "S3Object", "CompressionType": "Gzip"}
        container = {"Image": self.image, "ModelDataSource": {"S3DataSource": source}, "Environment": ENVIRONMENT}
        try:
            self.client.create_model(ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer=container)
        except (ClientError, BotoCoreError) as err:
            raise ConfigurationError(f"--image: {failure_of('CreateModel', name, err)}") from err

    def remove(self, name: str) -> str:
        """Removes a model; returns why it remains, '' where it does not."""
        try:
            self.client.delete_model(ModelName=name)
        except (ClientError, BotoCoreError) as err:
            return f"model {name}: {failure_of('DeleteModel', name, err)}"
        return ""

    def _parts(self) -> dict[str, ModelParts]:
        url = str(self.artifact)
        one = ContainerParts(self.image, data_url=url, environment=ENVIRONMENT)
        return {
            PLAIN_MODEL: ModelParts(self.image, url, self.role, ENVIRONMENT),
            PIPELINE_MODEL: ModelParts(None, None, self.role, {}, containers=(one, one)),
        }
