"""Names that must be unique, legal and recomputable from what the ledger records."""

from __future__ import annotations

import re

from .limits import MAX_JOB_NAME_CHARACTERS
from .spans import OVERSIZE, STANDARD

NONCE_CHARACTERS = 10
_SLUG_CHARACTERS = 24
_LANE_LETTERS = {STANDARD: "s", OVERSIZE: "o"}


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


def object_name(task: str, index: int) -> str:
    """Returns the flat name of the index-th JSON Lines object of one task attempt.

    It begins with a letter (Spark skips names that begin with `_` or `.`) and holds no slash: what the service makes
    of a manifest entry with a slash is not documented (batch_transform_facts, 3).
    """
    return f"s{task}-{index:05d}.jsonl"
