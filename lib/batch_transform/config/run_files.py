"""Run files, on disk or on S3, each with those that it extends."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from batch_transform.config.faults import Fault
from batch_transform.config.layers import Layer
from batch_transform.config.places import WITH_USER, is_s3, secret_in_url
from batch_transform.config.variables import substitute
from batch_transform.config.yaml_text import describe_error, parse_value
from batch_transform.core.near_names import nearest

_NOT_UTF8 = "is not text in UTF-8; save it as UTF-8"


def read_text(name: str) -> str:
    """Returns the text of a file on disk.

    Raises:
        OSError: it is a pipe, which is empty when it is read again, and waits for whoever writes; or it cannot be read.
    """
    place = Path(name)
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise OSError("it is no regular file, and a run file is read more than once; save it as a file first")
    return place.read_text(encoding="utf-8")


def read_chain(name: str, variables: Mapping[str, str], read: Callable[[str], str]) -> tuple[list[Layer], list[Fault]]:
    """Returns the layers of a run file and of those that it extends, the lowest first, and what is wrong with them.

    Where something is, the layers are those that could be read: no message repeats a secret of theirs.

    Args:
        name: a path, or a location on S3.
        variables: for `extends`.
        read: gives the text of one; FileNotFoundError and OSError are told.
    """
    layers: list[Layer] = []
    seen: list[str] = []
    following: str | None = name
    while following is not None:
        if (fault := _name_fault(following, seen)) is not None:
            return layers, [fault]
        name = _plain(following)
        if name in seen:
            return layers, [Fault(("extends",), f"goes in a circle: {' -> '.join([*seen, name])}", seen[-1])]
        seen.append(name)
        document = read_document(name, read)
        if isinstance(document, Fault):
            return layers, [document]
        extends = substitute(document.pop("extends", None), variables)
        layers.insert(0, Layer(name, document))
        if extends.faults or not isinstance(extends.document, (str, type(None))):
            words = [fault.text for fault in extends.faults] or ["must be the path of a run file"]
            return layers, [Fault(("extends",), text, name) for text in words]
        following = _beside(name, extends.document) if extends.document is not None else None
    return layers, []


def _name_fault(name: str, seen: Sequence[str]) -> Fault | None:
    """What is wrong with the name of a run file before it is read; `seen` are those that lead to it."""
    if secret_in_url(re.sub(":/+", "://", name)):  # as a path has lost the second slash
        return Fault(("extends",), f"{WITH_USER}, and a run file is a file", seen[-1] if seen else "RUNFILE")
    words = None
    if not name.strip():
        words = "is empty; " + ("name a run file, or leave it out" if seen else "is a variable of the shell not set?")
    elif any(ord(character) < 32 for character in name):
        words = "has a control character, which no run file's name may have"
    if words is None:
        return None
    return Fault(("extends",), words, seen[-1]) if seen else Fault((), f"its name {words}", "RUNFILE")


def _plain(name: str) -> str:
    """The one spelling of a run file's name: by it a circle is seen."""
    if not is_s3(name):
        return os.path.normpath(name)
    scheme, _, rest = name.partition("://")
    return f"{scheme}://{posixpath.normpath(rest)}"


def _beside(name: str, extended: str) -> str:
    if is_s3(extended) or not extended.strip():
        return extended
    return f"{name.rpartition('/')[0]}/{extended}" if is_s3(name) else str(Path(name).parent / extended)


def _meant(name: str) -> str:
    """The run file that may be meant by a name that is none, where it would lie beside it."""
    files = () if is_s3(name) else Path(name).parent.glob("*.y*ml")
    beside = {file.stem: file for file in files if file.is_file()}
    near = nearest(Path(name).stem, sorted(beside))
    return "" if near is None else f" (did you mean {beside[near]}?)"


def _unread(name: str, error: OSError) -> str:
    """Why a file cannot be read: the system's words where there are no better ones, never with its number."""
    if isinstance(error, FileNotFoundError):
        if not is_s3(name) and Path(name).is_symlink():
            return f"is a link to {os.readlink(name)}, which is not there"
        return f"no such file{_meant(name)}"
    if isinstance(error, IsADirectoryError):
        return "is a folder; name a run file in it"
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself; name a file, or have the link name one"
    return f"cannot be read: {error.strerror or error}"


def read_document(name: str, read: Callable[[str], str]) -> dict[str, Any] | Fault:
    """Returns the map that a YAML file holds (an empty file: no keys), or what is wrong with the file."""
    try:
        text = read(name)
        if "\0" in text:  # UTF-16 without a mark of its own
            return Fault((), _NOT_UTF8, name)
        document = parse_value(text)
    except OSError as error:
        return Fault((), _unread(name, error), name)
    except UnicodeDecodeError:
        return Fault((), _NOT_UTF8, name)
    except yaml.YAMLError as error:
        return Fault((), describe_error(error), name)
    if document is None:
        return {}
    if not isinstance(document, dict):
        return Fault((), "is no map of keys, such as 'workspace: s3://bucket/prefix'", name)
    return document
