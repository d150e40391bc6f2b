"""The partitions of AWS, by the names of their regions: what ARNs begin with, and where its hosts lie. Pure.

Made from botocore's `partitions.json`; a region of none of these prefixes is of the partition `aws`.
"""

from __future__ import annotations

from urllib.parse import urlsplit

_PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
}
_COMMERCIAL = ("aws", "amazonaws.com")
DOMAINS = tuple(sorted({domain for _, domain in (*_PARTITIONS.values(), _COMMERCIAL)}))
# Of hosts that have addresses of IPv6 as well.
DUAL_STACK_DOMAINS = (
    *("api.aws", "api.amazonwebservices.com.cn", "api.amazonwebservices.eu", "api.aws.ic.gov", "api.aws.scloud"),
    *("api.cloud-aws.adc-e.uk", "api.aws.hci.ic.gov"),
)
_WITHIN = tuple(f".{domain}" for domain in (*DOMAINS, *DUAL_STACK_DOMAINS))


def is_of_aws(url: str) -> bool:
    """Returns whether an endpoint is one of AWS's own, among them those within a VPC."""
    return (urlsplit(url).hostname or "").endswith(_WITHIN)


def partition_of(region: str) -> str:
    """Returns the name of a region's partition."""
    return _of(region)[0]


def domain_of(region: str) -> str:
    """Returns the domain of the services' hosts in a region."""
    return _of(region)[1]


def _of(region: str) -> tuple[str, str]:
    return next((each for start, each in _PARTITIONS.items() if region.startswith(start)), _COMMERCIAL)
