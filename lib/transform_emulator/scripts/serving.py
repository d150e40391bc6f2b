"""Which models are scripts: what follows NAME= is a command, a URL, or a place of a script and its artifact."""

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transform_emulator.containers.model_server import is_url
from transform_emulator.scripts.handler import ScriptError
from transform_emulator.scripts.model_folder import check

# As `python -m`, but for the current folder, which is looked at last: anybody's json.py may lie there.
_BEGIN = (
    "import sys; sys.path[0] or sys.path.append(sys.path.pop(0)); import runpy; "
    "runpy.run_module('transform_emulator.scripts.server', run_name='__main__', alter_sys=True)"
)
SERVER = f'python -c "{_BEGIN}"'
ARCHIVES = (".tar.gz", ".tgz")
SCRIPT_AND_ARTIFACT = re.compile(r"(\S.*\.py):(.+)")


@dataclass(frozen=True)
class Serving:
    """What serves a model.

    Attributes:
        command_or_url: The command to start, or the URL of a server that runs already.
        takes_artifact: Whether the command is a script's that waits for an artifact, to be named as its last word.
    """

    command_or_url: str
    takes_artifact: bool = False


@dataclass(frozen=True)
class ModelContainer:
    """One of the containers that a model is made of.

    Attributes:
        name: ContainerHostname, or `container-2` for the second: what log streams and messages call it.
        serving: What serves it; None for nothing.
        image: Image, or ModelPackageName: what it is served by where that is not the model's name.
        data_url: The S3 place of its artifact; None for none.
        environment: Its own variables, which a job's win over.
        inherited: What it has of the emulator's own variables, which both win over.
    """

    name: str
    serving: Serving | None
    image: str
    data_url: str | None
    environment: Mapping[str, str]
    inherited: Mapping[str, str]


def serving(text: str) -> Serving:
    """Returns what serves a model that was given as NAME=text.

    A folder, an archive (.tar.gz, .tgz), `script.py:ARTIFACT` and a lone `script.py` are scripts; the rest is a URL or
    a command.

    Raises:
        ScriptError: A script that cannot be served, or a path at which there is nothing.
    """
    if is_url(text):
        return Serving(text)
    place, one_word = os.path.expanduser(text), len(text.split()) == 1
    pair = SCRIPT_AND_ARTIFACT.fullmatch(text)
    if os.path.isdir(place):
        return _of_script(None, Path(place))
    if pair is not None and (one_word or os.path.isfile(os.path.expanduser(pair[1]))):
        return _of_script(Path(pair[1]).expanduser(), Path(pair[2]).expanduser())
    if text.endswith((*ARCHIVES, ".py")) and (one_word or os.path.isfile(place)):
        return _of_script(Path(place), None) if text.endswith(".py") else _of_script(None, Path(place))
    if "/" in text and one_word and shutil.which(text) is None:
        raise ScriptError(f"{text} is neither a folder nor an archive nor a command that can be started")
    return Serving(text)


def _of_script(script: Path | None, artifact: Path | None) -> Serving:
    check(script, artifact)
    words = [SERVER]
    if script is not None:
        words += ["--script", shlex.quote(str(script.absolute()))]
    if artifact is not None:
        words.append(shlex.quote(str(artifact.absolute())))
    return Serving(" ".join(words), takes_artifact=artifact is None)
