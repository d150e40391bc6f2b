"""Every wait has an end, and none of them keeps another thread, or the user's process, from its own."""

from __future__ import annotations

import csv
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from batch_transform.config.surroundings import Emulator
from batch_transform.core.errors import ConfigurationError, LedgerCorrupt, ServiceFailure
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.csv_cells import csv_row
from batch_transform.core.predictions.json_scalars import Unfit
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.run_state import INTERRUPTED, TIMEOUT
from batch_transform.core.sending.job_request import transform_request
from batch_transform.core.statuses import JobStatus
from batch_transform.pipeline.ending.stopping import stop_jobs
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.world import emulation
from batch_transform.s3.lease import RENEW_ATTEMPTS, RunLease
from batch_transform.sagemaker.jobs import JobDescription, TransformJobs
from support.faults import Fate, Faults
from support.memory_run import LAYOUT, MemoryRun, echoing
from support.memory_store import MemoryStore, World

MINUTES = 30


class NeverEnding:
    """A service whose jobs go on for ever, also once they were asked to stop."""

    def __init__(self, run):
        self.run, self.stops, self.begun = run, [], {}

    def request(self, job):
        return transform_request(job)

    def create(self, request):
        self.begun[request["TransformJobName"]] = self.run.now()

    def describe(self, name):
        return JobDescription(name, JobStatus.IN_PROGRESS, None, self.begun[name], self.begun[name], None)

    def stop(self, name):
        self.stops.append(name)
        return True


def test_rows_that_hang_end_the_run_after_two_jobs_that_are_late_with_nothing_else_to_show():
    """Of a job that is stopped no output is kept, of its controls neither; its data log says what timed out."""
    run = MemoryRun([100] * 8, echoing(lambda row: "timeout" if row in (3, 120, 1250) else None))
    # By the first job the model is slow, so the second round is many jobs; in the third are suspects, and controls.
    run.service.lasts = lambda number: 1e9 if run.state().rounds > 2 else 60.0 if number else 4000.0
    with pytest.raises(ServiceFailure, match=r"twice; .* lower transform\.invocations_timeout_seconds"):
        run.to_the_end()
    late = [job for job in run.state().jobs if job.stop_reason == TIMEOUT]
    assert len(late) == 2


@pytest.mark.parametrize("befalls", [["capacity", None], ["internal", None], [None, "capacity"]])
def test_a_job_that_is_late_once_is_tried_once_more_whatever_befell_another_job_with_its_rows(befalls):
    run = MemoryRun([5, 5], echoing(lambda row: None))
    run.service.job_faults.extend(befalls)
    run.service.lasts = lambda number: 1e9 if number == befalls.index(None) else 60.0
    state = run.to_the_end()
    assert ([job.stop_reason for job in state.jobs].count(TIMEOUT), state.rows_scored) == (1, 10)


def test_two_late_jobs_end_the_run_also_with_another_fault_between_them():
    run = MemoryRun([5, 5], echoing(lambda row: None))
    run.service.job_faults.extend([None, "internal", None, None])
    run.service.lasts = lambda number: 60.0 if number == 1 else 1e9
    with pytest.raises(ServiceFailure, match="twice; nothing of a job that is stopped is kept"):
        run.to_the_end()
    assert len(run.service.requests) == 3


def test_a_job_that_never_ends_is_waited_for_no_longer_than_twice_its_time():
    run = MemoryRun([3], echoing(lambda row: None), transform={"job_timeout_minutes": MINUTES})
    driver = run.driver()
    service = NeverEnding(run)
    driver = Driver(replace(driver.ctx, jobs=service), driver.state)
    began = run.seconds
    with pytest.raises(
        ServiceFailure, match=r"did not end within [0-9,]+ minutes, though transform\.job_timeout_minutes is"
    ):
        driver.run()
    assert 2 * 60 * MINUTES <= run.seconds - began < 2 * 60 * MINUTES + 3 * driver.ctx.poll_seconds
    assert driver.state.jobs[0].stop_reason == TIMEOUT
    assert set(service.stops) == {driver.state.jobs[0].name}


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_job_is_late_by_the_clock_of_the_service_and_not_by_the_drivers(minutes):
    """Of a driver whose clock was ahead each job was stopped at the first look, paid and thrown away."""
    run = MemoryRun([3], echoing(lambda row: None), transform={"job_timeout_minutes": 5})
    driver = run.driver()
    ahead = replace(driver.ctx.clock, wall=lambda: run.now().timestamp() + 60 * minutes)
    describe = run.service.describe
    service = SimpleNamespace(
        **{name: getattr(run.service, name) for name in ("request", "create", "is_there", "stop")}
    )
    service.describe = lambda name: replace(describe(name), told_at=run.now())
    run.service.lasts = lambda job: 240.0
    driver = Driver(replace(driver.ctx, jobs=service, clock=ahead), driver.state)
    assert driver.run().report["rows_scored"] == 3
    assert not run.service.stopped


def test_a_status_that_nobody_knows_is_a_failure_with_the_jobs_name():
    client = SimpleNamespace(describe_transform_job=lambda TransformJobName: {"TransformJobStatus": "Paused"})
    with pytest.raises(ServiceFailure, match=r"job-1: .*Paused"):
        TransformJobs(None, client).is_in_flight("job-1", was_created=False)


def test_a_job_that_the_service_never_heard_of_is_in_flight_only_where_it_was_created_elsewhere():
    """As for the credentials of another account: `clean` would delete what a running job reads."""

    def unknown(TransformJobName):
        raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "DescribeTransformJob")

    jobs = TransformJobs(None, SimpleNamespace(describe_transform_job=unknown))
    assert not jobs.is_in_flight("job-1", was_created=False)
    with pytest.raises(ServiceFailure, match=r"job-1: .*in another account or region than is asked now"):
        jobs.is_in_flight("job-1", was_created=True)


def test_a_renewal_that_waits_for_its_next_try_holds_nobody_up():
    """The thread that gives the lease back after a signal came behind all tries of the one that renewed it."""
    world, free = World(), []

    def sleep(seconds):
        thread = threading.Thread(target=lambda: free.append(lease.require()))
        thread.start()
        thread.join(5)

    lease = RunLease(MemoryStore(world), LAYOUT, "a", 60.0, lambda: 0.0, sleep)
    lease.acquire()
    lease._store = MemoryStore(world, Faults(dict.fromkeys(range(RENEW_ATTEMPTS), Fate.LOSE_REQUEST)))
    with pytest.raises(ServiceFailure, match="could not be renewed"):
        lease.renew()
    assert len(free) == RENEW_ATTEMPTS - 1


def damaged(run):
    """The driver of a run whose job is in flight when the ledger loses a step."""
    driver = run.driver()
    service = NeverEnding(run)
    driver = Driver(replace(driver.ctx, jobs=service), driver.state)
    while not driver.state.in_flight:
        driver.step()
    run.store.delete([LAYOUT.ledger.join(f"{1:012d}.json")])
    return driver, service


def test_stopping_over_a_damaged_ledger_stops_the_jobs_and_says_that_it_is_damaged():
    driver, service = damaged(MemoryRun([3], echoing(lambda row: None)))
    with pytest.raises(LedgerCorrupt):
        stop_jobs(driver.state, driver.ctx.lease, driver.ctx.ledger, service, INTERRUPTED)
    assert service.stops == [driver.state.jobs[0].name]


SILENT = "import sys, time; time.sleep(60)"
DEAF = """
import sys, time
print('{"endpoint_url": "http://127.0.0.1:1"}', flush=True)
time.sleep(60)
"""


def emulator_of(monkeypatch, folder, code):
    """Lets `python -m transform_emulator` be this code."""
    (folder / "transform_emulator.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(emulation, "_END_SECONDS", 0.3)
    return emulation.embedded_emulator(Emulator(models={"m": "http://127.0.0.1:9"}))


def test_an_emulator_that_says_nothing_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(emulation, "_START_SECONDS", 1.0)
    began = time.monotonic()
    with (
        pytest.raises(ConfigurationError, match="did not start: it said nothing"),
        emulator_of(monkeypatch, tmp_path, SILENT),
    ):
        pytest.fail("it began")
    assert time.monotonic() - began < 30


def test_an_emulator_that_does_not_end_is_killed(monkeypatch, tmp_path):
    began = time.monotonic()
    with emulator_of(monkeypatch, tmp_path, DEAF) as url:
        assert url == "http://127.0.0.1:1"
    assert time.monotonic() - began < 30


def test_long_cells_are_read_and_the_processs_own_limit_of_its_csv_module_stays():
    long = "x" * 200_000
    reader = PredictionReader(pa.schema([("a", pa.string()), ("b", pa.int64())]), form=AnswerForm(format="csv"))
    before = csv.field_size_limit(1000)
    try:
        read = reader.read(lines_of(f'"{long}",1\n"q""q",2\n'.encode()))
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)
    assert not read.reasons
    assert read.values.field("a").to_pylist() == [long, 'q"q']


@given(st.text(alphabet='a",\r ', max_size=12))
@example('"a""",')
@example("a,b\r")
@example("a\r\r")
def test_a_line_with_long_cells_is_split_as_the_csv_module_does_it(line):
    def cells():
        try:
            return csv_row(line)
        except Unfit:
            return "not CSV"

    short, before = cells(), csv.field_size_limit(-1)
    try:
        assert not line.strip() or cells() == short
    finally:
        csv.field_size_limit(before)
