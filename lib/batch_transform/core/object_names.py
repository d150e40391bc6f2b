"""Names: of jobs and objects, which must be unique, legal and recomputable from the ledger; of files that hold data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import unquote

from batch_transform.core.limits import MAX_JOB_NAME_CHARACTERS, MAX_PLAIN_RUN_ID_CHARACTERS
from batch_transform.core.spans import OVERSIZE, STANDARD

NONCE_CHARACTERS = 10
_SLUG_CHARACTERS = 24
_PLAIN_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._=-]{{0,{MAX_PLAIN_RUN_ID_CHARACTERS - 1}}}")
_MAPPED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*\.\.[0-9a-f]{8}")
_FOLDER_CHARACTERS = 100  # of those that are left of an id
# Read by Python and by pyarrow (RE2) alike. A copy's name begins at random, so that copies of a row lie apart in order.
OBJECT_NAME = r"^(?:c[0-9a-f]+-)?s(?P<first>\d+)-(?P<rows>\d+)-[0-9a-f]+(?:\.[a-z]+)+$"
_LANE_LETTERS = {STANDARD: "s", OVERSIZE: "o"}


def another_run_id(run_id: str) -> str:
    """Returns a name that is suggested where that of a run cannot be used again."""
    return f"{run_id}-2"


def run_folder(run_id: str) -> str:
    """Returns the name of a run's folder: its id, where that can be one segment of a path and of an S3 key.

    Any other id has other characters replaced and 8 hexadecimal digits of its SHA-256 behind `..`, which stands in no
    id that is its own folder: so no two ids share one.
    """
    if _PLAIN_ID.fullmatch(run_id) and ".." not in run_id:
        return run_id
    text = re.sub(r"[^A-Za-z0-9._=-]", "-", run_id).lstrip("._=-")[:_FOLDER_CHARACTERS].replace("..", "--").rstrip(".")
    return f"{text or 'run'}..{_digest(run_id)[:8]}"


def folder_named(name: str) -> str:
    """Returns the folder of a run of which a person gives the id or the folder."""
    return name if is_mapped(name) else run_folder(name)


def is_mapped(name: str) -> bool:
    """Returns whether a name is that of a folder, and not of the run in it."""
    return _MAPPED.fullmatch(name) is not None


def slug(run_id: str) -> str:
    """Returns `run_id` as the beginning of a job name: letters, digits and single hyphens, at most 24 characters."""
    text = re.sub(r"[^a-zA-Z0-9]+", "-", run_id)[:_SLUG_CHARACTERS].strip("-")
    return text or "run"


def job_name(run_id: str, nonce: str, round_number: int, lane: str, index: int, attempt: int) -> str:
    """Returns a TransformJobName: `<slug>-<nonce>-r<round>-<lane><index>-a<attempt>`.

    Names are unique in an account for ever (jobs cannot be deleted), so the run's random nonce is part of them.

    Raises:
        ValueError: the name would be longer than the service accepts.
    """
    name = f"{slug(run_id)}-{nonce}-r{round_number}-{_LANE_LETTERS[lane]}{index}-a{attempt}"
    if len(name) > MAX_JOB_NAME_CHARACTERS:
        raise ValueError(f"job name {name!r} has {len(name)} characters, the limit is {MAX_JOB_NAME_CHARACTERS}")
    return name


def object_name(start: int, rows: int, token: str, suffix: str = ".jsonl") -> str:
    """Returns the flat name of the object that holds rows `[start, start + rows)`.

    The writer of the bytes puts the rows into the name, so that the gate can hold the ledger's spans against it. The
    name begins with a letter (Spark skips names that begin with `_` or `.`) and holds no slash: what the service makes
    of a manifest entry with a slash is not documented (transform_emulator/FACTS.md, 3).

    Args:
        start: the first row number.
        rows: how many.
        token: random for each attempt of a task, so that no two attempts write one object.
        suffix: says what the object holds (`framing.Framing.suffix`).
    """
    return f"s{start}-{rows}-{token}{suffix}"


def rows_named(name: str) -> int | None:
    """Returns how many rows an object holds by its name; None for one that holds none of the run's."""
    found = re.match(r"(?:c[0-9a-f]+-)?s\d+-(\d+)-", name)
    return int(found[1]) if found else None


def row_named(name: str, line: int | None) -> int | None:
    """Returns the row number of a line of an object, by its name; None of an object that holds none of the run's."""
    found = re.match(OBJECT_NAME, name)
    return int(found["first"]) + line if found and line is not None else None


def copy_name(name: str, place: int) -> str:
    """Returns the name of the n-th copy of an object of one row: a try of its own in the same job.

    Were copies to stand side by side wherever names are sorted, one moment in which the model is down would meet all of
    them. So what the name begins with is a digest.
    """
    return f"c{_digest(f'{name}/{place}')[:8]}-{name}"


def original_name(name: str) -> str:
    """Returns the name of the object that a copy is one of; any other name as it is."""
    return re.sub(r"^c[0-9a-f]+-(?=s)", "", name)


def control_name(token: str, suffix: str) -> str:
    """Returns the name of a control: a record that was scored, sent again to see how often good requests fail."""
    return f"c{token[:8]}-w-{token}{suffix}"


def spread(names: Iterable[str]) -> list[str]:
    """Returns names in an order that has nothing to do with what they name, the same each time."""
    return sorted(names, key=_digest)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


MARKER = re.compile(r"_batch_transform-[^/]+\.json")
# Parquet's summary files; Spark no longer writes them, but a reader that finds old ones believes them.
SUMMARIES = frozenset({"_metadata", "_common_metadata"})


def is_data_file(name: str) -> bool:
    """Returns whether Spark reads the file, given its name below the root.

    The rule is Spark's `HadoopFSUtils.shouldFilterOutPathName`: no part of the path begins with "." or with "_"
    (unless it holds "=", as a partition may), and no copy in progress.
    """
    return not any(_hidden(part) for part in name.split("/"))


def _hidden(part: str) -> bool:
    return part.startswith(".") or (part.startswith("_") and "=" not in part) or part.endswith("._COPYING_")


def is_leftover(name: str) -> bool:
    """Returns whether the file, no data itself, describes data files that an overwrite removes."""
    return bool(MARKER.fullmatch(name)) or name.rpartition("/")[2] in SUMMARIES


def partition_of(name: str) -> str:
    """Returns the partition's path, as it is spelled: "a=1/b=2" for "a=1/b=2/part-0.parquet", "" without one."""
    return name.rpartition("/")[0]


def partition_columns(name: str) -> tuple[str, ...]:
    """Returns the partition columns of a data file in their order: ("a", "b") for "a=1/b=2/part-0.parquet"."""
    parts = partition_of(name).split("/")
    return tuple(unquote(part.partition("=")[0]) for part in parts if "=" in part)
