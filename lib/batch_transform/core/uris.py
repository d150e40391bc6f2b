"""S3 locations as values."""

from __future__ import annotations

import re
from dataclasses import dataclass

# "Using Amazon S3 access points", S3 user guide: such an ARN may stand where a bucket's name does, and has a slash.
_ACCESS_POINT = re.compile(
    r"arn:[^:/]+:(?:s3|s3-object-lambda):[^:/]*:\d*:accesspoint[:/][^:/]+"
    r"|arn:[^:/]+:s3-outposts:[^:/]*:\d*:outpost[:/][^:/]+[:/]accesspoint[:/][^:/]+"
)
_IN_A_LOCATION = re.compile(r"(?:s3[an]?://)?(arn:[^:/]*:([^:/]*):([^:/]*):.*)", re.IGNORECASE | re.DOTALL)
_OF_A_BUCKET = re.compile(r"arn:[^:/]*:s3:::(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class S3Uri:
    """A bucket and a key (or key prefix without a final slash)."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> S3Uri:
        """Returns the location named by `s3://bucket/key` (also `s3a://`, `s3n://`), or by an access point's ARN there.

        Raises:
            ValueError: the text is no S3 location.
        """
        scheme, separator, rest = text.partition("://")
        access_point = _ACCESS_POINT.match(rest)
        bucket, _, key = rest.partition("/")
        if access_point is not None:
            bucket, key = access_point[0], rest[access_point.end() :]
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


def arn_fault(location: str) -> str | None:
    """Returns what is wrong with an ARN, alone or in the place of a bucket, with the remedy; None: there is none.

    S3's own client takes an access point's, but no path of Spark's, and no file system below it, has a place for one.
    """
    found = _IN_A_LOCATION.fullmatch(location)
    if found is None:
        return None
    arn, service, region = found.groups()
    if of_bucket := _OF_A_BUCKET.fullmatch(arn):
        return f"is {location!r}, an ARN; write it as s3://{of_bucket[1]}"
    if "accesspoint" not in arn.lower() or not service.lower().startswith("s3"):
        return f"is {location!r}, an ARN; valid: s3://BUCKET/PREFIX"
    if not region:
        return (
            f"is {location!r}, the ARN of a multi-region access point, which no path of Spark's can name; give one of "
            "its buckets, s3://BUCKET/PREFIX"
        )
    return (
        f"is {location!r}, the ARN of an access point, which no path of Spark's can name; give its alias in the place "
        "of a bucket, s3://ALIAS/PREFIX (`aws s3control get-access-point` tells it: it ends in -s3alias, --ol-s3 or "
        "--op-s3)"
    )


DIRECTORY_BUCKET, DIRECTORY_ACCESS_POINT = "--x-s3", "--xa-s3"
# "General purpose bucket naming rules", S3 user guide: no other bucket's name ends so.
_OTHER_BUCKETS = (
    ((".mrap",), "the alias of a multi-region access point, which stands in an ARN alone", "one of its buckets"),
    (("--table-s3",), "a bucket of S3 Tables, which holds no other objects", "another bucket"),
    (
        # API reference, ListObjectsV2: there it "does not return objects in lexicographical order", and "only prefixes
        # that end in a delimiter (/) are supported". Of Batch Transform no page of AWS's says that it reads from one.
        (DIRECTORY_BUCKET, DIRECTORY_ACCESS_POINT),
        "a directory bucket (S3 Express One Zone): it lists its objects in no order, and by whole folders alone, which "
        "is not what a run goes by, and AWS says of no transform job that it reads from one",
        "a general purpose bucket",
    ),
)


def workspace_fault(location: str) -> str | None:
    """Returns why the bucket of a location can hold no workspace, with the remedy; None: its name is no reason."""
    bucket = S3Uri.parse(location).bucket
    for ends, what, instead in _OTHER_BUCKETS:
        if bucket.endswith(ends):
            return f"is {location!r}, {what}; name {instead}"
    return None
