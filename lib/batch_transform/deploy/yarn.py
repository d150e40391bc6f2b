"""YARN, whose configuration HADOOP_CONF_DIR names ("Running Spark on YARN"); the driver here unless told otherwise."""

from __future__ import annotations

from batch_transform.deploy.port import SparkTarget


class Yarn(SparkTarget):
    """spark-submit to the resource manager of the machine's own Hadoop configuration."""

    name = "yarn"
    master = "yarn"

    def master_fault(self, master: str) -> str | None:
        """Returns what is wrong with another master."""
        return None if master == self.master else "is none of YARN's; leave it out, or give another --target"


TARGET = Yarn()
