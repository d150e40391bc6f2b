"""Where AWS is and which identity to use; travels to executors inside a closure, so it never holds a secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from batch_transform.aws.identity import Identity, assumed, of_databricks
from batch_transform.aws.renewed_credentials import tell_what_fails
from batch_transform.aws.s3_requests import S3Requests, send_conditions
from batch_transform.aws.sessions import chain_session, emulator_session
from batch_transform.aws.unusable_settings import check_bundle, refusing_settings
from batch_transform.core.aws_partitions import is_of_aws

EMULATOR_REGION = "us-east-1"

_CALLS: dict[str, Any] = {
    "retries": {"mode": "standard", "max_attempts": 8},
    "user_agent_extra": "spark-batch-transform",
}
# As botocore's clients take it for a region, and ask its endpoints of FIPS: `fips-us-gov-west-1`, `us-gov-west-1-fips`.
_OF_FIPS = re.compile(r"fips-|-fips")
# The sections of a run file that name an identity. What is asked for a model is asked by who creates its jobs, and the
# logs are in the account in which they run.
S3, SAGEMAKER, LOGS = SECTIONS = ("s3", "sagemaker", "logs")
STS = "sts"  # by which roles are assumed, always by the identity of all


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
        profile_key: of the run file, or the variable, that names `profile`.
    """

    region: str | None = None
    endpoint_url: str | None = None
    service_endpoints: tuple[tuple[str, str], ...] = ()
    profile: str | None = None
    emulated: bool = False
    identities: tuple[tuple[str, Identity], ...] = ()
    s3: S3Requests = field(default_factory=S3Requests)
    profile_key: str = "aws.profile"

    def session(self, service: str = "") -> boto3.Session:
        """Returns a boto3 session with this region and the identity that a service is called by.

        Args:
            service: boto3's name; '': the identity of all that have none of their own, which assumes their roles.

        Raises:
            ConfigurationError: there is no such profile, AWS's files are of no use, or the identity is not to be had.
            ServiceFailure: STS does not answer.
        """
        if self.emulated:
            return emulator_session(self.region or EMULATOR_REGION)
        section, own = self._identity(service)
        if own.profile is not None:
            return self._of_profile(own.profile, f"aws.{section}.profile")
        base = self._of_profile(self.profile, self.profile_key if self.profile else "")
        if own.role_arn is not None:
            sts = self._made(base, STS, Config(**_CALLS))
            credentials = assumed(own, sts, f"aws.{section}.role_arn")
            return chain_session(base.region_name, self.profile, credentials)
        if own.service_credential is not None:
            provider = of_databricks(own.service_credential, f"aws.{section}.service_credential")
            return boto3.Session(botocore_session=provider, region_name=base.region_name)
        return base

    def profile_of(self, service: str) -> str | None:
        """Returns the profile by which a service is called, or whoever assumes a role for it; None: as `profile`."""
        own = Identity() if service == STS else self._identity(service)[1]
        return own.profile or self.profile

    def _identity(self, service: str) -> tuple[str, Identity]:
        """The section that names who calls a service, and whom it names."""
        named = dict(self.identities)
        section = service if service in (S3, LOGS) else SAGEMAKER
        if section == LOGS and section not in named:
            section = SAGEMAKER
        return section, named.get(section, Identity()) if service else Identity()

    def _of_profile(self, name: str | None, key: str) -> boto3.Session:
        with refusing_settings(key):
            return chain_session(self.region, name)

    def client(self, service: str, **options: Any) -> Any:
        """Returns a client of `service`; `options` go to botocore's Config.

        The retries of single calls are botocore's; spans are retried by the pipeline.

        Raises:
            ConfigurationError: there is no region, or as `session`.
            ServiceFailure: as `session`.
        """
        defaults = dict(_CALLS)
        if self.emulated:
            defaults["proxies"] = {}  # it is on this machine, which a proxy of the environment is not
        if service == S3 and self.endpoint(service):
            defaults["s3"] = {"addressing_style": "path"}  # an emulator has no wildcard DNS for bucket names
        client = self._made(self.session(service), service, Config(**(defaults | options)))
        if service == S3:
            send_conditions(client)
            self.s3.join(client)
        return client

    def _made(self, session: boto3.Session, service: str, config: Config) -> Any:
        with refusing_settings(""):
            client = session.client(service, endpoint_url=self.endpoint(service), config=config)
        if not self.emulated:
            check_bundle(client.meta.endpoint_url, os.environ)
            tell_what_fails(client, session)
        return client

    @property
    def is_of_aws(self) -> bool:
        """Whether SageMaker is AWS's own, so that what jobs cost is paid."""
        endpoint = self.endpoint(SAGEMAKER)
        return not self.emulated and (endpoint is None or is_of_aws(endpoint))

    @property
    def is_emulator(self) -> bool:
        """Whether SageMaker is an emulator, the run's own or another: AWS's is asked by https alone."""
        return self.emulated or (self.endpoint(SAGEMAKER) or "").startswith("http:")

    @property
    def keeps_jobs(self) -> bool:
        """Whether SageMaker is sure to know each job that it has accepted; those of an emulator may end with it."""
        return not self.is_emulator

    @property
    def console_region(self) -> str | None:
        """The region in which AWS's console shows what is asked of SageMaker; None where that is not AWS."""
        region = self.session(SAGEMAKER).region_name if self.is_of_aws else None
        return region and _OF_FIPS.sub("", region)

    def endpoint(self, service: str) -> str | None:
        """Returns the endpoint that was set for `service`, or None for AWS's own (or the environment's)."""
        return dict(self.service_endpoints).get(service, self.endpoint_url)
