"""Where AWS is and which identity to use; travels to executors inside a closure, so it never holds a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialResolver, Credentials
from botocore.exceptions import NoRegionError, ProfileNotFound
from botocore.loaders import create_loader

from batch_transform.aws.identity import Identity, assumed, of_databricks
from batch_transform.aws.s3_requests import S3Requests, send_conditions
from batch_transform.core.errors import ConfigurationError

# The emulator accepts any credentials; these are no secret and keep a laptop without an AWS profile working.
EMULATOR_CREDENTIALS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}
EMULATOR_REGION = "us-east-1"
NO_REGION = "aws.region: is needed and not given; set it, or AWS_REGION"

_CALLS: dict[str, Any] = {
    "retries": {"mode": "standard", "max_attempts": 8},
    "user_agent_extra": "spark-batch-transform",
}
# The hosts of AWS's own endpoints, among them those within a VPC.
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
# The sections of a run file that name an identity. What is asked for a model is asked by who creates its jobs, and the
# logs are in the account in which they run.
S3, SAGEMAKER, LOGS = SECTIONS = ("s3", "sagemaker", "logs")


@dataclass(frozen=True)
class AwsAccess:
    """Picklable settings for boto3 clients; credentials are had where the client is made, and renew themselves.

    Attributes:
        region: AWS region; None: the default chain decides.
        endpoint_url: one endpoint for all services (an emulator); None: AWS.
        service_endpoints: (service, endpoint) pairs that win over `endpoint_url`.
        profile: named profile of the shared configuration files; None: the default chain decides.
        emulated: use the emulator's fixed credentials instead of the default chain, and of any other identity.
        identities: (section, identity) pairs that win over `profile`.
        s3: what goes on every request to S3.
    """

    region: str | None = None
    endpoint_url: str | None = None
    service_endpoints: tuple[tuple[str, str], ...] = ()
    profile: str | None = None
    emulated: bool = False
    identities: tuple[tuple[str, Identity], ...] = ()
    s3: S3Requests = field(default_factory=S3Requests)

    def session(self, service: str = "") -> boto3.Session:
        """Returns a boto3 session with this region and the identity that a service is called by.

        Args:
            service: boto3's name; '': the identity of all that have none of their own, which assumes their roles.

        Raises:
            ConfigurationError: there is no such profile, or the identity is not to be had.
            ServiceFailure: STS does not answer.
        """
        if self.emulated:
            return _session(region_name=self.region or EMULATOR_REGION, **EMULATOR_CREDENTIALS)
        section, own = self._identity(service)
        if own.profile is not None:
            return self._of_profile(own.profile, f"aws.{section}.profile", "")
        base = self._of_profile(self.profile, "aws.profile", ", or AWS_PROFILE,")
        if own.role_arn is not None:
            sts = self._made(base, "sts", Config(**_CALLS))
            credentials = assumed(own, sts, f"aws.{section}.role_arn")
            return _session(region_name=base.region_name, credentials=credentials)
        if own.service_credential is not None:
            provider = of_databricks(own.service_credential, f"aws.{section}.service_credential")
            return boto3.Session(botocore_session=provider, region_name=base.region_name)
        return base

    def _identity(self, service: str) -> tuple[str, Identity]:
        """The section that names who calls a service, and whom it names."""
        named = dict(self.identities)
        section = service if service in (S3, LOGS) else SAGEMAKER
        if section == LOGS and section not in named:
            section = SAGEMAKER
        return section, named.get(section, Identity()) if service else Identity()

    def _of_profile(self, name: str | None, key: str, more: str) -> boto3.Session:
        try:
            return _session(region_name=self.region, profile_name=name)
        except ProfileNotFound as err:
            raise ConfigurationError(f"{key}: {err}; set {key}{more} to one that is") from err

    def client(self, service: str, **options: Any) -> Any:
        """Returns a client of `service`; `options` go to botocore's Config.

        The retries of single calls are botocore's; spans are retried by the pipeline.

        Raises:
            ConfigurationError: there is no region, or as `session`.
            ServiceFailure: as `session`.
        """
        defaults = dict(_CALLS)
        if service == S3 and self.endpoint(service):
            defaults["s3"] = {"addressing_style": "path"}  # an emulator has no wildcard DNS for bucket names
        client = self._made(self.session(service), service, Config(**(defaults | options)))
        if service == S3:
            send_conditions(client)
            self.s3.join(client)
        return client

    def _made(self, session: boto3.Session, service: str, config: Config) -> Any:
        try:
            return session.client(service, endpoint_url=self.endpoint(service), config=config)
        except NoRegionError as err:
            raise ConfigurationError(NO_REGION) from err

    @property
    def is_of_aws(self) -> bool:
        """Whether SageMaker is AWS's own, so that what jobs cost is paid."""
        endpoint = self.endpoint(SAGEMAKER)
        return not self.emulated and (endpoint is None or urlsplit(endpoint).netloc.endswith(_OF_AWS))

    @property
    def is_emulator(self) -> bool:
        """Whether SageMaker is an emulator, the run's own or another: AWS's is asked by https alone."""
        return self.emulated or (self.endpoint(SAGEMAKER) or "").startswith("http:")

    @property
    def console_region(self) -> str | None:
        """The region in which AWS's console shows what is asked of SageMaker; None where that is not AWS."""
        return self.session(SAGEMAKER).region_name if self.is_of_aws else None

    def endpoint(self, service: str) -> str | None:
        """Returns the endpoint that was set for `service`, or None for AWS's own (or the environment's)."""
        return dict(self.service_endpoints).get(service, self.endpoint_url)


def _session(profile_name: str | None = None, credentials: Credentials | None = None, **options: Any) -> boto3.Session:
    """A session that shares with all others of this process what botocore knows of the services."""
    beneath = botocore.session.Session(profile=profile_name)
    if credentials is not None:
        beneath.register_component("credential_provider", CredentialResolver([_Had(credentials)]))
    described = _described(beneath.get_config_variable("data_path"))
    beneath.register_component("data_loader", described)
    session = boto3.Session(botocore_session=beneath, **options)
    described.search_paths[:] = dict.fromkeys(described.search_paths)  # each session of boto3 adds its own once more
    return session


@dataclass(frozen=True)
class _Had:
    """A provider of botocore's chain that has its credentials already."""

    credentials: Credentials
    METHOD = "sts-assume-role"
    CANONICAL_NAME = None

    def load(self) -> Credentials:
        """Returns them; they renew themselves."""
        return self.credentials


@cache
def _described(data_path: str | None) -> Any:
    """The descriptions of the services, which take longer to read than all else that a client needs."""
    return create_loader(data_path)
