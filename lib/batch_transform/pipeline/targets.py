"""Where result and dead letters are published."""

from __future__ import annotations

from dataclasses import dataclass

from batch_transform.config.result import DeadLetter, Output
from batch_transform.config.runfile import RunConfig
from batch_transform.core.publishing.file_publication import Kind, Mode
from batch_transform.outputs.port import OutputFormat, OutputTable
from batch_transform.outputs.registry import format_named
from batch_transform.pipeline.places import Places


@dataclass(frozen=True)
class Targets:
    """The two tables of a run, written in one format and one mode."""

    output: Output
    dead_letter: DeadLetter

    @property
    def format(self) -> OutputFormat:
        """The output format, in which the dead letters are published as well."""
        return format_named(self.output.format)

    def tables(self, places: Places) -> dict[Kind, OutputTable]:
        """Returns both as their format takes them."""
        output = self.output

        def table(target: Output | DeadLetter, key: str) -> OutputTable:
            path = places.spark_path(target.path) if target.path else None
            by = tuple(output.partition_by)
            return OutputTable(output.mode, path, target.table, by, output.replace_where, target.path or "", key)

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


def targets_of(config: RunConfig, places: Places) -> Targets:
    """Returns the targets of a run; without an output the result stays in the run's scratch folder."""
    output = config.output or Output(path=places.result, mode="error")
    given = config.dead_letter_place
    if given is None or not (given.path or given.table):
        given = DeadLetter(path=f"{output.path}_dead_letter", column=given.column if given is not None else None)
    return Targets(output, given)
