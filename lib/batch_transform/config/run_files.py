"""Run files, on disk or on S3, each with those that it extends."""

from __future__ import annotations

import os.path
import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from batch_transform.config.faults import Fault
from batch_transform.config.layers import Layer
from batch_transform.config.places import WITH_USER, is_s3, secret_in_url
from batch_transform.config.variables import substitute
from batch_transform.config.yaml_text import describe_error, parse_value
from batch_transform.core.near_names import nearest


def read_text(name: str) -> str:
    """Returns the text of a file on disk."""
    return Path(name).read_text(encoding="utf-8")


def read_chain(name: str, variables: Mapping[str, str], read: Callable[[str], str]) -> tuple[list[Layer], list[Fault]]:
    """Returns the layers of a run file and of those that it extends, the lowest first, or what is wrong with them.

    Args:
        name: a path, or a location on S3.
        variables: for `extends`.
        read: gives the text of one; FileNotFoundError and OSError are told.
    """
    layers: list[Layer] = []
    seen: list[str] = []
    following: str | None = name
    while following is not None:
        if secret_in_url(re.sub(":/+", "://", following)):  # as a path has lost the second slash
            return [], [Fault(("extends",), f"{WITH_USER}, and a run file is a file", seen[-1] if seen else "RUNFILE")]
        name = _plain(following)
        if name in seen:
            return [], [Fault(("extends",), f"goes in a circle: {' -> '.join([*seen, name])}", seen[-1])]
        seen.append(name)
        document = read_document(name, read)
        if isinstance(document, Fault):
            return [], [document]
        extends = substitute(document.pop("extends", None), variables)
        if extends.faults or not isinstance(extends.document, (str, type(None))):
            words = [fault.text for fault in extends.faults] or ["must be the path of a run file"]
            return [], [Fault(("extends",), text, name) for text in words]
        layers.insert(0, Layer(name, document))
        following = _beside(name, extends.document) if extends.document is not None else None
    return layers, []


def _plain(name: str) -> str:
    """The one spelling of a run file's name: by it a circle is seen."""
    if not is_s3(name):
        return os.path.normpath(name)
    scheme, _, rest = name.partition("://")
    return f"{scheme}://{posixpath.normpath(rest)}"


def _beside(name: str, extended: str) -> str:
    if is_s3(extended):
        return extended
    return f"{name.rpartition('/')[0]}/{extended}" if is_s3(name) else str(Path(name).parent / extended)


def _meant(name: str) -> str:
    """The run file that may be meant by a name that is none, where it would lie beside it."""
    beside = {} if is_s3(name) else {file.stem: file for file in Path(name).parent.glob("*.y*ml")}
    near = nearest(Path(name).stem, sorted(beside))
    return "" if near is None else f" (did you mean {beside[near]}?)"


def read_document(name: str, read: Callable[[str], str]) -> dict[str, Any] | Fault:
    """Returns the map that a YAML file holds (an empty file: no keys), or what is wrong with the file."""
    try:
        document = parse_value(read(name))
    except FileNotFoundError:
        return Fault((), f"no such file{_meant(name)}", name)
    except (OSError, UnicodeDecodeError) as error:
        return Fault((), f"cannot be read: {error}", name)
    except yaml.YAMLError as error:
        return Fault((), describe_error(error), name)
    if document is None:
        return {}
    if not isinstance(document, dict):
        return Fault((), "is no map of keys, such as 'workspace: s3://bucket/prefix'", name)
    return document
