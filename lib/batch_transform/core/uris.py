"""S3 locations as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Uri:
    """A bucket and a key (or key prefix without a final slash)."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> S3Uri:
        """Returns the location named by `s3://bucket/key` (also `s3a://`, `s3n://`).

        Raises:
            ValueError: the text is no S3 location.
        """
        scheme, separator, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if not separator or scheme not in ("s3", "s3a", "s3n") or not bucket:
            raise ValueError(f"not an S3 location: {text!r} (expected s3://bucket/prefix)")
        return cls(bucket, key.strip("/"))

    def join(self, *names: str) -> S3Uri:
        """Returns the location of `names` below this one."""
        return S3Uri(self.bucket, "/".join([part for part in (self.key, *names) if part]))

    @property
    def parent(self) -> S3Uri:
        """The location that this one lies in; a bucket lies in itself."""
        return S3Uri(self.bucket, self.key.rpartition("/")[0])

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def prefix(self) -> str:
        """The key as a listing prefix that cannot match a sibling (`.../out` also matches `.../out2`)."""
        return self.key + "/" if self.key else ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
