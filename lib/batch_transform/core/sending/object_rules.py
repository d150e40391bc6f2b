"""How many records an object may hold, from the configuration and the bytes that were staged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import ALL_ROWS, Framing
from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB, JOIN_HEADROOM, MAX_PAYLOAD_MB
from batch_transform.core.sending.cutting import CuttingRules
from batch_transform.core.sending.planning import most_payload_mb, standard_payload_mb
from batch_transform.core.sending.sizing import object_bytes, oversize_bytes
from batch_transform.core.staged import Staged


def rows_per_object(config: Mapping[str, Any], framing: Framing) -> int | None:
    """Returns how many rows an object may hold at most; None: as many as its bytes allow, or all of them."""
    if not framing.newline:
        return 1
    given = config["record"].get("rows_per_object")
    return given if isinstance(given, int) else None


def is_one_object(config: Mapping[str, Any]) -> bool:
    """Returns whether all rows of the table go into one object, which must never be split."""
    return bool(config["record"].get("rows_per_object") == ALL_ROWS)


def headroom(config: Mapping[str, Any]) -> int:
    """Returns how many times a record its payload must hold: a joined one has its prediction beside it."""
    return JOIN_HEADROOM if config["transform"].get("join_source") == "input" else 1


def cutting_rules(config: Mapping[str, Any], json_bytes: int, framing: Framing) -> CuttingRules:
    """Returns where objects end.

    An object that is one request is as large as the payload limit, its header counted in: the pinned one, else the
    service's default of 6 MB. Where a person says how many rows belong together, `auto` makes room for them up to the
    service's 100 MB, and one large record does not leave the others.

    Args:
        config: the run's configuration document.
        json_bytes: of all staged records.
        framing: of the records.
    """
    transform, rows = config["transform"], rows_per_object(config, framing)
    settings = transform["max_payload_mb"], transform["max_concurrent_transforms"]
    payload = standard_payload_mb(*settings)
    if not framing.whole:
        most = oversize_bytes(payload) // headroom(config)
        return CuttingRules(object_bytes(json_bytes, transform["instance_count"], payload), most)
    room = (payload or DEFAULT_PAYLOAD_MB) * BYTES_PER_MB
    if is_one_object(config):
        room = _most_bytes(config)
    elif rows is not None and rows > 1 and payload is not None:
        room = most_payload_mb(*settings) * BYTES_PER_MB
    room -= len(framing.header)
    return CuttingRules(room, room, rows)


def check_one_object(config: Mapping[str, Any], staged: Staged, framing: Framing) -> None:
    """Checks that the whole table fits into one request, if it is to be one.

    Raises:
        ConfigurationError: it does not.
    """
    if not is_one_object(config):
        return
    size = len(framing.header) + staged.json_bytes + staged.rows * framing.newline
    most = _most_bytes(config)
    if size > most:
        raise ConfigurationError(
            f"record.rows_per_object: all {staged.rows:,} rows are to be one request, but their records are "
            f"{size:,} bytes and transform.max_payload_mb ({config['transform']['max_payload_mb']}) allows {most:,}; "
            f"the service takes {MAX_PAYLOAD_MB} MB at most. Choose fewer rows (input.where) or fewer columns "
            "(record.columns)"
        )


def _most_bytes(config: Mapping[str, Any]) -> int:
    transform = config["transform"]
    return most_payload_mb(transform["max_payload_mb"], transform["max_concurrent_transforms"]) * BYTES_PER_MB
