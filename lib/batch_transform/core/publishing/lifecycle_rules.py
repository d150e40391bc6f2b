"""S3 lifecycle rules for those who want S3 itself to remove what runs leave behind."""

from __future__ import annotations

from typing import TypedDict

from batch_transform.core.uris import S3Uri

# What lies below a run's folder that S3 may forget. Not the ledger: a run without it could be published twice. Not the
# reports, which are small and what people come back for, nor the parts, of which one lists what was published.
EXPIRING = ("staging", "input", "manifests", "output", "merged", "probe", "dead_letters")
CLEANED = (*EXPIRING, "parts")
MULTIPART_DAYS = 7


class _Rule(TypedDict):
    ID: str
    Status: str
    Filter: dict[str, str]


class LifecycleRule(_Rule, total=False):
    """A rule of a LifecycleConfiguration."""

    Expiration: dict[str, int]
    AbortIncompleteMultipartUpload: dict[str, int]


class LifecycleConfiguration(TypedDict):
    """What PutBucketLifecycleConfiguration takes."""

    Rules: list[LifecycleRule]


def lifecycle_rules(run: S3Uri, days: int) -> LifecycleConfiguration:
    """Returns a LifecycleConfiguration (S3 API, PutBucketLifecycleConfiguration) for one run's folder.

    A prefix of S3 has no wildcard, so no rule over a whole workspace could leave the ledgers out.

    Args:
        run: the run's folder.
        days: after which an object is removed.
    """
    expiring: list[LifecycleRule] = [
        {
            "ID": f"{run.key}/{folder}",
            "Status": "Enabled",
            "Filter": {"Prefix": run.join(folder).prefix},
            "Expiration": {"Days": days},
        }
        for folder in EXPIRING
    ]
    unfinished: LifecycleRule = {
        "ID": f"{run.key}/incomplete-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": run.prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": MULTIPART_DAYS},
    }
    return {"Rules": [*expiring, unfinished]}
