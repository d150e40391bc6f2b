"""The way to S3 in a Python worker. What is sent there is imported there, so nothing here needs the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from batch_transform.aws.access import AwsAccess
from batch_transform.core.object_store import ObjectStore
from batch_transform.s3.store import S3Store


@dataclass(frozen=True)
class WorkerStore:
    """Opens the object store, one client in each process; goes to the workers with the credentials' source only."""

    access: AwsAccess

    def __call__(self) -> ObjectStore:
        """Returns this process's store."""
        return _store(self.access)


@lru_cache(maxsize=4)
def _store(access: AwsAccess) -> ObjectStore:
    return S3Store(access.client("s3"))
