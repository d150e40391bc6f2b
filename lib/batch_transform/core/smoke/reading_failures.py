"""What becomes of requests that fail, of their objects and of a job that is stopped, and how one is refused."""

from __future__ import annotations

import re
from itertools import pairwise

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.findings import Findings, NotTold, Refusal, Told, other, yes
from batch_transform.core.statuses import JobStatus

_NONE_RETRIED = 600


def retried_statuses(found: Findings) -> Told:
    """By how often a request was sent that is always answered with a status."""
    counts = {status: len(tries) for status, tries in _tries(found).items()}
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
    tries = _tries(found)
    pauses = sorted(b - a for times in tries.values() for a, b in pairwise(times))
    if not pauses:
        raise NotTold("no request that was answered was sent again")
    shown = [round(pause, 2) for pause in pauses]
    return Told(str(round(pauses[0])), (f"seconds between a request and the same again: {shown}",))


def _tries(found: Findings) -> dict[int, list[float]]:
    job = found.job(smoke.RECORDS)
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


_ARN = re.compile(r"arn:[\w-]+:sagemaker:[\w-]*:\d*:transform-job/[\w-]+")
_TAKEN = "ResourceInUse"


def join_mismatch(found: Findings) -> Told:
    """The data log's headline where two lines answer one record."""
    headline = found.job(smoke.JOIN).headline("two-for-one")
    return Told(headline, ("JoinSource Input: two lines were answered to one record",))


def too_large(found: Findings) -> Told:
    """The data log's headline of a record over the limit."""
    return Told(found.job(smoke.PAYLOAD).headline("too-large"), ("MaxPayloadInMB 1: a record of 1,200,000 bytes",))


def join_settings(found: Findings) -> Told:
    """What refuses a join whose AssembleWith is not its SplitType."""
    said = found.refusal(smoke.JOIN_SETTINGS)
    asked = "JoinSource Input with SplitType Line, without AssembleWith"
    return Told(said.message, (f"{asked}: {said.code}",)) if said.code else other(f"{asked}: was not refused")


def payload_product(found: Findings) -> Told:
    """What refuses a payload and a concurrency whose product is over 100, with both numbers by their names."""
    said = found.refusal(smoke.PRODUCT)
    asked = f"MaxConcurrentTransforms {smoke.PRODUCT_CONCURRENCY}, MaxPayloadInMB {smoke.PRODUCT_PAYLOAD_MB}"
    if not said.code:
        return other(f"{asked}: was not refused")
    message = re.sub(rf"\b{smoke.PRODUCT_CONCURRENCY}\b", "{concurrent}", said.message)
    message = re.sub(rf"\b{smoke.PRODUCT_PAYLOAD_MB}\b", "{payload}", message)
    return Told(message, (f"{asked}: {said.code}",))


def duplicate_name(found: Findings) -> Told:
    """What refuses a job of a name that is taken, with the other one's ARN by its name."""
    said = found.refusal(smoke.DUPLICATE)
    evidence = f"a job of a name that is taken: {said.code or 'was not refused'}"
    if not said.code.startswith(_TAKEN):
        return other(evidence, said.message)
    return Told(_ARN.sub("{arn}", said.message), (evidence,))


def unknown_job(found: Findings) -> Told:
    """The code of DescribeTransformJob for a job that does not exist."""
    said: Refusal = found.refusal(smoke.UNKNOWN)
    evidence = f"DescribeTransformJob of a name that nobody has used: {said.message}"
    return Told(said.code, (evidence,)) if said.code else other(evidence)


def model_data_source(found: Findings) -> Told:
    """Whether a job is refused whose model has its artifact from ModelDataSource."""
    said = found.refusal(smoke.DATA_SOURCE)
    if not said.code:
        return yes(False, "a job of a model that uses ModelDataSource was created")
    if "ModelDataSource" not in said.message:
        return other(f"a job of a model that uses ModelDataSource: {said.code}: {said.message}")
    return yes(True, f"a job of a model that uses ModelDataSource: {said.code}: {said.message}")
