"""The claim to an output that must be empty: of two runs that may publish there one can find it so."""

from __future__ import annotations

import json
from contextlib import suppress

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import AlreadyThere, ObjectNotFound
from batch_transform.core.publishing.file_publication import Mode
from batch_transform.outputs.file_tree import Tree

OWNER = "_owner"


def claim(target: Tree, run_id: str, nonce: str) -> None:
    """Makes the output this run's own until it is published; doing it again is no error.

    Raises:
        ConfigurationError: another run has claimed it.
    """
    body = _body(run_id, nonce)
    try:
        target.put_new(OWNER, body)
    except AlreadyThere as err:
        try:
            found = target.read(OWNER)
        except ObjectNotFound:
            found = b"a run that has just ended"
        if found != body:
            raise ConfigurationError(_claimed(target, found)) from err


def give_back(mode: Mode, target: Tree) -> None:
    """Ends the claim to an output of a run that does not publish there for now: another one may."""
    if mode == "error":
        target.delete([OWNER])


def withdraw(target: Tree, run_id: str, nonce: str) -> None:
    """Ends the claim of a run that was given up, whatever it was to do there; another run's stays."""
    with suppress(ObjectNotFound):
        if target.read(OWNER) == _body(run_id, nonce):
            target.delete([OWNER])


def refuse_claim_of_others(target: Tree, run_id: str) -> None:
    """Checks that no run of another id has claimed an output.

    Raises:
        ConfigurationError: one has.
    """
    with suppress(ObjectNotFound):
        found = target.read(OWNER)
        if not found.endswith(f'"run_id": {json.dumps(run_id)}}}'.encode()):
            raise ConfigurationError(_claimed(target, found))


def _body(run_id: str, nonce: str) -> bytes:
    return json.dumps({"nonce": nonce, "run_id": run_id}, sort_keys=True).encode()


def _claimed(target: Tree, body: bytes) -> str:
    return (
        f"output: {target.location} is being written by {body.decode(errors='replace')}; "
        f"if that run was given up, delete {target.location}/{OWNER}"
    )
