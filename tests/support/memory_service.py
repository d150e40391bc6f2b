"""Batch Transform in a few lines, in memory: for the driver's loop in tests that play hundreds of runs.

It is no reading of the service's rules (that is the emulator's part): objects are scored whole or not at all, the job's
FailureReason and its data log say what the facts page says they do.
"""

from __future__ import annotations

import copy
import json
from collections import Counter, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from batch_transform.core.isolation.data_log_evidence import JobLogs, LogEntry
from batch_transform.core.object_store import ObjectNotFound
from batch_transform.core.sending.job_request import JobSettings, transform_request
from batch_transform.core.service_shapes import TransformJobRequest
from batch_transform.core.statuses import JobStatus
from batch_transform.core.uris import S3Uri
from batch_transform.sagemaker.jobs import JobDescription
from batch_transform.sagemaker.service_errors import NotNow
from support.memory_store import MemoryStore

HEADLINES = {
    "drop": "Unable to get response from algorithm",
    "timeout": "Model server did not respond to /invocations request within 3600 seconds",
}
REASONS = {
    "capacity": "CapacityError: Unable to provision requested ML compute capacity.",
    "internal": "InternalServerError: We encountered an internal error. Please try again.",
    "ping": "AlgorithmError: Model container failed to respond to ping.",
    "memory": "ClientError: Please use an instance type with more memory",
}

# What a model answers to a request of these records: lines, or a status, `drop` or `timeout`.
Answer = list[bytes] | int | str
Model = Callable[[list[bytes]], Answer]


@dataclass
class MemoryService:
    """Jobs, their outputs and their logs.

    Attributes:
        model: answers a mini-batch.
        job_faults: for each job in turn what befalls it as a whole (a key of REASONS, `stopped`, `lost` for Completed
            without output, None); none when used up.
        refusals: for each call of create in turn: `quota`, `beyond` (a quota that is too small), `throttled`, `lost`
            (obeyed, the answer lost), None.
        lacking: instance types without capacity.
        runs_out: whether a job runs out of memory at an object, by its instance type and the object's name: there it
            fails, and what it had scored before is kept.
        tamper: changes an output, or drops it (None), by job number, object name and bytes.
        logs_late: whether data logs have no lines.
        looks: how many descriptions show a job in progress, before one shows its end.
        lasts: instead of that, how many seconds a job takes, by its number; of all jobs and rounds, from 0 on.
    """

    store: MemoryStore
    model: Model
    now: Callable[[], datetime]
    job_faults: deque[str | None] = field(default_factory=deque)
    refusals: deque[str | None] = field(default_factory=deque)
    lacking: set[str] = field(default_factory=set)
    runs_out: Callable[[str, str], bool] = lambda kind, name: False
    tamper: Callable[[int, str, bytes], bytes | None] = lambda job, name, body: body
    logs_late: bool = False
    looks: int = 0
    lasts: Callable[[int], float] | None = None
    looked: Counter[str] = field(default_factory=Counter)
    stopped: list[str] = field(default_factory=list)
    requests: list[TransformJobRequest] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    records_sent: int = 0
    requests_sent: int = 0
    _jobs: dict[str, JobDescription] = field(default_factory=dict)
    _logs: dict[str, dict[str, LogEntry]] = field(default_factory=dict)

    def copy(self, store: MemoryStore, now: Callable[[], datetime]) -> MemoryService:
        """The same service in another world."""
        twin = copy.copy(self)
        twin.store, twin.now, twin.model = store, now, copy.deepcopy(self.model)
        twin.lacking = set(self.lacking)
        for name in ("looked", "stopped", "job_faults", "refusals", "requests", "sent", "answered", "_jobs", "_logs"):
            setattr(twin, name, copy.copy(getattr(self, name)))
        return twin

    def request(self, job: JobSettings) -> TransformJobRequest:
        return transform_request(job)

    def create(self, request: TransformJobRequest) -> None:
        refusal = self.refusals.popleft() if self.refusals else None
        if refusal in ("quota", "beyond", "throttled"):
            raise NotNow(refusal, is_quota=refusal != "throttled", is_beyond=refusal == "beyond")
        self.store.faults.mutate("CreateTransformJob", lambda: self._accept(request), _lost)
        if refusal == "lost":
            raise NotNow("connection reset", is_quota=False)

    def _accept(self, request: TransformJobRequest) -> None:
        name = request["TransformJobName"]
        if name not in self._jobs:
            self.requests.append(request)
            self._run(name, request)

    def is_there(self, request: TransformJobRequest) -> bool:
        return request["TransformJobName"] in self._jobs

    def describe(self, name: str) -> JobDescription:
        self.looked[name] += 1
        if self._is_in_flight(name):
            began = self._jobs[name].created_at
            return JobDescription(name, JobStatus.IN_PROGRESS, None, began, began, None)
        return self._jobs[name]

    def _is_in_flight(self, name: str) -> bool:
        job = self._jobs[name]
        if job.status is JobStatus.STOPPED or job.ended_at is None:
            return False
        return self.looked[name] <= self.looks if self.lasts is None else self.now() < job.ended_at

    def stop(self, name: str) -> bool:
        """Ends a job in flight, which then has no outputs; False of one that has ended, or never was."""
        if name not in self._jobs or not self._is_in_flight(name):
            return False
        job = self._jobs[name]
        self._jobs[name] = replace(job, status=JobStatus.STOPPED, failure_reason=None)
        self.stopped.append(name)
        store = MemoryStore(self.store.world)
        (request,) = (request for request in self.requests if request["TransformJobName"] == name)
        output = S3Uri.parse(request["TransformOutput"]["S3OutputPath"])
        store.delete([S3Uri(output.bucket, found.key) for found in store.list(output)])
        return True

    def read(
        self, job_name: str, bucket: str, folder: str, names: Collection[str], *, patiently: bool = True
    ) -> JobLogs:
        entries = {} if self.logs_late else self._logs[job_name]
        # A container that never was healthy got no request, and has no data log.
        begun = 0 if "respond to ping" in (self._jobs[job_name].failure_reason or "") else 1
        return JobLogs({name: entry for name, entry in entries.items() if name in names}, 1, begun)

    def _run(self, name: str, request: TransformJobRequest) -> None:
        # What the service itself reads and writes is none of the driver's calls.
        driver, self.store = self.store, MemoryStore(self.store.world)
        try:
            self._score_all(name, request)
        finally:
            self.store = driver

    def _score_all(self, name: str, request: TransformJobRequest) -> None:
        befalls = self.job_faults.popleft() if self.job_faults else None
        kind = request["TransformResources"]["InstanceType"]
        befalls = "capacity" if kind in self.lacking else befalls
        listed = S3Uri.parse(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
        head, *objects = self._listed(listed)
        output = S3Uri.parse(request["TransformOutput"]["S3OutputPath"])
        self._logs[name] = {}
        if befalls is None:
            for key in objects:
                if self.runs_out(kind, key):
                    befalls = "memory"
                    break
                self._score(name, request, S3Uri.parse(f"{head['prefix']}{key}"), key, output)
        reason = REASONS.get(befalls) if befalls else self._reason(name)
        status = JobStatus.FAILED if reason else JobStatus.STOPPED if befalls == "stopped" else JobStatus.COMPLETED
        began, seconds = self.now(), 0.0 if self.lasts is None else self.lasts(len(self.requests) - 1)
        self._jobs[name] = JobDescription(name, status, reason, began, began, began + timedelta(seconds=seconds))

    def _listed(self, manifest: S3Uri) -> list[Any]:
        """What a manifest names; nothing where there is none (FACTS.md, 3: Completed with no output)."""
        try:
            return list(json.loads(self.store.get(manifest)[0]))
        except (ObjectNotFound, ValueError):
            return [{}]

    def _reason(self, name: str) -> str | None:
        headlines = [entry.headline for entry in self._logs[name].values()]
        if not headlines:
            return None
        kind = "ClientError" if any(line.startswith("ClientError") for line in headlines) else "AlgorithmError"
        return f"{kind}: See job logs for more information"

    def _score(self, name: str, request: TransformJobRequest, source: S3Uri, key: str, output: S3Uri) -> None:
        try:
            records = self.store.get(source)[0].splitlines(keepends=True)
        except ObjectNotFound:
            return
        self.sent.append(key)
        self.records_sent += len(records)
        answers: list[bytes] = []
        for batch in _batches(records, request):
            answer = "too much" if batch is None else self._invoke(batch, request)
            if not isinstance(answer, list):
                self._logs[name][key] = _entry(answer)
                return
            answers += answer
        body = self.tamper(len(self._logs), key, b"".join(line + b"\n" for line in answers))
        if body is not None:
            self.store.put(output.join(f"{key}.out"), body)
            self.answered.append(key)

    def _invoke(self, batch: list[bytes], request: TransformJobRequest) -> Answer:
        """The model's answer, the last of as many as the request allows, four unless it says: to no answer and 5xx."""
        retries = request.get("ModelClientConfig", {}).get("InvocationsMaxRetries", 3)
        for _ in range(retries + 1):
            self.requests_sent += 1
            answer = self.model(batch)
            if isinstance(answer, list) or (isinstance(answer, int) and answer < 500):
                break
        return answer


def _lost() -> NotNow:
    return NotNow("connection reset", is_quota=False)


def _entry(answer: int | str) -> LogEntry:
    if isinstance(answer, str):
        return LogEntry(HEADLINES.get(answer, "Too much data for max payload size"))
    client = 400 <= answer < 500
    return LogEntry(f"ClientError: {answer}" if client else f"Bad HTTP status received from algorithm: {answer}", "no")


def _batches(records: list[bytes], request: TransformJobRequest) -> list[list[bytes] | None]:
    most_bytes = (request.get("MaxPayloadInMB") or 6) * 2**20
    if request.get("BatchStrategy") == "SingleRecord":
        return [[record] if len(record) <= most_bytes else None for record in records]
    batches: list[list[bytes] | None] = []
    size = most_bytes
    for record in records:
        if len(record) > most_bytes:
            return [None]
        if size + len(record) > most_bytes:
            batches.append([])
            size = 0
        last = batches[-1]
        assert last is not None
        last.append(record)
        size += len(record)
    return batches
