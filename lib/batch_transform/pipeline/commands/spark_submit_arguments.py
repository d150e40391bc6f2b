"""The arguments that spark-submit takes, as far as they must be understood to add to them. Pure.

Source: Spark 4.2, `SparkSubmitOptionParser` (options, switches, `--name=value`) and "Submitting Applications".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SWITCHES = frozenset({"--help", "-h", "--supervise", "--usage-error", "--verbose", "-v", "--version"})
OPTIONS = frozenset(
    {
        "--archives",
        "--class",
        "--conf",
        "-c",
        "--connect-extensions",
        "--deploy-mode",
        "--driver-class-path",
        "--driver-cores",
        "--driver-default-class-path",
        "--driver-java-options",
        "--driver-library-path",
        "--driver-memory",
        "--exclude-packages",
        "--executor-cores",
        "--executor-memory",
        "--files",
        "--jars",
        "--keytab",
        "--kill",
        "--load-spark-defaults",
        "--master",
        "--name",
        "--num-executors",
        "--packages",
        "--principal",
        "--properties-file",
        "--proxy-user",
        "--py-files",
        "--queue",
        "--remote",
        "--repositories",
        "--status",
        "--total-executor-cores",
    }
)
# Options that are also settings; the option wins (SparkSubmitArguments.mergeDefaultSparkProperties and after).
SETTINGS = {
    "--master": "spark.master",
    "--remote": "spark.remote",
    "--deploy-mode": "spark.submit.deployMode",
    "--driver-memory": "spark.driver.memory",
    "--driver-java-options": "spark.driver.extraJavaOptions",
    "--packages": "spark.jars.packages",
    "--exclude-packages": "spark.jars.excludes",
    "--py-files": "spark.submit.pyFiles",
    "--files": "spark.files",
    "--jars": "spark.jars",
    "--archives": "spark.archives",
    "--name": "spark.app.name",
}
# Lists of files.
LISTS = ("spark.jars", "spark.submit.pyFiles", "spark.files", "spark.archives")
_SETTING_OPTIONS = {setting: option for option, setting in SETTINGS.items()}
_SEPARATOR = re.compile(r"\s*=\s*|\s+")  # of a key and its value in a properties file


@dataclass(frozen=True)
class SparkArguments:
    """Arguments for spark-submit in their order, each an option with its value (a switch: None).

    Attributes:
        options: what the command line gave.
        defaults: settings of the properties file, which the options win over.
    """

    options: tuple[tuple[str, str | None], ...]
    defaults: Mapping[str, str]

    def setting(self, key: str) -> str | None:
        """Returns the value that a Spark setting has by these arguments; None: Spark's own default."""
        option = _SETTING_OPTIONS.get(key)
        given = [value for name, value in self.options if name == option]
        given = given or [value for name, value in self.options if _conf_key(name, value) == key]
        if given:
            last = given[-1] or ""
            return last if any(name == option for name, _ in self.options) else last.partition("=")[2]
        return self.defaults.get(key)

    def with_default(self, key: str, value: str) -> SparkArguments:
        """Returns these arguments with a setting that holds unless it is given."""
        if self.setting(key) is not None:
            return self
        return SparkArguments((("--conf", f"{key}={value}"), *self.options), self.defaults)

    def with_added(self, key: str, values: Iterable[str]) -> SparkArguments:
        """Returns these arguments with `values` added to a setting that is a list with commas; none stands twice."""
        before = [value.strip() for value in (self.setting(key) or "").split(",") if value.strip()]
        merged = list(dict.fromkeys([*before, *values]))
        return self.with_instead(key, merged) if merged else self

    def with_instead(self, key: str, values: Iterable[str]) -> SparkArguments:
        """Returns these arguments with a list in the place of a setting's."""
        merged = ",".join(values)
        # The option is dropped with the setting: it would win over what is added.
        option = _SETTING_OPTIONS.get(key)
        kept = [item for item in self.options if item[0] != option and _conf_key(*item) != key]
        added = (option, merged) if option else ("--conf", f"{key}={merged}")
        return SparkArguments((*kept, added), self.defaults)

    @property
    def local(self) -> bool:
        """Whether Spark runs on this machine: the master is local, or none is given (Spark's default)."""
        return self.setting("spark.remote") is None and (self.setting("spark.master") or "local").startswith("local")

    @property
    def in_one_process(self) -> bool:
        """Whether driver and executor are one process on this machine, whose workers find what it finds."""
        is_alone = not (self.setting("spark.master") or "").startswith("local-cluster")
        return self.local and is_alone and not self.in_cluster

    @property
    def in_cluster(self) -> bool:
        """Whether the driver runs on another machine (`--deploy-mode cluster`)."""
        return self.setting("spark.submit.deployMode") == "cluster"

    def command_line(self) -> list[str]:
        """Returns the arguments as spark-submit takes them."""
        return [part for item in self.options for part in item if part is not None]


def _conf_key(name: str, value: str | None) -> str | None:
    return (value or "").partition("=")[0].strip() if name in ("--conf", "-c") else None


def parse_properties(text: str) -> dict[str, str]:
    """Returns the settings of a `spark-defaults.conf`: `key value` or `key=value` lines, `#` at the front a comment."""
    settings: dict[str, str] = {}
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", "!")):
            key, *value = _SEPARATOR.split(stripped, maxsplit=1)
            settings[key] = "".join(value)
    return settings
