"""A Databricks job, by an asset bundle ("Declarative Automation Bundles"): a Python wheel task on a cluster.

The cluster is one that is there: what a job cluster is made of (nodes, instance profile, policy) is a workspace's own,
and `conf/databricks/` is a bundle with one, to be copied.
"""

from __future__ import annotations

from typing import Any

from batch_transform.deploy.port import BundleTarget, Keys, Need


class Databricks(BundleTarget):
    """A folder with `databricks.yml`, and the two commands that deploy and run it."""

    name = "databricks"
    needs = (
        Need(
            "cluster_id",
            r"\d{4}-\d{6}-[a-z0-9]{1,32}",
            "the id of a cluster whose instance profile reaches S3, such as 0524-123456-abcdef12",
        ),
    )
    takes_archive = False  # the platform has what workers need

    def description(self, keys: Keys, name: str, wheel: str, arguments: tuple[str, ...]) -> dict[str, Any]:
        """Returns the bundle's `databricks.yml`."""
        task = {
            "task_key": "score",
            "existing_cluster_id": keys.cluster_id,
            "libraries": [{"whl": f"./{wheel}"}],
            "python_wheel_task": {
                "package_name": "spark-batch-transform",
                "entry_point": "batch-transform",
                "parameters": list(arguments),
            },
        }
        return {
            "bundle": {"name": "batch-transform"},
            # The CLI leaves out what git ignores, up to the repository's root (databricks/cli, libs/git), as `dist` is.
            "sync": {"include": ["*.yml"]},
            "resources": {"jobs": {"score": {"name": name, "max_concurrent_runs": 1, "tasks": [task]}}},
        }

    def commands(self) -> tuple[tuple[str, ...], ...]:
        """Returns what deploys the bundle, and what runs its job and waits."""
        return ("databricks", "bundle", "deploy"), ("databricks", "bundle", "run", "score")


TARGET = Databricks()
