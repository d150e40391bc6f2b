"""`init`: a first run file for a Parquet file, a folder of them, a Delta table or a named table, and a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from batch_transform.config.loading import surroundings
from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.first_run_file import FirstRun, run_file_text
from batch_transform.outputs.first_look import first_look, table_format
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import PROGRAM as PROGRAM_NAME
from batch_transform.pipeline.spelling import PROGRAM
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.s3.store import S3Store

# What looks like schema.name, and is the name of a file that is not there.
_OF_FILES = (".parquet", ".pq", ".orc", ".csv", ".json", ".jsonl", ".avro", ".txt", ".gz")
_TABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*){1,2}")


def first_run_file(asked: CommandLine, environ: Mapping[str, str]) -> str:
    """Returns what is printed: the run file, or where it was written and what to do with it.

    Raises:
        ConfigurationError: it is not said for what, there is no such input, or the file is there already.
        StoreFailure: S3 does not tell.
    """
    if missing := [flag for flag, given in (("--input", asked.input), ("--model", asked.model)) if not given]:
        raise ConfigurationError(f"{', '.join(missing)}: is needed; see --help")
    text = run_file_text(_first_run(asked, environ))
    if not asked.subject:
        return text.rstrip("\n")
    try:
        with Path(asked.subject).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(
            f"{asked.subject}: is there already, and is left as it is; name another file"
        ) from None
    except OSError as err:
        raise ConfigurationError(f"{asked.subject}: cannot be written: {err.strerror}; name another file") from err
    return (
        f"{asked.subject} is written. Look through it, then: {environ.get(PROGRAM, PROGRAM_NAME)} plan {asked.subject} "
        "--var ds=2024-05-01"
    )


def _first_run(asked: CommandLine, environ: Mapping[str, str]) -> FirstRun:
    place, model, program = asked.input[-1], asked.model[-1], environ.get(PROGRAM, PROGRAM_NAME)
    output, workspace = (given[-1] if given else None for given in (asked.result, asked.workspace))
    if _TABLE.fullmatch(place) and not Path(place).exists() and not place.lower().endswith(_OF_FILES):
        return FirstRun(place, True, table_format(), model, (), "", output, workspace, program)
    access = access_of(surroundings(asked.sets, ()), None, environ) if is_s3(place) else None
    found = first_look(place, S3Store(access.client("s3")) if access else None)
    return FirstRun(place, False, found.format, model, found.columns, found.file, output, workspace, program)
