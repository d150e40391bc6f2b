"""This machine alone."""

from __future__ import annotations

from batch_transform.deploy.port import SparkTarget


class Local(SparkTarget):
    """spark-submit with all in one process."""

    name = "local"
    master = "local[*]"
    takes_archive = False

    def master_fault(self, master: str) -> str | None:
        """Returns what is wrong with a cluster's master."""
        return None if master.startswith("local") else "is a cluster's; leave it out, or give another --target"


TARGET = Local()
