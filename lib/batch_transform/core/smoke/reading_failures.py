"""What becomes of requests that fail, of their objects and of a job that is stopped, read from logs and outputs."""

from __future__ import annotations

from itertools import pairwise

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.findings import Findings, JobFound, NotTold
from batch_transform.core.smoke.telling import Told, other, yes
from batch_transform.core.statuses import JobStatus

_NONE_RETRIED = 600


def retried_statuses(found: Findings) -> Told:
    """By how often a request was sent that is always answered with a status."""
    counts = {status: len(tries) for status, tries in _tries(found.job(smoke.RECORDS)).items()}
    evidence = f"InvocationsMaxRetries {smoke.RETRIES}: requests by the status of their answer: {counts}"
    if not all(counts.values()):
        raise NotTold(f"{smoke.RECORDS}: the container's log lacks requests: {counts}")
    retried = [status for status, count in counts.items() if count > 1]
    lowest = min(retried, default=_NONE_RETRIED)
    if retried != [status for status in counts if status >= lowest]:
        return other(evidence)
    return Told(str(lowest), (evidence,))


def retry_pause(found: Findings) -> Told:
    """By the shortest time between a request and the same again."""
    tries = _tries(found.job(smoke.RECORDS))
    pauses = sorted(b - a for times in tries.values() for a, b in pairwise(times))
    if not pauses:
        raise NotTold("no request that was answered was sent again")
    shown = [round(pause, 2) for pause in pauses]
    return Told(str(round(pauses[0])), (f"seconds between a request and the same again: {shown}",))


def _tries(job: JobFound) -> dict[int, list[float]]:
    return {status: [seen.began for seen in job.asked(f"status-{status} ")] for status in smoke.STATUSES_RETRIED}


def no_answer(found: Findings) -> Told:
    """By how often a request was sent that is not answered in time."""
    job = found.job(smoke.TIMEOUT)
    count = len(job.asked("slow"))
    evidence = (
        f"InvocationsTimeoutInSeconds {smoke.TIMEOUT_SECONDS}, InvocationsMaxRetries {smoke.RETRIES}: a request that "
        f"takes {smoke.SLEEP_SECONDS} seconds was sent {count} times; the job is {job.ending}"
    )
    if job.output("slow") is not None or count not in (1, 1 + smoke.RETRIES):
        return other(evidence)
    return yes(count > 1, evidence)


def success_statuses(found: Findings) -> Told:
    """By which of several 2xx have an output."""
    job = found.job(smoke.ANSWERS)
    if job.output("newline") is None:
        raise NotTold(f"{job.name}: not even an answer with status 200 was scored: {job.ending}")
    scored = [200, *(status for status in smoke.STATUSES_SCORED if job.output(f"status-{status}") is not None)]
    evidence = f"of the statuses 200, {', '.join(map(str, smoke.STATUSES_SCORED))} are scored: {scored}"
    if scored != [200, *(status for status in smoke.STATUSES_SCORED if status <= scored[-1])]:
        return other(evidence)
    return Told(str(scored[-1]), (evidence,))


def rest_of_a_failed_file(found: Findings) -> Told:
    """By the requests for the lines behind the one that failed."""
    job = found.job(smoke.RECORDS)
    first, later = job.asked("rest-1"), [*job.asked("rest-2"), *job.asked("rest-3")]
    if not first:
        raise NotTold(f"{job.name}: the container's log has no request for the line that fails")
    heads = [seen.head.strip() for seen in (*first, *later)]
    evidence = f"SingleRecord, of an object of 3 lines whose first is answered with status 400 were sent: {heads}"
    return yes(bool(later), evidence) if len(later) in (0, 2) else other(evidence)


def stop_keeps_outputs(found: Findings) -> Told:
    """By what is left of a job that was stopped when it had an output."""
    job = found.job(smoke.STOP)
    if job.status is not JobStatus.STOPPED:
        raise NotTold(f"{job.name}: it ended before it was stopped: {job.ending}")
    if not job.was_scored:
        raise NotTold(f"{job.name}: no output of it was seen before it was stopped")
    return yes(bool(job.outputs), f"a job was stopped that had complete outputs; then it has {sorted(job.outputs)}")


def missing_key(found: Findings) -> Told:
    """By the end of a job whose manifest has an entry that is no object."""
    job = found.job(smoke.MISSING)
    evidence = f"a job with an object and an entry of its manifest that is none is {job.ending}"
    if job.status not in (JobStatus.COMPLETED, JobStatus.FAILED):
        return other(evidence)
    scored = f"the object that is there has {'an' if job.output('there') is not None else 'no'} output"
    return yes(job.status is JobStatus.FAILED, evidence, scored, job.failure("nowhere") or "no line of the data log")
