"""A run file from disk, with what it extends and what the command line adds."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from batch_transform.config import overrides
from batch_transform.config.changes import OPTIONS
from batch_transform.config.checking import check
from batch_transform.config.faults import Fault
from batch_transform.config.faults import Path as Key
from batch_transform.config.layers import Layer
from batch_transform.config.places import WITH_USER, secret_in_url
from batch_transform.config.runfile import FrameConfig, RunConfig
from batch_transform.config.secret_keys import with_secrets
from batch_transform.config.surroundings import Surroundings
from batch_transform.config.variables import substitute
from batch_transform.config.yaml_text import describe_error, parse_value
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.ledger import JsonObject

ARGUMENTS = "score()"


def read_text(path: Path) -> str:
    """Returns a file's text."""
    return path.read_text(encoding="utf-8")


def load(
    path: str | Path,
    *,
    sets: Sequence[str] = (),
    variables: Sequence[str] = (),
    emulator_models: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    read: Callable[[Path], str] = read_text,
    reads_input: bool = True,
) -> RunConfig:
    """Returns the checked configuration of a run file.

    Args:
        path: of the run file; `extends` in it is relative to its folder.
        sets: `a.b=value` each, over the file.
        variables: `name=value` each, for `${name}`.
        emulator_models: `NAME=COMMAND_OR_URL` each, added to `emulator.models`.
        environ: where a `${name}` is looked up that is no variable; None: nowhere.
        read: gives a file's text.
        reads_input: whether the secrets of the input's options are needed: rows that are staged are not read again.

    Raises:
        ConfigurationError: with all faults of the file and of the arguments.
    """
    given, faults = overrides.read_variables(variables)
    known = {**(environ or {}), **given}
    arguments, argument_faults = read_arguments(sets, emulator_models)
    faults += argument_faults
    files, file_faults = read_chain(Path(path), known, read)
    if file_faults:
        # Without the files, what is missing in them cannot be told from what was not read.
        raise ConfigurationError(fault.line(str) for fault in [*file_faults, *faults])
    needed = partial(_is_needed, reads_input=reads_input)
    return check(RunConfig, [*files, *arguments], known, faults, spoken=given, needed=needed)


def _is_needed(path: Key, *, reads_input: bool, goes_on: bool = True) -> bool:
    """Whether the secret of a key must be at hand."""
    return goes_on and (reads_input or path[: len(OPTIONS)] != OPTIONS)


def reload(
    document: JsonObject,
    source: str,
    *,
    sets: Sequence[str],
    emulator_models: Sequence[str],
    environ: Mapping[str, str],
    goes_on: bool = True,
    reads_input: bool = True,
) -> RunConfig:
    """Returns the checked configuration of a run that its ledger tells, with what the command line changes.

    Args:
        document: of a ledger, its secrets sealed.
        source: what a person calls it.
        sets: `a.b=value` each, over the document.
        emulator_models: `NAME=COMMAND_OR_URL` each, added to `emulator.models`.
        environ: where secrets are looked up, under the names that the run file had for them.
        goes_on: whether the secrets are needed at all: a published run needs none.
        reads_input: as of `load`.

    Raises:
        ConfigurationError: with all faults.
    """
    layers, faults = read_arguments(sets, emulator_models)
    recorded = Layer(source, with_secrets(document, environ))
    needed = partial(_is_needed, reads_input=reads_input, goes_on=goes_on)
    return check(RunConfig, [recorded, *layers], None, faults, needed=needed)


def surroundings(sets: Sequence[str], emulator_models: Sequence[str]) -> Surroundings:
    """Returns what the command line says of AWS and of the emulator; its other keys are left for `reload`.

    Raises:
        ConfigurationError: with all faults.
    """
    layers, faults = read_arguments(sets, emulator_models)
    known = [layer for layer in layers if set(layer.document) <= set(Surroundings.model_fields)]
    if not known and not faults:
        return Surroundings()
    return check(Surroundings, [Layer("--set", {}), *known], None, faults)


def read_arguments(sets: Sequence[str], emulator_models: Sequence[str]) -> tuple[list[Layer], list[Fault]]:
    """Returns the layers of `--emulator` and `--set`, and what is wrong with them."""
    read = [overrides.read_model(text) for text in emulator_models]
    read += [overrides.read_override(text) for text in sets]
    faults = [argument for argument in read if isinstance(argument, Fault)]
    return [argument for argument in read if isinstance(argument, Layer)], faults


def read_chain(
    path: Path, variables: Mapping[str, str], read: Callable[[Path], str]
) -> tuple[list[Layer], list[Fault]]:
    """Returns the layers of a run file and of those that it extends, the lowest first, or what is wrong with them."""
    layers: list[Layer] = []
    seen: list[str] = []
    following: Path | None = path
    while following is not None:
        here, name = following, str(following)
        if secret_in_url(name.replace(":/", "://")):  # as a path has lost the second slash
            return [], [Fault(("extends",), f"{WITH_USER}, and a run file is a file", seen[-1] if seen else "RUNFILE")]
        if os.path.normpath(name) in seen:
            return [], [Fault(("extends",), f"goes in a circle: {' -> '.join([*seen, name])}", seen[-1])]
        seen.append(os.path.normpath(name))
        document = read_document(here, read)
        if isinstance(document, Fault):
            return [], [document]
        extends = substitute(document.pop("extends", None), variables)
        if extends.faults or not isinstance(extends.document, (str, type(None))):
            words = [fault.text for fault in extends.faults] or ["must be the path of a run file"]
            return [], [Fault(("extends",), text, name) for text in words]
        layers.insert(0, Layer(name, document))
        following = here.parent / extends.document if extends.document is not None else None
    return layers, []


def read_document(path: Path, read: Callable[[Path], str]) -> dict[str, Any] | Fault:
    """Returns the map that a YAML file holds (an empty file: no keys), or what is wrong with the file."""
    name = str(path)
    try:
        document = parse_value(read(path))
    except FileNotFoundError:
        return Fault((), "no such file", name)
    except (OSError, UnicodeDecodeError) as error:
        return Fault((), f"cannot be read: {error}", name)
    except yaml.YAMLError as error:
        return Fault((), describe_error(error), name)
    if document is None:
        return {}
    if not isinstance(document, dict):
        return Fault((), "is no map of keys, such as 'workspace: s3://bucket/prefix'", name)
    return document


def from_arguments(
    *,
    run_id: str | None,
    model: str | Mapping[str, Any],
    workspace: str,
    columns: Sequence[str] | None = None,
    prediction: str | Mapping[str, Any] | None = None,
    record: Mapping[str, Any] | None = None,
    transform: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    **sections: Any,
) -> FrameConfig:
    """Returns the checked configuration of `score(df, ...)`.

    Args:
        run_id: required unless `emulator` is given.
        model: its name, or the section `model`.
        workspace: as in a run file.
        columns: the same as `record.columns`.
        prediction: its schema in DDL, or the section `prediction`.
        record: that section of a run file, as are `transform` and `output`; without an output the result stays in
            the workspace.
        sections: `errors`, `dead_letter`, `secrets`, `aws`, `emulator`, `staging`, `export`, `merge`, as in a run file.

    Raises:
        ConfigurationError: with all faults.
    """
    document = {
        "run_id": run_id,
        "workspace": workspace,
        "model": {"name": model} if isinstance(model, str) else model,
        "record": {**(record or {}), **({"columns": columns} if columns is not None else {})},
        "prediction": {"schema": prediction} if isinstance(prediction, str) else prediction,
        "transform": transform,
        "output": output,
        **sections,
    }
    # What a program hands over is meant as it is: no variables.
    return check(FrameConfig, [Layer(ARGUMENTS, _plain(document))], None)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, (list, tuple)) else value
