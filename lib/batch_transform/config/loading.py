"""A configuration: of a run file with what the command line adds, of a ledger, or of arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from batch_transform.config import overrides
from batch_transform.config.checking import check
from batch_transform.config.faults import Fault
from batch_transform.config.layers import Layer
from batch_transform.config.run_files import read_chain, read_text
from batch_transform.config.runfile import RunConfig
from batch_transform.config.secret_keys import is_needed, secrets_given, with_secrets
from batch_transform.config.sections import Input
from batch_transform.config.surroundings import Surroundings, Whereabouts
from batch_transform.config.typed_sections import field_validator
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.escaping import hidden
from batch_transform.core.ledger import JsonObject


class FrameConfig(RunConfig):
    """The configuration of `score(df, ...)`: the rows are at hand, and the result may stay in the workspace."""

    takes_frame: ClassVar[bool] = True

    @field_validator("input")
    @classmethod
    def _is_the_frame(cls, section: Input | None) -> Input | None:
        if section is not None:
            raise ValueError("is given, but the rows are those of the DataFrame")
        return section


ARGUMENTS = "score()"


def recorded_config(document: JsonObject, *, is_of_frame: bool) -> RunConfig:
    """Returns the configuration that a ledger has, of a run of `score()` or of a run file.

    Raises:
        ConfigurationError: a version that knows other keys has written it.
    """
    return (FrameConfig if is_of_frame else RunConfig).from_document(document)


def load(
    path: str | Path,
    *,
    sets: Sequence[str] = (),
    variables: Sequence[str] = (),
    emulator_models: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    read: Callable[[str], str] = read_text,
    reads_input: bool = True,
) -> RunConfig:
    """Returns the checked configuration of a run file.

    Args:
        path: of the run file, or its location on S3; `extends` in it is relative to its folder.
        sets: `a.b=value` each, over the file.
        variables: `name=value` each, for `${name}`.
        emulator_models: `NAME=COMMAND_OR_URL` each, added to `emulator.models`.
        environ: where a `${name}` is looked up that is no variable; None: nowhere.
        read: gives a file's text; where one may lie on S3, from there as well.
        reads_input: whether the secrets of the input's options are needed: rows that are staged are not read again.

    Raises:
        ConfigurationError: with all faults of the file and of the arguments.
    """
    said = _said(path, sets, variables, emulator_models, environ, read)
    needed = partial(is_needed, reads_input=reads_input)
    return check(RunConfig, said.layers, said.known, said.faults, spoken=said.spoken, needed=needed)


def whereabouts(
    path: str | Path,
    *,
    sets: Sequence[str],
    variables: Sequence[str],
    emulator_models: Sequence[str],
    environ: Mapping[str, str],
    read: Callable[[str], str],
    names_run: bool,
) -> Whereabouts:
    """Returns where the run of a run file is, whatever its other keys need; other arguments and errors as of `load`.

    Args:
        names_run: whether the run is meant, and not all runs of its workspace: then its id may lack a variable.
    """
    said = _said(path, sets, variables, emulator_models, environ, read)
    keys = Whereabouts.model_fields.keys() - (set() if names_run else {"run_id"})
    layers = [
        replace(layer, document={key: value for key, value in layer.document.items() if key in keys})
        for layer in said.layers
    ]
    return check(Whereabouts, layers, said.known, said.faults, spoken=said.spoken, whole=said.layers)


@dataclass(frozen=True)
class _Said:
    """What files and command line say, and the variables: all of them, and those of the command line."""

    layers: list[Layer]
    known: dict[str, str]
    spoken: dict[str, str]
    faults: list[Fault]


def _said(
    path: str | Path,
    sets: Sequence[str],
    variables: Sequence[str],
    emulator_models: Sequence[str],
    environ: Mapping[str, str] | None,
    read: Callable[[str], str],
) -> _Said:
    spoken, faults = overrides.read_variables(variables)
    known = {**(environ or {}), **spoken}
    arguments, argument_faults = read_arguments(sets, emulator_models)
    faults += argument_faults
    files, file_faults = read_chain(str(path), known, read)
    if file_faults:
        # Without the files, what is missing in them cannot be told from what was not read.
        secrets = secrets_given([*files, *arguments], known)
        raise ConfigurationError(hidden(fault.line(str), secrets) for fault in [*file_faults, *faults])
    return _Said([*files, *arguments], known, spoken, faults)


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
    recorded = Layer(source, with_secrets(document, environ), is_recorded=True)
    needed = partial(is_needed, reads_input=reads_input, goes_on=goes_on)
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
        sections: what else a run file has (`score` names them).

    Raises:
        ConfigurationError: with all faults.
    """
    document = {
        "run_id": run_id,
        "workspace": workspace,
        "model": {"name": model} if isinstance(model, str) else model,
        "record": _with_columns(record, columns),
        "prediction": {"schema": prediction} if isinstance(prediction, str) else prediction,
        "transform": transform,
        "output": output,
        **sections,
    }
    # What a program hands over is meant as it is: no variables.
    return check(FrameConfig, [Layer(ARGUMENTS, _plain(document))], None, _said_twice(record, columns))


def _with_columns(record: Any, columns: Sequence[str] | None) -> Any:
    """The section with the columns beside it; what is no section is left for the check to name."""
    if columns is None or not isinstance(record or {}, Mapping):
        return record
    return {**(record or {}), "columns": columns}


def _said_twice(record: Any, columns: Sequence[str] | None) -> list[Fault]:
    """A fault where columns are given in both places: a model would be sent those that one of them does not name."""
    if columns is None or not isinstance(record, Mapping) or record.get("columns") is None:
        return []
    return [Fault(("record", "columns"), "is given beside the argument columns; give one of the two")]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, (list, tuple)) else value
