"""The text of a first run file for a table and a model, with what a person decides as comments. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from batch_transform.core.plain_paths import escaped

# What YAML takes for something else than a text, as `config.yaml_text` reads it.
_OTHER = re.compile(r"(?i)true|false|yes|no|on|off|null|y|n|~")
_PLAIN = re.compile(r"[A-Za-z_./][\w./@-]*(://[\w./@-]+)?", re.ASCII)
_SUFFIX = re.compile(r"\.(parquet|delta)$", re.IGNORECASE)
# Names of columns that tell who a row is, of which no model learns anything.
_NAMES_A_ROW = re.compile(r"(?i)(.*[_-])?(id|key|uuid|guid)")
# Arrow's types of which a record holds a value as a model reads it.
_SENT = ("int", "uint", "float", "double", "halffloat", "decimal", "bool", "string", "large_string", "dictionary")


@dataclass(frozen=True)
class InputColumn:
    """A column of the input.

    Attributes:
        name: as it is.
        kind: its type as Arrow names it; None: it is in names of folders.
    """

    name: str
    kind: str | None

    @property
    def left_out(self) -> str | None:
        """Why it is not suggested for the record; None: it is."""
        if self.kind is None:
            return "a partition"
        if not self.name:
            return "has no name"
        if _NAMES_A_ROW.fullmatch(self.name):
            return "names the row"
        return None if self.kind.startswith(_SENT) else "rarely what a model is asked"


@dataclass(frozen=True)
class FirstRun:
    """What a first run file is about.

    Attributes:
        input: a location as it is, no pattern and without variables, or the name of a table.
        is_table: whether it is a name.
        format: of the input; of a table the output's.
        model: the name of a SageMaker model.
        columns: of the input; none are known of a table.
        looked_at: whose footer has told them.
        output: where the result goes, as a run file says it, also with variables; None: it is suggested.
        workspace: the same; None: it is suggested.
        program: as whoever reads the file starts it.
        file: its own name, where that is known.
        options: with which a run of it is to be begun, but for the file's variable.
        emulated: whether they name an emulator.
        keeps: whether they name where that keeps its runs.
    """

    input: str
    is_table: bool
    format: str
    model: str
    columns: Sequence[InputColumn] = ()
    looked_at: str = ""
    output: str | None = None
    workspace: str | None = None
    program: str = "batch-transform"
    file: str = "THIS_FILE"
    options: Sequence[str] = ()
    emulated: bool = False
    keeps: bool = False

    def command(self, name: str, *more: str) -> str:
        """Returns the command line of a command with the file, to be pasted."""
        is_given = any(flag == "--var" and value.startswith("ds=") for flag, value in pairwise(self.options))
        day = () if is_given else ("--var", "ds=2024-05-01")
        return shlex.join([self.program, name, self.file, *day, *more, *self.options])

    def on_a_laptop(self, name: str) -> str:
        """Returns that of a command for which a model's server of one's own stands in for AWS."""
        served = ("--emulator", f"{self.model}=http://127.0.0.1:8080", "--set", "emulator.state=.emulator")
        return self.command(name, *served)


def run_file_text(run: FirstRun) -> str:
    """Returns the run file."""
    return "\n".join(chain(_head(run), _input(run), _record(run), _rest(run), _output(run), [""]))


def _head(run: FirstRun) -> list[str]:
    stem = re.sub(r"[^A-Za-z0-9-]+", "-", run.model).strip("-") or "run"
    bucket = _literal("/".join(run.input.split("/")[:3]))
    workspace = run.workspace or (f"{bucket}/scoring" if _on_s3(run) else None)
    told = "  # a bucket of your own: the job writes there" if workspace is None else ""
    return [
        f"# To see what it would do and cost:   {_words(run.command('plan'))}",
        f"# To score a few rows to begin with:  {_words(run.command('run', '--limit', '100'))}",
        f"# To score all of it:                 {_words(run.command('run'))}",
        *_on_a_laptop(run),
        "",
        "# Names this run for ever: under one name a run is resumed, and published once. ${ds} comes from --var.",
        f"run_id: {stem}-${{ds}}",
        f"workspace: {_scalar(workspace or 's3://my-bucket/scoring')}{told}",
        "",
    ]


def _on_a_laptop(run: FirstRun) -> list[str]:
    kept = "#   to keep runs, and go on with them: --set emulator.state=.emulator"
    if run.emulated:
        return ["# On AWS:                              the same without --emulator", *([] if run.keeps else [kept])]
    return [
        "# On a laptop, with no AWS account, against a model's server of yours:",
        *(f"#   {_words(run.on_a_laptop(name))}" for name in ("plan", "run")),
    ]


def _on_s3(run: FirstRun) -> bool:
    return not run.is_table and run.input.startswith("s3://")


def _input(run: FirstRun) -> list[str]:
    if run.is_table:
        return ["input:", f"  table: {_scalar(run.input)}", "  # where: ds = '${ds}'    # the rows of a day", ""]
    path = _scalar(_literal(escaped(run.input, run.format)))
    width = max((len(column.name) for column in run.columns), default=0)
    return [
        "input:",
        f"  path: {path}    # of another day: name it with ${{ds}}, or see `where`",
        f"  format: {run.format}",
        "  # where: ds = '${ds}'    # the rows of a day",
        f"  # Its columns, by {_words(run.looked_at)}:",
        *(f"  #   {_words(each.name):<{width}}  {each.kind or 'in names of folders'}" for each in run.columns),
        *_nanoseconds(run),
        "",
    ]


def _nanoseconds(run: FirstRun) -> list[str]:
    """What to do about times as pandas writes them, which Spark refuses."""
    found = [_words(each.name) for each in run.columns if (each.kind or "").startswith("timestamp[ns")]
    if not found:
        return []
    return [
        f"  # Spark reads no nanoseconds ({', '.join(found)}): write microseconds (pandas: coerce_timestamps='us'), or",
        "  # options: {nanosAsLong: true}    # have them read, and published, as whole numbers",
    ]


def _record(run: FirstRun) -> list[str]:
    chosen = [column for column in run.columns if column.left_out is None]
    if not chosen:
        return ["# record:", "#   columns: [a, b]    # what the model is sent of a row; all columns unless given", ""]
    others = [f"{_words(each.name)} ({each.left_out})" for each in run.columns if each.left_out]
    return [
        "# What the model is sent of a row, as a line of JSON: all that it was trained on, and nothing else.",
        *([f"# Left out: {', '.join(others)}."] if others else []),
        "record:",
        f"  columns: [{', '.join(_scalar(_literal(column.name)) for column in chosen)}]",
        "  # format: csv            # what the model reads: jsonlines (default), csv, json, text, binary",
        "",
    ]


def _rest(run: FirstRun) -> list[str]:
    is_taken = any(column.name.lower() == "prediction" for column in run.columns)
    answer = "answer" if is_taken else "prediction"
    return [
        "model:",
        "  # A SageMaker model; or image, data_url and role_arn, of which one is made.",
        f"  name: {_scalar(_literal(run.model))}",
        "",
        "transform:",
        "  instance_type: ml.m5.xlarge",
        "  instance_count: 1",
        "",
        f"# What the model answers for a row is kept as it is, as a text in the column {answer}, unless a schema names",
        "# fields of the answer as columns: in DDL (NAME double, NAME string), or read from the first answers.",
        *(["prediction:", "  column: answer           # the input has a column `prediction`"] if is_taken else []),
        *(["  # schema: infer"] if is_taken else ["# prediction:", "#   schema: infer"]),
        "",
        "# errors:",
        "#   max_rows: 0            # how many rows may lack a prediction; they lie beside the output",
        "",
        "# What must be true of the predictions, or nothing is published; of a model that tells rows apart:",
        f'# expect: ["count(distinct {answer}) > 1"]',
        "",
    ]


def _output(run: FirstRun) -> list[str]:
    """Suggested is what the next day's run, under its own name, can go to as well."""
    stem = _literal(f"{_SUFFIX.sub('', run.input.rstrip('/'))}_scored")
    place = run.output or (stem if run.is_table else f"{stem}_${{ds}}")
    is_name = run.is_table and "/" not in place
    is_each_days = "${ds}" in place.replace("$${", "")
    told = "a table for each day" if is_each_days else "each day's rows are added"
    others = "append, overwrite, overwrite_partitions" if is_each_days else "error, overwrite, overwrite_partitions"
    return [
        "output:",
        f"  {'table' if is_name else 'path'}: {_scalar(place)}",
        f"  format: {run.format}",
        f"  mode: {'error ' if is_each_days else 'append'}             # {told}; or {others}",
    ]


def _literal(text: str) -> str:
    """A text in which no variable is meant, as a run file says it."""
    return text.replace("${", "$${")


def _scalar(text: str) -> str:
    """A text as YAML reads it back, which takes the two halves of JSON's escape for two characters."""
    if _PLAIN.fullmatch(text) and not _OTHER.fullmatch(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)


def _words(text: str) -> str:
    """A text that stays on the line of its comment."""
    return text if text.isprintable() else json.dumps(text)
