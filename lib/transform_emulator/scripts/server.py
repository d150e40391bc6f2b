"""Serve a model's script as SageMaker's containers do: `python -m transform_emulator.scripts.server MODEL`.

MODEL is a folder or a `model.tar.gz` with `code/inference.py` or `inference.py`; with `--script FILE` the script is
that file, and MODEL its artifact, which may be left out. /ping answers 200 once `model_fn` has returned. One request is
answered at a time, as by one worker of a container. `requirements.txt` is not installed.
"""

import argparse
import importlib.util
import io
import json
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import flask
import werkzeug

from transform_emulator.scripts import codecs
from transform_emulator.scripts.handler import Handler, ScriptError
from transform_emulator.scripts.model_folder import module_name, script_of, unpack
from transform_emulator.service.allowed_callers import behind_doors

DEFAULT_PORT = 8080  # where SageMaker expects a container to listen
DEFAULT_PROGRAM = "inference.py"
THREADS = 8  # so that /ping is answered while a request is; the model itself answers one at a time
BAD_REQUEST = 400
INTERNAL_SERVER_ERROR = 500


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 if the script cannot be served. It does not return while the server runs."""
    parser = argparse.ArgumentParser(prog="script_server", description=__doc__)
    parser.add_argument("--script", type=Path)
    parser.add_argument("model", type=Path, nargs="?")
    arguments = parser.parse_args(argv)
    # What a script prints is in the container's log at once.
    cast(io.TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)
    with ExitStack() as resources:
        signal.signal(signal.SIGTERM, lambda *_: _end(resources))
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="model-", ignore_cleanup_errors=True))
        try:
            model_dir = unpack(arguments.model, Path(folder))
            _serve(Handler(load(arguments.script, model_dir), str(model_dir)))
        except ScriptError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


def load(script: Path | None, model_dir: Path) -> ModuleType:
    """Returns the imported script, in a container's environment.

    Raises:
        ScriptError: There is no such script.
    """
    # SAGEMAKER_PROGRAM of the model's or the job's Environment names another one, as in SageMaker's containers.
    path = script or script_of(model_dir, os.environ.get("SAGEMAKER_PROGRAM", DEFAULT_PROGRAM))
    # Set whatever the emulator inherited: SageMaker Studio has an SM_MODEL_DIR of its own.
    os.environ["SM_MODEL_DIR"] = str(model_dir)
    os.environ.setdefault("SAGEMAKER_PROGRAM", path.name)
    os.environ.setdefault("SAGEMAKER_SUBMIT_DIRECTORY", str(path.parent))
    os.environ.setdefault("SAGEMAKER_CONTAINER_LOG_LEVEL", "20")
    requirements = path.with_name("requirements.txt")
    if requirements.is_file():
        sys.stderr.write(f"{requirements} is not installed: the emulator's own environment has to have it\n")
    sys.dont_write_bytecode = True  # nothing is left behind in a folder that is not ours
    sys.path.insert(0, str(path.parent))
    # By its place: a script may be called as a module that is imported already, such as types.py.
    found = importlib.util.spec_from_file_location(module_name(path), path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def make_app(handler: Handler) -> flask.Flask:
    """Returns the web application: /ping, /invocations, and /execution-parameters if the script has them."""
    app = flask.Flask(__name__)
    one_at_a_time = threading.Lock()

    @app.get("/ping")
    def ping() -> str:
        return ""

    @app.post("/invocations")
    def invocations() -> werkzeug.Response:
        request = flask.request
        accept = request.headers.get("Accept")
        if not accept or accept == codecs.ANY:
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", codecs.JSON)
        content_type = request.headers.get("Content-Type") or codecs.JSON
        body = request.get_data()
        with one_at_a_time:
            return guarded(lambda: handler.answer(body, content_type, accept, dict(request.headers)), accept)

    if handler.execution_parameters is not None:
        app.add_url_rule("/execution-parameters", "execution-parameters", handler.execution_parameters)
    return app


def guarded(answer: Callable[[], Any], accept: str) -> werkzeug.Response:
    """Returns the response of a call, or of what it raised: status and body as sagemaker-inference makes them.

    Whatever is raised is a 500, also for a media type that no function reads, unless the exception has a status_code of
    its own, as those of `sagemaker_inference.errors` have. The traceback goes into the body, and to standard error,
    which is the container's log.
    """
    try:
        return response(answer(), accept)
    except Exception as error:  # noqa: BLE001 - a script may raise anything, and the server goes on
        trace = traceback.format_exc()
        sys.stderr.write(trace)
        sys.stderr.flush()
        status = _status_of(error)
        message = getattr(error, "message", str(error))
        return flask.Response(f"{message}\n{trace}", status, mimetype="text/plain")


def _status_of(error: Exception) -> int:
    """What an exception says of itself, if that is a failure: a 200 would make its traceback a prediction."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and status >= BAD_REQUEST else INTERNAL_SERVER_ERROR


def response(result: Any, accept: str) -> werkzeug.Response:
    """Returns the response of what output_fn or transform_fn gave: one as it is, a pair, or a body of type `accept`.

    What is neither text nor bytes becomes JSON over several lines, as in Multi Model Server (otf_message_handler.py).
    """
    if isinstance(result, werkzeug.Response):
        return result
    body, media_type = result if isinstance(result, tuple) else (result, accept)
    if not isinstance(body, str | bytes | bytearray):
        body = json.dumps(body, indent=2)
    return flask.Response(bytes(body) if isinstance(body, bytearray) else body, content_type=media_type)


def _end(resources: ExitStack) -> None:
    # Not by an exception: waitress would wait for requests in flight, and the launcher kills what lingers.
    resources.close()
    os._exit(128 + signal.SIGTERM)


def _serve(handler: Handler) -> None:
    import waitress

    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT))
    waitress.serve(behind_doors(make_app(handler)), host="127.0.0.1", port=port, threads=THREADS)


if __name__ == "__main__":
    sys.exit(main())
