"""What a target of `run RUNFILE --target` is: what it needs, and what a run is to it. Pure."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

# Where an archive that is given as FILE#environment has its interpreter, as a process sees it that Spark starts.
ENVIRONMENT = "environment"
PYTHON = f"./{ENVIRONMENT}/bin/python"
# Of a bundle: where its files are once it is deployed.
FILES = "${workspace.file_path}"


def application_name(run_id: str | None) -> str:
    """Returns what Spark, and whatever runs it, shows of a run."""
    return f"batch-transform {run_id or ''}".strip()


@dataclass(frozen=True)
class Keys:
    """The section `deploy` of a run file, but for its target; and what nobody gave is None."""

    cluster_id: str | None = None
    application_id: str | None = None
    execution_role_arn: str | None = None


@dataclass(frozen=True)
class Need:
    """A key that a target cannot do without.

    Attributes:
        key: of Keys.
        pattern: what it must match as a whole.
        words: what it is, with an example.
    """

    key: str
    pattern: str
    words: str


@dataclass(frozen=True)
class Shipment:
    """A run, once its files are where its driver finds them.

    Attributes:
        name: what the platform shows.
        entry: `score.py`.
        arguments: of it: a command, the run file, options.
        spark: the arguments of spark-submit.
        token: by which the platform knows a request again that is sent twice.
    """

    name: str
    entry: str
    arguments: tuple[str, ...]
    spark: tuple[str, ...]
    token: str


class Target(ABC):
    """One place to run.

    Attributes:
        name: in `--target` and in `deploy.target`.
        needs: keys of `deploy`.
        takes_archive: whether its Python workers need an archive of packages.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ()
    takes_archive: ClassVar[bool] = True

    def faults(self, keys: Keys) -> Iterator[str]:
        """Yields what of `deploy` is missing or wrong for this target."""
        for need in self.needs:
            value = getattr(keys, need.key)
            if value is None:
                yield f"deploy.{need.key}: is needed for target {self.name}: {need.words}"
            elif not re.fullmatch(need.pattern, value):
                yield f"deploy.{need.key}: is {value!r}; for target {self.name} it is {need.words}"


class SparkTarget(Target):
    """spark-submit on this machine.

    Attributes:
        master: of Spark; '': the user's, who gives `--master` or a properties file.
    """

    master: ClassVar[str] = ""

    @abstractmethod
    def master_fault(self, master: str) -> str | None:
        """Returns what is wrong with the master that was given, the end of a sentence; None: it is this target's."""


class ServiceTarget(Target):
    """A service that is asked, through its API, to start a driver in a cluster.

    Attributes:
        service: boto3's name.
        operation: of its client.
        python_settings: the settings of Spark that name the interpreter, of driver and workers.
        settings: others, which hold unless they are given.
    """

    service: ClassVar[str]
    operation: ClassVar[str]
    python_settings: ClassVar[tuple[str, ...]]
    settings: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def request(self, keys: Keys, shipment: Shipment) -> dict[str, Any]:
        """Returns the parameters of the operation."""

    @abstractmethod
    def started(self, answer: Mapping[str, Any]) -> str:
        """Returns the id of what was started, by the operation's answer."""


class BundleTarget(Target):
    """A platform that takes a folder with files and a description of the job, by a command of its own."""

    @abstractmethod
    def description(self, keys: Keys, name: str, wheel: str, arguments: tuple[str, ...]) -> dict[str, Any]:
        """Returns what the folder's own file says; the wheel is a name within it, as is what begins with FILES."""

    @abstractmethod
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """Returns the commands that are given in the folder, in their order."""
