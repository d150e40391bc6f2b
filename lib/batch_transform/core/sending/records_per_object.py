"""How many records an object may hold, from the configuration and the bytes that were staged. Pure."""

from __future__ import annotations

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import Framing
from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB, JOIN_HEADROOM, MAX_PAYLOAD_MB
from batch_transform.core.run_settings import RunSettings, TransformSettings
from batch_transform.core.sending.job_planning import most_payload_mb, standard_payload_mb
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.object_sizes import object_bytes, oversize_bytes
from batch_transform.core.staged_table import Staged


def rows_per_object(settings: RunSettings, framing: Framing) -> int | None:
    """Returns how many rows an object may hold at most; None: as many as its bytes allow, or all of them."""
    if not framing.newline:
        return 1
    given = settings.record.rows_per_object
    return given if isinstance(given, int) else None


def headroom(transform: TransformSettings) -> int:
    """Returns how many times a record its payload must hold: a joined one has its prediction beside it."""
    return JOIN_HEADROOM if transform.joins_input else 1


def cutting_rules(settings: RunSettings, json_bytes: int, framing: Framing) -> CuttingRules:
    """Returns where objects end.

    An object that is one request is as large as the payload limit, its header counted in: the pinned one, else the
    service's default of 6 MB. Where a person says how many rows belong together, `auto` makes room for them up to the
    service's 100 MB, and one large record does not leave the others.

    Args:
        settings: of the run.
        json_bytes: of all staged records.
        framing: of the records.
    """
    transform, rows = settings.transform, rows_per_object(settings, framing)
    asked = transform.max_payload_mb, transform.max_concurrent_transforms
    payload = standard_payload_mb(*asked)
    if not framing.whole:
        most = oversize_bytes(payload) // headroom(transform)
        return CuttingRules(object_bytes(json_bytes, transform), most)
    room = (payload or DEFAULT_PAYLOAD_MB) * BYTES_PER_MB
    if settings.is_one_object:
        room = _most_bytes(transform)
    elif rows is not None and rows > 1 and payload is not None:
        room = most_payload_mb(*asked) * BYTES_PER_MB
    room -= len(framing.header)
    return CuttingRules(room, room, rows)


def check_one_object(settings: RunSettings, staged: Staged, framing: Framing) -> None:
    """Checks that the whole table fits into one request, if it is to be one.

    Raises:
        ConfigurationError: it does not.
    """
    if not settings.is_one_object:
        return
    size = len(framing.header) + staged.json_bytes + staged.rows * framing.newline
    most = _most_bytes(settings.transform)
    if size > most:
        raise ConfigurationError(
            f"record.rows_per_object: all {staged.rows:,} rows are to be one request, but their records are "
            f"{size:,} bytes and transform.max_payload_mb ({settings.transform.max_payload_mb}) allows {most:,}; "
            f"the service takes {MAX_PAYLOAD_MB} MB at most. Choose fewer rows (input.where) or fewer columns "
            "(record.columns)"
        )


def _most_bytes(transform: TransformSettings) -> int:
    return most_payload_mb(transform.max_payload_mb, transform.max_concurrent_transforms) * BYTES_PER_MB
