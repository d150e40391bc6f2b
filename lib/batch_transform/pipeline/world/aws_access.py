"""How a run, or a command about it, reaches AWS."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from batch_transform.aws.access import SECTIONS, AwsAccess
from batch_transform.aws.identity import Identity
from batch_transform.aws.s3_requests import S3Requests
from batch_transform.aws.sessions import endpoints_of, ignores_endpoints
from batch_transform.aws.unusable_settings import is_region
from batch_transform.config.places import secret_in_url
from batch_transform.config.runfile import RunConfig
from batch_transform.config.surroundings import SERVICES, Aws, Surroundings
from batch_transform.config.values import check_http_url
from batch_transform.core.errors import ConfigurationError
from batch_transform.sagemaker.jobs import TransformJobs
from batch_transform.sagemaker.model_lookup import REGISTRY_OPTIONS, ModelLookup

_ENDPOINTS = "AWS_ENDPOINT_URL"
_IGNORES_ENDPOINTS = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
# Variables have a service by its own id, which for one of them is another than boto3's name.
_IDS = {"logs": "cloudwatch-logs"}


def access_of(config: RunConfig | Surroundings, emulator_url: str | None, environ: Mapping[str, str]) -> AwsAccess:
    """Returns how the run reaches AWS: the embedded emulator, else as the run file says, else as the environment does.

    What the environment of the driver says is read here, because it does not reach the executors: their own may be
    another, and in a session that is there already they began before it was set. Secrets stay where they are.

    Args:
        config: the run's configuration.
        emulator_url: of the embedded emulator.
        environ: the driver's environment.

    Raises:
        ConfigurationError: an endpoint of the environment has a secret inside, or is no address.
    """
    aws = config.aws
    region = aws.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    requests = _requests(aws)
    if emulator_url is not None:
        # It is in every region, and in that of the environment only if that is one.
        region = aws.region or (region if is_region(region or "") else None)
        # Its buckets belong to nobody that a run file could expect.
        requests = replace(requests, expected_bucket_owner=None)
        return AwsAccess(region=region, endpoint_url=emulator_url, emulated=True, s3=requests)
    profile, key = (aws.profile, "aws.profile") if aws.profile else (environ.get("AWS_PROFILE"), "AWS_PROFILE")
    said = environ.get(_IGNORES_ENDPOINTS)
    if ignores_endpoints(profile, said):
        environ = {name: value for name, value in environ.items() if not name.startswith(_ENDPOINTS)}
    _check_endpoints(environ, () if aws.endpoint_url else SERVICES)
    endpoint = aws.endpoint_url or environ.get(_ENDPOINTS)
    own = {name: environ.get(endpoint_variable(name)) for name in SERVICES}
    # An endpoint for all services in the run file wins over one for a service in the environment.
    named = {} if aws.endpoint_url else {name: url for name, url in own.items() if url}
    services = tuple(sorted({**named, **aws.service_endpoints}.items()))
    access = AwsAccess(region, endpoint, services, profile, identities=_identities(aws), s3=requests, profile_key=key)
    return access if endpoint else _with_profiles(access, said)


def _with_profiles(access: AwsAccess, said: str | None) -> AwsAccess:
    """The same, with the endpoints of its profiles for services that have none: an executor has no such files."""
    lacking: dict[str | None, dict[str, str]] = {}
    for name in SERVICES:
        if access.endpoint(name) is None:
            lacking.setdefault(access.profile_of(name), {})[name] = _IDS.get(name, name)
    found: dict[str, str] = {}
    for profile, services in lacking.items():
        own = {} if ignores_endpoints(profile, said) else endpoints_of(profile, services)
        for url in sorted({*own.values()}):
            if fault := secret_in_url(url) or _address_fault(url):
                raise ConfigurationError(f"endpoint_url of the profile {profile or 'default'}: {fault}")
        found |= own
    return replace(access, service_endpoints=tuple(sorted({**found, **dict(access.service_endpoints)}.items())))


def _identities(aws: Aws) -> tuple[tuple[str, Identity], ...]:
    named = ((section, getattr(aws, section)) for section in SECTIONS)
    return tuple(
        (section, Identity(given.profile, given.role_arn, given.external_id, given.service_credential))
        for section, given in named
        if given is not None and (given.profile or given.role_arn or given.service_credential)
    )


def _requests(aws: Aws) -> S3Requests:
    if (given := aws.s3) is None:
        return S3Requests()
    return S3Requests(given.sse, given.kms_key, given.expected_bucket_owner, given.requester_pays)


def _check_endpoints(environ: Mapping[str, str], services: Collection[str]) -> None:
    """Refuses an endpoint of the environment that has a secret inside, and one that counts and is no address."""
    secrets = {name: secret_in_url(url) for name, url in environ.items() if name.startswith(_ENDPOINTS)}
    faults = [f"{name}: {found}; leave it out" for name, found in secrets.items() if found]
    counts = [_ENDPOINTS, *map(endpoint_variable, services)] if services else []
    found = {name: _address_fault(environ[name]) for name in counts if environ.get(name) and not secrets[name]}
    faults += [f"{name}: {fault}" for name, fault in found.items() if fault]
    if faults:
        raise ConfigurationError(faults)


def _address_fault(url: str) -> str | None:
    try:
        check_http_url(url)
        urlsplit(url).port  # noqa: B018 - it raises where there is none of such a number
    except ValueError as err:
        return str(err)
    return None


def endpoint_variable(service: str) -> str:
    """Returns the variable by which AWS's SDKs are given an endpoint of one service, of boto3's name."""
    return f"{_ENDPOINTS}_{_IDS.get(service, service).upper().replace('-', '_')}"


def lookup_of(access: AwsAccess) -> ModelLookup:
    """Returns the lookup that goes where a run goes; the registry is that of the image's own region."""

    def registry(region: str) -> Any:
        return replace(access, region=region).client("ecr", **REGISTRY_OPTIONS)

    return ModelLookup(access.client("sagemaker"), access.client("s3"), registry)


def jobs_of(access: AwsAccess, hide: Callable[[str], str] = str) -> TransformJobs:
    """Returns the calls of jobs, made by who calls SageMaker; `hide` takes secrets out of what the service says."""
    return TransformJobs(access.session(), access.client("sagemaker"), hide)
