"""What of a run file decides who must be allowed what, and how IAM names the resources that it tells of. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from batch_transform.core.aws_partitions import domain_of, partition_of
from batch_transform.core.service_authorization import arn
from batch_transform.core.uris import DIRECTORY_ACCESS_POINT, DIRECTORY_BUCKET, S3Uri

# "Referencing access points with ARNs, access point aliases, or virtual-hosted-style URIs", S3 user guide.
_ALIAS = re.compile(r"([a-z0-9][a-z0-9-]*)-[a-z0-9]+-s3alias")


@dataclass(frozen=True)
class Needed:
    """What of a run file decides who must be allowed what.

    Attributes:
        region: None: any.
        account: of whoever has the models and the jobs; `*`: any.
        key_account: of whoever has keys that are named without it.
        workspace: of the run.
        read: folders, or files, of the input.
        written: folders of output and dead letters.
        staging: where rows are staged on S3; None: not there.
        in_spark: those of these places that Spark itself reads or writes.
        s3_key: of what the run writes; None: none of its own.
        output_key: of what jobs write.
        volume_key: of the instances' volumes.
        model: its name.
        model_role: as which a model is made; None: it is there.
        images: of it, in ECR: (region, account, repository).
        data: its artifacts on S3.
        has_vpc: whether its containers run in a network of one's own.
        has_tags: whether jobs are tagged.
        s3_role: that is assumed to call S3; None: none is.
        other_roles: that are assumed to call SageMaker or CloudWatch Logs.
    """

    workspace: S3Uri
    model: str
    region: str | None = None
    account: str = "*"
    key_account: str = "*"
    read: tuple[S3Uri, ...] = ()
    written: tuple[S3Uri, ...] = ()
    staging: S3Uri | None = None
    in_spark: tuple[S3Uri, ...] = ()
    s3_key: str | None = None
    output_key: str | None = None
    volume_key: str | None = None
    model_role: str | None = None
    images: tuple[tuple[str, str, str], ...] = ()
    data: tuple[S3Uri, ...] = ()
    has_vpc: bool = False
    has_tags: bool = False
    s3_role: str | None = None
    other_roles: tuple[str, ...] = ()

    @property
    def partition(self) -> str:
        """Of AWS, by the region."""
        return partition_of(self.region or "")

    @property
    def domain(self) -> str:
        """Of AWS's services, by the region."""
        return domain_of(self.region or "")

    def arn(self, kind: str, account: str | None = None, **parts: str) -> str:
        """Returns the ARN of a resource, by default of whoever has the models."""
        place = {"Partition": self.partition, "Region": self.region or "*", "Account": account or self.account}
        return arn(kind, **{**place, **parts})

    def below(self, place: S3Uri) -> str:
        """Returns the ARN of all objects below a place."""
        return self._objects(place, f"{place.prefix}*")

    def object(self, place: S3Uri) -> str:
        """Returns the ARN of the object at a place."""
        return self._objects(place, place.key)

    def bucket(self, name: str) -> str:
        """Returns the ARN of a bucket, or of the access point whose alias stands in its place."""
        if (point := access_point(name)) is not None:
            return self.arn("s3:accesspoint", self.key_account, AccessPointName=point)
        return self.arn("s3:bucket", BucketName=name)

    def directory_bucket(self, name: str) -> str | None:
        """Returns the ARN of a directory bucket, or of an access point of one; None for any other bucket."""
        if name.endswith(DIRECTORY_BUCKET):
            return self.arn("s3express:bucket", self.key_account, BucketName=name)
        if name.endswith(DIRECTORY_ACCESS_POINT):
            return self.arn("s3express:accesspoint", self.key_account, AccessPointName=name)
        return None

    def _objects(self, place: S3Uri, key: str) -> str:
        if (point := access_point(place.bucket)) is not None:
            return self.arn("s3:accesspointobject", self.key_account, AccessPointName=point, ObjectName=key)
        return self.arn("s3:object", BucketName=place.bucket, ObjectName=key)


def access_point(bucket: str) -> str | None:
    """Returns a pattern of the name of an access point whose alias stands in a bucket's place; None for a bucket.

    IAM takes an alias for the name of a bucket that nobody has. It is what fits of the name, then what AWS made.
    """
    match = _ALIAS.fullmatch(bucket)
    return None if match is None else f"{match[1]}*"
