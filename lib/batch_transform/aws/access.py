"""Where AWS is and which identity to use; travels to executors inside a closure, so it never holds a secret."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import NoRegionError, ProfileNotFound
from botocore.loaders import create_loader

from batch_transform.aws.conditional_puts import send_conditions
from batch_transform.core.errors import ConfigurationError

# The emulator accepts any credentials; these are no secret and keep a laptop without an AWS profile working.
EMULATOR_CREDENTIALS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}
EMULATOR_REGION = "us-east-1"


@dataclass(frozen=True)
class AwsAccess:
    """Picklable settings for boto3 clients; the credentials come from the default chain where the client is made.

    Attributes:
        region: AWS region; None: the default chain decides.
        endpoint_url: one endpoint for all services (an emulator); None: AWS.
        service_endpoints: (service, endpoint) pairs that win over `endpoint_url`.
        profile: named profile of the shared configuration files.
        emulated: use the emulator's fixed credentials instead of the default chain.
    """

    region: str | None = None
    endpoint_url: str | None = None
    service_endpoints: tuple[tuple[str, str], ...] = ()
    profile: str | None = None
    emulated: bool = False

    def session(self) -> boto3.Session:
        """Returns a boto3 session with this region and identity.

        Raises:
            ConfigurationError: there is no such profile.
        """
        if self.emulated:
            return _session(region_name=self.region or EMULATOR_REGION, **EMULATOR_CREDENTIALS)
        try:
            return _session(region_name=self.region, profile_name=self.profile)
        except ProfileNotFound as err:
            raise ConfigurationError(f"aws.profile: {err}; set aws.profile, or AWS_PROFILE, to one that is") from err

    def client(self, service: str, **options: Any) -> Any:
        """Returns a client of `service`; `options` go to botocore's Config.

        The retries of single calls are botocore's; spans are retried by the pipeline.

        Raises:
            ConfigurationError: there is no such profile, or no region.
        """
        defaults: dict[str, Any] = {
            "retries": {"mode": "standard", "max_attempts": 8},
            "user_agent_extra": "spark-batch-transform",
        }
        if service == "s3" and self.endpoint(service):
            defaults["s3"] = {"addressing_style": "path"}  # an emulator has no wildcard DNS for bucket names
        config = Config(**(defaults | options))
        try:
            client = self.session().client(service, endpoint_url=self.endpoint(service), config=config)
        except NoRegionError as err:
            raise ConfigurationError("aws.region: is needed and not given; set it, or AWS_REGION") from err
        if service == "s3":
            send_conditions(client)
        return client

    def endpoint(self, service: str) -> str | None:
        """Returns the endpoint that was set for `service`, or None for AWS's own (or the environment's)."""
        return dict(self.service_endpoints).get(service, self.endpoint_url)


def _session(profile_name: str | None = None, **options: Any) -> boto3.Session:
    """A session that shares with all others of this process what botocore knows of the services."""
    beneath = botocore.session.Session(profile=profile_name)
    described = _described(beneath.get_config_variable("data_path"))
    beneath.register_component("data_loader", described)
    session = boto3.Session(botocore_session=beneath, **options)
    described.search_paths[:] = dict.fromkeys(described.search_paths)  # each session of boto3 adds its own once more
    return session


@cache
def _described(data_path: str | None) -> Any:
    """The descriptions of the services, which take longer to read than all else that a client needs."""
    return create_loader(data_path)
