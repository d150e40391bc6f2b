"""Faults over HTTP: GET, PUT and DELETE of /_emulator/faults, a path that no bucket can have; and from a file."""

import json
from http import HTTPStatus
from pathlib import Path

import yaml

from transform_emulator.faults.model import Fault, FaultError, parse
from transform_emulator.faults.register import FaultRegister
from transform_emulator.service import json_texts

PATH = "/_emulator/faults"


def answer(register: FaultRegister, method: str, body: bytes) -> tuple[HTTPStatus, bytes]:
    """Returns a request's status and JSON body: PUT puts faults in force in place of all others, DELETE ends them."""
    try:
        if method == "PUT":
            register.replace(parse(json_texts.read(body)))
        elif method == "DELETE":
            register.replace(())
        elif method != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, _json({"message": "GET, PUT or DELETE"})
    except ValueError as error:  # FaultError, or not JSON
        return HTTPStatus.BAD_REQUEST, _json({"message": str(error)})
    return HTTPStatus.OK, _json({"faults": register.documents()})


def from_file(path: Path) -> list[Fault]:
    """Returns the faults that a YAML or JSON file declares.

    Raises:
        FaultError: The file is neither, or a declaration means nothing.
        OSError: The file cannot be read.
    """
    try:
        return parse(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, FaultError) as error:
        raise FaultError(f"{path}: {error}") from error


def _json(document: object) -> bytes:
    return json.dumps(document).encode()
