"""Places in S3."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

# An access point's ARN may stand where a bucket's name does ("Using Amazon S3 access points", S3 user guide).
_ACCESS_POINT = re.compile(r"arn:[^:/]+:s3[a-z-]*:[^/]*?(?:outpost[:/][^:/]+[:/])?accesspoint[:/][^:/]+")

# General purpose bucket naming rules, S3 user guide. An address alone is refused there as well, and two dots in a row.
_BUCKET_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class S3Location:
    """A bucket and a key, or a string prefix of keys."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The location as an `s3://` URI."""
        return f"s3://{self.bucket}/{self.key}"


def parse_uri(uri: str) -> S3Location:
    """Returns the location that an S3Uri names; the service also takes `https://bucket/key`.

    `urlsplit` is not asked for the key: S3 keys may hold `?` and `#`.
    """
    rest = uri[len(urlsplit(uri).scheme) + len("://") :]
    found = _ACCESS_POINT.match(rest)
    bucket, _, key = rest.partition("/") if found is None else (found[0], "/", rest[found.end() + 1 :])
    return S3Location(bucket, key)


def bucket_fault(name: str) -> str | None:
    """Returns why S3 makes no bucket of this name, with what one is; None: it does."""
    if _BUCKET_NAME.fullmatch(name):
        return None
    return (
        f"is {name!r}, which no bucket is called; valid: 3 to 63 lower-case letters, digits, hyphens and single dots, "
        "a letter or digit first and last, and no address of IPv4"
    )
