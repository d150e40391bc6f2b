"""`init`: a first run file for a Parquet file, a folder of them, a Delta table or a named table, and a model."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from batch_transform.config.loading import load, surroundings
from batch_transform.config.places import check_location, is_s3
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.first_run_file import FirstRun, run_file_text
from batch_transform.core.near_names import no_such
from batch_transform.core.object_store import StoreFailure
from batch_transform.outputs.first_look import first_look, table_format
from batch_transform.outputs.tree_of_location import is_reached
from batch_transform.pipeline.commands.command_line import CommandLine, parse
from batch_transform.pipeline.commands.command_options import PLAN, RUN
from batch_transform.pipeline.reaching import is_secret
from batch_transform.pipeline.spelling import PROGRAM_NAME, PROGRAM_VARIABLE
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.emulation import embedded_emulator
from batch_transform.s3.s3_errors import NO_SUCH_BUCKET
from batch_transform.s3.store import S3Store

# What looks like schema.name, and is the name of a file that is not there.
_OF_FILES = (".parquet", ".pq", ".orc", ".csv", ".json", ".jsonl", ".avro", ".txt", ".gz")
_TABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*){1,2}")
# Where what is wrong with it stands, as long as it is nowhere.
_UNWRITTEN = "the run file that init would write"


def first_run_file(asked: CommandLine, environ: Mapping[str, str]) -> str:
    """Returns what is printed: the run file, or where it was written and what to do with it.

    Raises:
        ConfigurationError: it is not said for what, there is no such input, a run of the file would be refused, or it
            is there already.
        StoreFailure: S3 does not tell.
    """
    _check_given(asked)
    run = _first_run(asked, environ)
    text = run_file_text(run)
    _check_loads(text, run, environ)
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
    told = [f"{asked.subject} is written. Look through it, then see what it would do and cost, and do it:"]
    told += [run.command(name) for name in (PLAN, RUN)]
    if not run.emulated and not is_s3(run.input):
        told += ["Without an AWS account, against a model's server of yours:", *map(run.on_a_laptop, (PLAN, RUN))]
    return "\n".join(told)


def _check_given(asked: CommandLine) -> None:
    """Raises ConfigurationError for what is missing or empty, and for an input that nobody can look at."""
    needed = {"--input": asked.input, "--model": asked.model}
    faults = [f"{flag}: is needed; see --help" for flag, given in needed.items() if not "".join(given[-1:]).strip()]
    others = {"--output": asked.result, "--workspace": asked.workspace}
    empty = [flag for flag, given in others.items() if given and not given[-1].strip()]
    faults += [f"{flag}: is empty; name a place, or leave it out, and one is suggested" for flag in empty]
    if faults:
        raise ConfigurationError(faults)
    try:
        check_location(asked.input[-1])
    except ValueError as err:
        raise ConfigurationError(f"--input: {err}") from err
    if not is_reached(asked.input[-1]):
        raise ConfigurationError(
            "--input: lies where init cannot look; give one on S3 or of this machine, and put the other into the file"
        )


def _check_loads(text: str, run: FirstRun, environ: Mapping[str, str]) -> None:
    """Raises ConfigurationError with what `plan` and `run` would refuse, given as the file and what is told say it."""
    asked = parse(shlex.split(run.command(PLAN))[1:])
    load(
        _UNWRITTEN,
        sets=asked.sets,
        variables=asked.variables,
        emulator_models=asked.emulator_models,
        environ=environ,
        read=lambda _name: text,
    )


def _first_run(asked: CommandLine, environ: Mapping[str, str]) -> FirstRun:
    place, model = asked.input[-1], asked.model[-1]
    near = surroundings(asked.sets, asked.emulator_models)
    if near.emulator is not None and model not in near.emulator.models:
        raise ConfigurationError(f"--model: {no_such('model', [model], '--emulator', near.emulator.models)}")
    output, workspace = (given[-1] if given else None for given in (asked.result, asked.workspace))
    if _TABLE.fullmatch(place) and not Path(place).exists() and not place.lower().endswith(_OF_FILES):
        run = FirstRun(place, True, table_format(), model)
    else:
        try:
            with _s3_of(place, near, environ) as store:
                found = first_look(place, store)
        except StoreFailure as err:
            if err.code == NO_SUCH_BUCKET:
                raise ConfigurationError(f"--input: {place}: there is no such bucket; name another place") from err
            raise
        run = FirstRun(place, False, found.format, model, found.columns, found.file)
    return replace(
        run,
        output=output,
        workspace=workspace,
        program=environ.get(PROGRAM_VARIABLE, PROGRAM_NAME),
        file=asked.subject or run.file,
        options=tuple(_options(asked)),
        emulated=near.emulator is not None,
        keeps=near.emulator is not None and near.emulator.state is not None,
    )


def _options(asked: CommandLine) -> Iterator[str]:
    """What a run is to be begun with as well: what is no part of the file, and no secret, which is told nowhere."""
    given = {"--var": asked.variables, "--emulator": asked.emulator_models, "--set": asked.sets}
    for flag, values in given.items():
        for value in values:
            if not is_secret(flag, value):
                yield from (flag, value)


@contextmanager
def _s3_of(place: str, near: Surroundings, environ: Mapping[str, str]) -> Iterator[S3Store | None]:
    """The S3 in which a place lies: AWS's, or what the emulator has kept."""
    if not is_s3(place):
        yield None
    elif near.emulator is None:
        yield S3Store(access_of(near, None, environ).client("s3"))
    else:
        with embedded_emulator(near.emulator) as url:
            yield S3Store(access_of(near, url, environ).client("s3"))
