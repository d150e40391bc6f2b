"""The jobs of `smoke`, side by side: created as quotas allow, polled, stopped where that is the question, collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from batch_transform.cloudwatch.data_logs import DataLogs, JobLines
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.smoke.experiments import Experiment
from batch_transform.core.smoke.findings import JobFound
from batch_transform.core.smoke.job_requests import Setting, job_request
from batch_transform.core.statuses import JobStatus
from batch_transform.core.uris import S3Uri
from batch_transform.sagemaker.jobs import JobDescription, TransformJobs
from batch_transform.sagemaker.service_errors import NotNow

# A describe of each job in turn: a service that takes minutes is not asked more often.
_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS, _SLOWER = 0.2, 15.0, 1.3
# A job takes about five minutes (transform_emulator/FACTS.md, 6), of which twelve may have to wait for each other.
PATIENCE_SECONDS = 5_400.0
# How long a job is asked for that the service does not take although none of these is in flight: a quota may be 0.
_IDLE_PATIENCE_SECONDS = 600.0
# Lines come late, and a job has ended when they are looked for.
_LOOKS, _SECONDS_BETWEEN_LOOKS = 6, 4.0


@dataclass
class Jobs:
    """The jobs of one `smoke`.

    Attributes:
        jobs: the service.
        store: S3.
        logs: CloudWatch.
        setting: what they share.
        tell: tells a person.
        in_flight: the names of those that are created and have not ended.
    """

    jobs: TransformJobs
    store: ObjectStore
    logs: DataLogs
    setting: Setting
    tell: Callable[[str], None]
    in_flight: dict[str, Experiment] = field(default_factory=dict)
    _found: dict[str, JobFound] = field(default_factory=dict)
    _has_logs: bool = True
    _not_now: dict[str, str] = field(default_factory=dict)

    def run(self, experiments: Sequence[Experiment], created: Callable[[Experiment], Any]) -> dict[str, JobFound]:
        """Returns what became of each, in their order; one that the service refuses is told as refused.

        Args:
            experiments: whose input is there.
            created: called with each once its job is created.
        """
        waiting, pause, deadline = list(experiments), _FIRST_POLL_SECONDS, time.monotonic() + PATIENCE_SECONDS
        idle_since = None
        while waiting or self.in_flight:
            waiting = self._created(waiting, created)
            for each in list(self.in_flight.values()):
                self._look(each)
            now = time.monotonic()
            idle_since = None if self.in_flight else idle_since or now
            if now > deadline or (idle_since and now - idle_since > _IDLE_PATIENCE_SECONDS):
                self._give_up(waiting)
                break
            if waiting or self.in_flight:
                time.sleep(pause)
                pause = min(pause * _SLOWER, _LONGEST_POLL_SECONDS)
        return {each.name: self._found[each.name] for each in experiments}

    def stop_all(self) -> None:
        """Asks the service to stop what is in flight; what is refused is told."""
        for name in list(self.in_flight):
            try:
                self.jobs.stop(self.setting.job_name(name))
            except ServiceFailure as err:
                self.tell(f"{name}: {err}")
            del self.in_flight[name]

    def _created(self, waiting: Sequence[Experiment], created: Callable[[Experiment], Any]) -> list[Experiment]:
        """Creates what it can; returns what the service does not take now."""
        left: list[Experiment] = []
        for number, each in enumerate(waiting):
            self.in_flight[each.name] = each  # first: a signal after Create finds it there, and stops it
            try:
                self.jobs.create(job_request(each, self.setting))
            except NotNow as err:
                del self.in_flight[each.name]
                if each.name not in self._not_now:
                    self.tell(f"{each.name}: {err}; it is tried again")
                self._not_now[each.name] = str(err)
                left.append(each)
                if each.instances == 1:  # of several, one that asks for less may pass
                    return [*left, *waiting[number + 1 :]]
                continue
            except ServiceFailure as err:
                del self.in_flight[each.name]
                self._found[each.name] = replace(self._blank(each), reason=f"refused: {err}")
                continue
            self.tell(f"{each.name}: job {self.setting.job_name(each.name)} is created")
            created(each)
        return left

    def _look(self, each: Experiment) -> None:
        try:
            described = self.jobs.describe(self.setting.job_name(each.name))
        except NotNow:
            return
        if described.status.is_terminal:
            del self.in_flight[each.name]
            self._found[each.name] = self._collected(each, described)
            self.tell(f"{each.name}: {self._found[each.name].ending}")
        elif each.is_stopped and described.status is JobStatus.IN_PROGRESS and self._outputs(each.name):
            self._found[each.name] = replace(self._blank(each), was_scored=True)
            with suppress(NotNow):  # it is asked again at the next look
                self.jobs.stop(self.setting.job_name(each.name))

    def _give_up(self, waiting: Sequence[Experiment]) -> None:
        for each in self.in_flight.values():
            self._found[each.name] = replace(
                self._blank(each), reason=f"it has not ended within {PATIENCE_SECONDS / 60:.0f} minutes"
            )
        for each in waiting:
            why = self._not_now.get(each.name, "the jobs before it were not taken")
            self._found[each.name] = replace(self._blank(each), reason=f"refused: {why}")
        self.stop_all()

    def _blank(self, each: Experiment) -> JobFound:
        folder = self.setting.inputs(each.name)
        return JobFound(each.name, folder.bucket, folder.key, None, instances=each.instances)

    def _collected(self, each: Experiment, described: JobDescription) -> JobFound:
        lines = self._lines(each.name)
        return replace(
            self._found.get(each.name, self._blank(each)),
            status=described.status,
            reason=described.failure_reason or "",
            created=_seconds(described.created_at),
            started=_seconds(described.started_at),
            ended=_seconds(described.ended_at),
            outputs={name: self.store.get(uri)[0] for name, uri in self._outputs(each.name).items()},
            data_log=lines.data_log,
            container_log=lines.container,
            log_trouble=lines.trouble,
        )

    def _lines(self, name: str) -> JobLines:
        """The lines of a job's logs, once there are some: a container that was asked has always logged.

        Where none came for one job, none are waited for of the others.
        """
        lines = JobLines()
        for look in range(_LOOKS if self._has_logs else 1):
            if look:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            lines = self.logs.lines(self.setting.job_name(name))
            if lines.container and lines.data_log:
                return lines
        self._has_logs = False
        return lines

    def _outputs(self, name: str) -> dict[str, S3Uri]:
        folder = self.setting.outputs(name)
        listed = self.store.list(folder)
        return {info.key.removeprefix(folder.prefix): S3Uri(folder.bucket, info.key) for info in listed}


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None
