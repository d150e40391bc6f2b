"""Spark's own cluster manager ("Spark Standalone Mode"), with the driver here: it runs no Python driver of its own."""

from __future__ import annotations

from batch_transform.deploy.port import SparkTarget


class Standalone(SparkTarget):
    """spark-submit to a master that is named."""

    name = "standalone"

    def master_fault(self, master: str) -> str | None:
        """Returns what is wrong with what is no standalone master."""
        return None if master.startswith("spark://") else "must be spark://HOST:PORT, of the cluster's master"


TARGET = Standalone()
