"""What is wrong with a run, collected, and the checks of it that need no Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from batch_transform.config.runfile import RunConfig
from batch_transform.core.amounts import duration
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.limits import LOCAL_STORAGE_FAMILIES
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.run_settings import START_SECONDS
from batch_transform.core.sending.instances import no_price, price_of
from batch_transform.core.uris import S3Uri
from batch_transform.sagemaker.jobs import TransformJobs

Answer = TypeVar("Answer")


class Faults:
    """Collects what is wrong, so that a person sees all of it at once."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    def of(self, check: Callable[[], Answer]) -> Answer | None:
        """Returns what `check` returns, or keeps the faults that it raises and returns None."""
        try:
            return check()
        except ConfigurationError as err:
            self._faults += err.faults
            return None

    def of_tables(self, checks: Iterable[Callable[[], object]], *, are_one: bool) -> None:
        """Keeps what is wrong with tables; of those that go elsewhere together, of the first at which anything is."""
        for check in checks:
            before = len(self._faults)
            self.of(check)
            if are_one and len(self._faults) > before:
                return

    @property
    def found(self) -> tuple[str, ...]:
        """What is wrong so far, a line for each fault, in the order of the checks."""
        return tuple(self._faults)

    def add(self, faults: list[str]) -> None:
        """Keeps faults for the one message that `refuse` raises."""
        self._faults += faults

    def refuse(self) -> None:
        """Raises ConfigurationError if there is any fault."""
        if self._faults:
            raise ConfigurationError(self._faults)


def check_bucket(store: ObjectStore, workspace: S3Uri, region: str | None) -> None:
    """Checks the bucket of a workspace.

    Args:
        store: that has it.
        workspace: of the run.
        region: of AWS, in which jobs run; None: they run elsewhere.

    Raises:
        ConfigurationError: there is no such bucket, or jobs cannot read from it.
    """
    if (bucket := store.bucket(workspace)) is None:
        raise ConfigurationError(
            f"workspace: there is no bucket {workspace.bucket}; name one that there is, or make it first, in the "
            "region of the jobs"
        )
    if (fault := fault_of_region(workspace.bucket, bucket.region, region)) is not None:
        raise ConfigurationError(f"workspace: {fault}")


def fault_of_region(bucket: str, lies_in: str | None, region: str | None) -> str | None:
    """Returns why jobs of a region cannot read from a bucket, with the remedy; None: nothing tells that.

    CreateTransformJob alone would say it: "ensure that the bucket exists in the selected region" (FACTS.md, 1).
    """
    if region is None or lies_in in (None, region):
        return None
    return (
        f"the bucket {bucket} lies in {lies_in}, and the jobs run in {region}, where they read from no other region's "
        f"buckets; name a bucket in {region}, or have the jobs run in {lies_in} (aws.region), where the model must be"
    )


def check_price(config: RunConfig, region: str | None) -> None:
    """Raises ConfigurationError if a run may cost so much, and what an instance costs is not known."""
    transform = config.settings.transform
    unknown = [name for name in transform.instance_types if price_of(name, transform, region) is None]
    if config.budget_usd is not None and unknown:
        raise ConfigurationError(f"budget_usd: is {config.budget_usd:g}, but {no_price(unknown, region)}")


def check_volume_key(config: RunConfig) -> None:
    """Raises ConfigurationError if jobs may be asked for on an instance whose volumes take no key of a caller's."""
    types = config.settings.transform.instance_types
    local = [name for name in types if name.split(".")[1] in LOCAL_STORAGE_FAMILIES]
    if config.transform.volume_kms_key is not None and local:
        raise ConfigurationError(
            f"transform.volume_kms_key: is given, but the service takes none with {', '.join(local)}, whose local "
            "storage is encrypted by the instance itself; leave it out, or take another transform.instance_type"
        )


def check_start(config: RunConfig, region: str | None) -> None:
    """Raises ConfigurationError if jobs on AWS would be stopped before an instance has started.

    Where the run file does not say how soon one does, no more is refused than half of what is typical: it is a guess.
    """
    transform = config.settings.transform
    minutes, start = transform.job_timeout_minutes, transform.instance_start_seconds
    least = start / 2 if start == START_SECONDS else start
    if region is not None and 60 * minutes <= least:
        raise ConfigurationError(
            f"transform.job_timeout_minutes: is {minutes}, after which a job is stopped, and an instance is reckoned "
            f"to take {duration(start)} to start, which is paid: nothing would be scored. Give jobs more time, or say "
            "in transform.instance_start_seconds how soon yours start"
        )


def check_service(config: RunConfig, jobs: TransformJobs, faults: Faults, region: str | None, *, is_new: bool) -> None:
    """Checks what a run asks of the service, of one that has not scored yet the model as well.

    Args:
        config: of the run.
        jobs: the service.
        faults: gets what is wrong.
        region: of AWS, in which jobs run; None: they run elsewhere.
        is_new: whether it has not scored yet.
    """
    if config.transform.ami_version is not None:
        faults.of(jobs.check_ami_version)
    if is_new:
        faults.of(lambda: check_start(config, region))
        faults.of(lambda: check_volume_key(config))
    if is_new and config.model.parts is None:
        faults.of(lambda: jobs.check_model(config.model.name))
