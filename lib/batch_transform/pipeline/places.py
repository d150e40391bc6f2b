"""Where a run keeps what and publishes what, and how Spark names it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from batch_transform.config import places
from batch_transform.config.result import DeadLetter, Output, check_reached, dead_letter_beside
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.plain_paths import escaped, plain_path
from batch_transform.core.publishing.file_publication import Kind, Mode
from batch_transform.core.run_layout import RESULT, RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.port import OutputFormat, OutputTable
from batch_transform.outputs.registry import DEFAULT, format_named

DATABRICKS_VARIABLE = "DATABRICKS_RUNTIME_VERSION"  # that its clusters set
_OF_EMR = "-amzn-"  # in the version of its Spark
_OWNERS_FOLDER = 0o700
_OWNERS_FILE = 0o600


@dataclass(frozen=True)
class Places:
    """The folders of a run.

    Attributes:
        layout: where boto3 writes: ledger, manifests; records, outputs, merged files.
        scratch: where Spark writes besides the result: staged rows, unpublished dead letters.
        s3_scheme: how this Spark names S3.
    """

    layout: RunLayout
    scratch: str
    s3_scheme: str

    @property
    def run(self) -> S3Uri:
        """What names the run in commands and reports."""
        return self.layout.run

    @property
    def result(self) -> str:
        """Where the result stays that no output is named for."""
        return f"{self.scratch}/{RESULT}"

    @property
    def dead_letters(self) -> str:
        """Where dead letters lie that are more than are accepted."""
        return f"{self.scratch}/dead_letters"

    @property
    def folders(self) -> dict[str, str]:
        """The run's own folders, each with the section of a run file that has named it."""
        named = {str(self.layout.kept): "workspace", str(self.layout.rows): "workspace"}
        return named | {self.scratch: "staging"}

    def staging(self, *names: str) -> str:
        """Returns where rows are staged; `names` begin with the writer's."""
        return "/".join((self.scratch, "staging", *names))

    def spark_path(self, location: str) -> str:
        """Returns a location of a run file as Spark takes it."""
        if places.is_s3(location):
            uri = S3Uri.parse(location)
            return f"{self.s3_scheme}://{uri.bucket}/{uri.key}"
        return location if places.scheme_of(location) else f"file:{os.path.abspath(location)}"

    def input_path(self, location: str, *, takes_patterns: bool) -> tuple[str, bool]:
        """Returns an `input.path` as Spark takes it, and whether that is a pattern.

        Args:
            location: of a run file; in a pattern what is below the working directory is one, and not that itself.
            takes_patterns: whether the format's reader does.
        """
        plain = plain_path(location)
        if plain is not None or not takes_patterns:
            return self.spark_path(location if plain is None else plain), False
        if places.scheme_of(location):
            return self.spark_path(location), True
        return f"file:{os.path.normpath(os.path.join(escaped(os.getcwd()), location))}", True

    def close_to_others(self) -> None:
        """Lets the owner alone read the scratch folder and its files, where it is a folder of the driver's machine.

        They hold rows, and Spark leaves who may read them to the umask. What a file system that knows no owners (a
        mount of an object store) does not take, it need not.
        """
        if not self.scratch.startswith("file:"):
            return
        root = "/" + self.scratch.removeprefix("file:").lstrip("/")
        with suppress(OSError):
            os.makedirs(root, exist_ok=True)
            for folder, _, names in os.walk(root):
                os.chmod(folder, _OWNERS_FOLDER)
                for path in (os.path.join(folder, name) for name in names):
                    if not os.path.islink(path):
                        os.chmod(path, _OWNERS_FILE)

    def sibling(self, location: str, writer: str) -> str:
        """Returns where the files for an output at `location` are merged before they are published.

        For S3 that is the run's own folder; for a file system a hidden folder beside the output, from which a file is
        copied without crossing a file system.
        """
        if places.is_s3(location):
            return str(self.layout.merged(writer))
        scheme = places.scheme_of(location)
        path = location[len(scheme) + 1 :] if scheme else location
        path = os.path.abspath("/" + path.lstrip("/") if scheme else path)
        folder, name = os.path.split(path)
        return os.path.join(folder, f".{name}.batch_transform-{writer}")


def places_of(
    config: RunConfig, layout: RunLayout, spark_version: str | None, environ: Mapping[str, str] = os.environ
) -> Places:
    """Returns the places of a run.

    Outside EMR and Databricks, whose own file systems answer to `s3://`, Spark reaches S3 as `s3a://`: Hadoop has no
    other, whoever manages the cluster.

    Args:
        config: the checked configuration.
        layout: of the run.
        spark_version: as Spark says it; None: there is none.
        environ: of this process, by which Databricks is known.
    """
    has_its_own = spark_version is not None and (_OF_EMR in spark_version or DATABRICKS_VARIABLE in environ)
    # Of an emulator s3a alone is told; their own would go to a bucket of that name on AWS.
    scheme = "s3" if has_its_own and not config.emulated else "s3a"
    place = config.staging_place
    scratch = layout.rows_below(place, on_s3=places.is_s3(place))
    return Places(layout, Places(layout, "", scheme).spark_path(scratch), scheme)


@dataclass(frozen=True)
class Targets:
    """The two tables of a run, written in one format and one mode."""

    output: Output
    dead_letter: DeadLetter
    run_id: str

    @property
    def format(self) -> OutputFormat:
        """The output format, in which the dead letters are published as well."""
        return format_named(self.output.format)

    @property
    def are_one(self) -> bool:
        """Whether the dead letters lie beside the result by its name: where that goes elsewhere they do as well."""
        beside = dead_letter_beside(self.output, None)
        return (self.dead_letter.path, self.dead_letter.table) == (beside.path, beside.table)

    def tables(self, places: Places) -> dict[Kind, OutputTable]:
        """Returns both as their format takes them, the result first."""
        output = self.output

        def table(target: Output | DeadLetter, key: str) -> OutputTable:
            path = places.spark_path(target.path) if target.path else None
            by = tuple(output.partition_by)
            return OutputTable(
                output.mode, path, target.table, by, output.replace_where, target.path or "", key, self.run_id
            )

        return {"result": table(output, "output"), "dead_letter": table(self.dead_letter, "dead_letter")}

    @property
    def mode(self) -> Mode:
        """What becomes of the rows that are there."""
        return self.output.mode

    def named(self) -> dict[str, str]:
        """Returns how the report names them."""
        return {
            "output": self.output.table or self.output.path or "",
            "dead_letter": self.dead_letter.table or self.dead_letter.path or "",
        }


def _reached(places: Places, staging: str) -> Places:
    try:
        check_reached(format_named(DEFAULT).can, places.result)
    except ValueError:
        raise ConfigurationError(
            f"staging: is {staging!r}, which Spark alone reaches, and without an output, as with --limit, the result "
            "stays there: name an output, or stage on s3:// or in a folder of the driver's own file systems"
        ) from None
    return places


def targets_of(config: RunConfig, places: Places) -> Targets:
    """Returns the targets of a run; without an output the result stays in the run's scratch folder.

    Raises:
        ConfigurationError: that is where Spark alone writes, and files are put into place by the driver.
    """
    output = config.output or Output(path=_reached(places, config.staging_place).result, mode="error")
    given = config.dead_letter_place
    if given is None or not (given.path or given.table):
        given = dead_letter_beside(output, given.column if given is not None else None)
    return Targets(output, given, config.run_id or "")
