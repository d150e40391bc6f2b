"""The sections of a run file that say what the run talks to: aws, emulator."""

from __future__ import annotations

from pydantic import Field, field_validator

from batch_transform.config.sections import Section
from batch_transform.config.values import ServedName, Text, Url

# boto3's names of the services that a run calls.
SERVICES = ("logs", "s3", "sagemaker", "sagemaker-runtime", "sts")


class Aws(Section):
    """What wins over the default chain of the AWS SDKs; holds no secret.

    Attributes:
        endpoint_url: one endpoint for all services.
        service_endpoints: boto3's service name to endpoint; wins over `endpoint_url`.
    """

    region: Text | None = None
    profile: Text | None = None
    endpoint_url: Url | None = None
    service_endpoints: dict[str, Url] = Field(default_factory=dict)

    @field_validator("service_endpoints")
    @classmethod
    def _known_services(cls, endpoints: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(endpoints) - set(SERVICES))
        if unknown:
            raise ValueError(f"names {', '.join(unknown)}; valid: {', '.join(SERVICES)}")
        return endpoints

    def endpoint(self, service: str) -> str | None:
        """Returns the endpoint that was set for a service; None: AWS's own, or the environment's."""
        return self.service_endpoints.get(service, self.endpoint_url)


class Emulator(Section):
    """The embedded emulator.

    Attributes:
        models: each model's name, or the image that it is made of, and the command or the URL of the server that is it,
            or the place of its script and artifact: a folder, a `model.tar.gz`, or `SCRIPT.py:ARTIFACT`, relative to
            where the driver runs.
        state: a folder in which it keeps its S3 and its jobs; None: they end with the driver, and so does the run.
    """

    models: dict[ServedName, Text] = Field(default_factory=dict)
    state: Text | None = None


class Surroundings(Section):
    """What a command must know to reach a run whose configuration it has yet to read."""

    aws: Aws = Aws()
    emulator: Emulator | None = None
