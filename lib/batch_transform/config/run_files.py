"""Run files on disk, each with those that it extends."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from batch_transform.config.faults import Fault
from batch_transform.config.layers import Layer
from batch_transform.config.places import WITH_USER, secret_in_url
from batch_transform.config.variables import substitute
from batch_transform.config.yaml_text import describe_error, parse_value


def read_text(path: Path) -> str:
    """Returns a file's text."""
    return path.read_text(encoding="utf-8")


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
