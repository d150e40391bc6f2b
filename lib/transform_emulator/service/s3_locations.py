"""Places in S3."""

from dataclasses import dataclass
from urllib.parse import urlsplit


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
    """The location that an S3Uri names; the service also takes `https://bucket/key`.

    `urlsplit` is not asked for the key: S3 keys may hold `?` and `#`.
    """
    bucket, _, key = uri[len(urlsplit(uri).scheme) + len("://") :].partition("/")
    return S3Location(bucket, key)
