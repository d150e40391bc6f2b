"""From layers to a checked configuration; every fault that can be found is found in one go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from batch_transform.config.faults import Fault, Path, from_pydantic
from batch_transform.config.layers import Layer, merge_layers, origin, prune
from batch_transform.config.sections import Section
from batch_transform.config.variables import Substituted, substitute
from batch_transform.core.errors import ConfigurationError

Config = TypeVar("Config", bound=Section)


def check(
    kind: type[Config], layers: Sequence[Layer], variables: Mapping[str, str] | None, faults: Iterable[Fault] = ()
) -> Config:
    """Returns the configuration that the layers make, the last on top.

    Args:
        kind: `RunConfig`, `FrameConfig` or `Surroundings`.
        layers: at least one; the first names the source of keys that are missing.
        variables: what `${name}` stands for; None: it stands for itself.
        faults: found before; they are told together with those found here.

    Raises:
        ConfigurationError: with all faults.
    """
    document = prune(merge_layers(layers))
    substituted = Substituted(document, ()) if variables is None else substitute(document, variables)
    found = [*faults, *substituted.faults]
    try:
        config = kind.model_validate(substituted.document)
    except ValidationError as error:
        unresolved = {fault.path for fault in substituted.faults}
        # A value whose variable is undefined says nothing about its key.
        new = from_pydantic(error.errors(include_url=False), kind)
        found += [fault for fault in new if not _concerns(fault.path, unresolved)]
        raise _refusal(found, layers) from error
    if found:
        raise _refusal(found, layers)
    return config


def _concerns(path: Path, unresolved: set[Path]) -> bool:
    return any(path[: len(other)] == other or other[: len(path)] == path for other in unresolved)


def _refusal(faults: Iterable[Fault], layers: Sequence[Layer]) -> ConfigurationError:
    return ConfigurationError(fault.line(lambda path: origin(layers, path)) for fault in faults)
