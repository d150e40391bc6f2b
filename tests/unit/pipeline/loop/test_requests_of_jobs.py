"""How often SageMaker is asked while jobs run: at most three requests for each job and minute, all calls together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest

from batch_transform.core.statuses import JobStatus
from support.memory_run import MemoryRun, echoing

MOST_PER_JOB_AND_MINUTE = 3
START_UP_SECONDS = 240.0


@dataclass
class Asked:
    """A service of the run's that counts what it is asked, and whose jobs take their time."""

    run: MemoryRun
    seconds: dict[str, float]
    asked: Counter[str]

    def __getattr__(self, name):
        return getattr(self.run.service, name)

    def create(self, request):
        self.asked["create"] += 1
        self.run.service.create(request)
        # They end one by one in an order of their own: that one has ended is seen while the others go on.
        place = 37 * len(self.seconds) % 64
        self.seconds.setdefault(request["TransformJobName"], START_UP_SECONDS + 7.0 * place)

    def is_there(self, request):
        self.asked["describe"] += 1
        return self.run.service.is_there(request)

    def describe(self, name):
        self.asked["describe"] += 1
        found = self.run.service.describe(name)
        if (self.run.now() - found.created_at).total_seconds() < self.seconds[name]:
            return replace(found, status=JobStatus.IN_PROGRESS, failure_reason=None, ended_at=None)
        return found

    def stop(self, name):
        self.asked["stop"] += 1
        return self.run.service.stop(name)


@dataclass
class Looked:
    """The run's models, of which looks are counted."""

    models: object
    asked: Counter[str]

    def look(self, name, nonce):
        self.asked["model"] += 1
        return self.models.look(name, nonce)


@pytest.mark.parametrize("jobs", [1, 4, 16, 64])
def test_sagemaker_is_asked_three_times_at_most_for_each_job_and_minute(jobs):
    """At the default `poll_seconds`: with many jobs side by side its rate of calls is what the account has least of."""
    transform = {"instance_count": jobs, "instance_start_seconds": 0}  # where a start costs nothing, all are used
    run = MemoryRun([40] * 64, echoing(lambda row: None), transform=transform)
    asked: Counter[str] = Counter()
    driver = run.driver()
    service, models = Asked(run, {}, asked), Looked(driver.ctx.models, asked)
    driver.ctx = replace(driver.ctx, jobs=service, models=models)
    began = run.seconds
    driver.run()
    minutes = sum(service.seconds.values()) / 60
    assert len(service.seconds) == jobs
    assert run.seconds - began >= START_UP_SECONDS
    assert asked.total() <= MOST_PER_JOB_AND_MINUTE * minutes, asked
