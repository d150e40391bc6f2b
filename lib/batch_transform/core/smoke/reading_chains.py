"""What filters make of records and answers, and what passes between the containers of a pipeline."""

from __future__ import annotations

import re

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.findings import Findings, NotTold, Seen, Told, other, yes

_LIMIT = re.compile(r"maximum limit of (\d+) ?MB")


def slice_end(found: Findings) -> Told:
    """By how many columns of six the model got by `$[1:4]`."""
    columns = _filtered(found, "cells")
    evidence = f"InputFilter $[1:4] of a record of six columns: the model got {columns}"
    return yes(columns == "4", evidence) if columns in ("3", "4") else other(evidence)


def answer_type(found: Findings) -> Told:
    """By what `$[0]` is of `[1,2]`: `1` of a JSON array, `[1` of a line of CSV."""
    first = _filtered(found, "typed")
    evidence = f"Accept text/csv, an answer [1,2] of type application/json: OutputFilter $[0] gives {first}"
    value = {"1": "content_type", "[1": "accept", '"[1"': "accept"}.get(first)
    return Told(value, (evidence,))


def _filtered(found: Findings, name: str) -> str:
    job = found.job(smoke.FILTERS)
    output = job.output(name)
    if output is None:
        raise NotTold(f"{job.name}: {name} was not scored: {job.failure(name) or job.ending}")
    return output.decode("utf-8", "replace").strip()


def inner_accept(found: Findings) -> Told:
    """By the header that the first of two containers saw."""
    accept = _both(found)[0].accept
    value = {None: "absent", "*/*": "any", smoke.JSON_LINES: "jobs"}.get(accept)
    return Told(value, (f"Accept {smoke.JSON_LINES}: the first of two containers saw {accept!r}",))


def inner_input_object(found: Findings) -> Told:
    """By the header that the second of two containers saw."""
    first, second = _both(found)
    evidence = f"X-Amzn-Sagemaker-Input-Object, first of two containers: {first.named}, second: {second.named}"
    if not first.named:
        return other(evidence)
    return yes(second.named, evidence)


def job_environment(found: Findings) -> Told:
    """By a variable that the job has set."""
    marks = [each.mark == smoke.MARKED for each in _both(found)]
    value = {(True, True): "all", (True, False): "first"}.get((marks[0], marks[1]))
    where = f"in the first of two containers: {marks[0]}, in the second: {marks[1]}"
    return Told(value, (f"a variable of the job's Environment, {where}",))


def inner_payload(found: Findings) -> Told:
    """By an answer of 5.5 MB of the first of two containers."""
    job = found.job(smoke.PIPELINE)
    if job.output("big") is not None:
        size = job.told("big")[0].bytes
        evidence = f"an answer of {smoke.BIG_ANSWER_BYTES:,} bytes reached the next container as {size:,} bytes"
        return Told("0", (evidence,)) if size == smoke.BIG_ANSWER_BYTES else other(evidence)
    failure = job.failure("big")
    limit = _LIMIT.search(failure)
    return Told(
        limit[1] if limit else None,
        (f"an answer of {smoke.BIG_ANSWER_BYTES:,} bytes to the next container failed: {failure or job.ending}",),
    )


def _both(found: Findings) -> tuple[Seen, Seen]:
    seen = found.job(smoke.PIPELINE).told("told")[0]
    if seen.first is None:
        raise NotTold(f"{smoke.PIPELINE}: the second container was not asked what the first answered")
    return seen.first, seen
