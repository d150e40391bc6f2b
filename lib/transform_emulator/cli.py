"""The command line: `transform-emulator --port 5000 --model NAME=COMMAND_OR_URL ...`."""

import argparse
import functools
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transform_emulator.containers.environment import check_name
from transform_emulator.containers.model_server import URL_SCHEMES
from transform_emulator.emulator import Emulator
from transform_emulator.faults import api as faults_api
from transform_emulator.faults.model import FaultError
from transform_emulator.scripts.handler import ScriptError
from transform_emulator.service import switch_options
from transform_emulator.service.allowed_callers import DoorError, doors_for
from transform_emulator.service.limits import PING_DEADLINE_SECONDS
from transform_emulator.service.s3_locations import bucket_fault
from transform_emulator.service.switch_options import SwitchError
from transform_emulator.settings import STATE_WAIT_SECONDS, Settings
from transform_emulator.state.errors import StateError

LOG = logging.getLogger(__name__)

DEFAULT_PORT = 5000


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 once it was told to end, 1 if its port or state is taken, 2 for wrong arguments."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.list_switches:
        sys.stdout.write(switch_options.table() + "\n")
        return 0
    try:
        settings = _settings(arguments)
    except (SwitchError, FaultError, DoorError, TimeError) as error:
        parser.error(str(error))  # exits with 2
    except OSError as error:
        parser.error(f"--faults: {arguments.faults} cannot be read: {error.strerror}; name a file that can")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if arguments.verbose:
        logging.getLogger("transform_emulator").setLevel(logging.INFO)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        return _serve(settings, arguments.exit_with_stdin, ended)
    except ScriptError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 2
    except StateError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        if arguments.exit_with_stdin:  # a program has started it, and tells its own users
            _say(state_error=str(error), state_owner=error.owner, state_endpoint_url=error.endpoint_url)
        return 1


def _say(**told: str | float) -> None:
    """Writes a line of JSON for the program that has started this one."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _waits(arguments: argparse.Namespace, process: str) -> None:
    """Tells that another process is waited for."""
    seconds: float = arguments.state_wait_seconds
    LOG.warning("%s is in use by process %s, which has %g seconds to leave it", arguments.state, process, seconds)
    if arguments.exit_with_stdin:
        _say(state_waits_for=process, state_wait_seconds=seconds)


def _serve(settings: Settings, exit_with_stdin: bool, ended: threading.Event) -> int:
    with Emulator(settings) as emulator:
        _say(endpoint_url=emulator.endpoint_url)
        if exit_with_stdin:
            threading.Thread(target=_set_at_end_of_stdin, args=(ended,), daemon=True).start()
        ended.wait()
    return 0


class TimeError(ValueError):
    """Arguments that ask for two kinds of time at once."""


def _settings(arguments: argparse.Namespace) -> Settings:
    if arguments.emulated_time and arguments.describes_in_progress is not None:
        raise TimeError("--emulated-time and --describes-in-progress are two ways of passing time; leave one out")
    if arguments.emulated_time and arguments.s3_endpoint is not None:
        raise TimeError("--emulated-time needs the emulator's own S3: --s3-endpoint has a clock of its own")
    return Settings(
        models=dict(arguments.model),
        port=arguments.port,
        buckets=arguments.bucket,
        create_buckets=arguments.create_buckets,
        s3_endpoint=arguments.s3_endpoint,
        switches=switch_options.parse(arguments.switch),
        faults=[] if arguments.faults is None else faults_api.from_file(arguments.faults),
        describes_in_progress=arguments.describes_in_progress,
        emulated_time=arguments.emulated_time,
        state=arguments.state,
        state_wait_seconds=arguments.state_wait_seconds,
        on_state_wait=functools.partial(_waits, arguments),
        ping_deadline_seconds=arguments.ping_timeout_seconds,
        doors=doors_for(arguments.allow_host, arguments.allow_origin),
        pass_env=arguments.pass_env,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="transform-emulator",
        description="SageMaker Batch Transform and S3 on 127.0.0.1, for any AWS client that takes an endpoint_url.",
    )
    for flag, options in ARGUMENTS.items():
        parser.add_argument(flag, **options)
    return parser


def _model(text: str) -> tuple[str, str]:
    name, equals, served_by = text.partition("=")
    if not (name and equals and served_by.strip()):
        raise argparse.ArgumentTypeError("is not NAME=COMMAND_OR_URL")
    is_url = served_by.strip().startswith(URL_SCHEMES)
    return name, _url(served_by.strip()) if is_url else served_by.strip()


def _port(text: str) -> int:
    # The operating system takes a larger one for the rest of it by 65,536.
    if not (text.isdecimal() and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"is {text!r}; valid: a number from 0, a free one, to 65535")
    return int(text)


def _endpoint(text: str) -> str:
    if not text.startswith(URL_SCHEMES):
        raise argparse.ArgumentTypeError("is no URL; valid: http://HOST[:PORT] or https://HOST[:PORT]")
    return _url(text)


def _url(text: str) -> str:
    # A secret may have a slash in it, so what stands before the @ is not looked at.
    if "@" in text:
        raise argparse.ArgumentTypeError("has a user, or a password, in front of the host (before the @); leave it out")
    return text


def _faultless(fault_of: Callable[[str], str | None]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        fault = fault_of(text)
        if fault is not None:
            raise argparse.ArgumentTypeError(fault)
        return text

    return checked


_NAMES: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "--port": {
        "type": _port,
        "default": DEFAULT_PORT,
        "metavar": "N",
        "help": "port to listen on; 0 for a free one (default: %(default)s)",
    },
    "--model": {
        "type": _model,
        "action": "append",
        "default": [],
        "metavar": "NAME=COMMAND_OR_URL",
        "help": "a model and what serves /ping and /invocations for it: a command, started for each instance with "
        "SAGEMAKER_BIND_TO_PORT set; the URL of a server that runs already; or a script with model_fn: a folder or "
        "model.tar.gz that holds code/inference.py, or SCRIPT.py:FOLDER_OR_ARCHIVE",
    },
    "--bucket": {**_NAMES, "type": _faultless(bucket_fault), "help": "an S3 bucket to create"},
    "--create-buckets": {"action": "store_true", "help": "create any missing bucket on its first put or head"},
    "--s3-endpoint": {
        "type": _endpoint,
        "metavar": "URL",
        "help": "keep objects in this S3 server, with the default credentials",
    },
    "--switch": {
        "action": "append",
        "default": [],
        "metavar": "NAME=VALUE",
        "help": "choose another reading of a point on which AWS's sources say nothing; see --list-switches",
    },
    "--list-switches": {"action": "store_true", "help": "print the switches as a table, with their defaults, and end"},
    "--faults": {"type": Path, "metavar": "FILE", "help": "what is to go wrong from the start, as YAML or JSON"},
    "--describes-in-progress": {
        "type": int,
        "metavar": "N",
        "help": "let time move on by calls: N describes show a job InProgress, the next one runs it and shows its end",
    },
    "--emulated-time": {
        "action": "store_true",
        "help": "let time stand: a describe that finds a job in flight moves it to the next end of any job, and what "
        "the switches say of start-up, requests and bytes is counted, not waited for",
    },
    "--ping-timeout-seconds": {
        "type": float,
        "default": PING_DEADLINE_SECONDS,
        "metavar": "S",
        "help": "how long a model server may take until /ping answers 200 (default: %(default)s, as the service)",
    },
    "--state": {
        "type": Path,
        "metavar": "DIR",
        "help": "keep objects, jobs, models and job logs in this directory, and go on with what it holds",
    },
    "--state-wait-seconds": {
        "type": float,
        "default": STATE_WAIT_SECONDS,
        "metavar": "S",
        "help": "how long to wait for another emulator to leave the directory (default: %(default)s)",
    },
    "--allow-host": {
        **_NAMES,
        "help": "a name besides localhost that requests may ask for, as emulator.internal; *.NAME for buckets' names",
    },
    "--allow-origin": {
        "action": "append",
        "default": [],
        "metavar": "ORIGIN",
        "help": "an origin whose web pages may talk to the emulator, as http://localhost:3000",
    },
    "--pass-env": {
        **_NAMES,
        "type": _faultless(check_name),
        "help": "a variable of the emulator's environment that its model servers get as well",
    },
    "--verbose": {"action": "store_true", "help": "tell each step of each instance on standard error"},
    "--exit-with-stdin": {"action": "store_true", "help": "end when standard input is closed"},
}


def _set_at_end_of_stdin(ended: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    ended.set()
