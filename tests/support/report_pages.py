"""Pages of runs in memory, for each way in which a run can end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import numpy as np

from batch_transform.core.errors import BatchTransformError, Interrupted, StopRequested
from batch_transform.core.publishing.prediction_values import PredictedNumbers, value_counts
from batch_transform.core.report_histograms import PredictionRange
from batch_transform.core.run_state import ASKED, INTERRUPTED
from batch_transform.core.statuses import JobStatus, RunStatus
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.ending.reporting import report_of_end
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.sagemaker.jobs import JobDescription
from support.memory_run import MemoryRun, all_rows, echoing
from support.memory_service import MemoryService


@dataclass(frozen=True)
class Written:
    """What lies in a run's folder after its end."""

    report: dict[str, Any]
    page: str


def driven(run: MemoryRun, act: Callable[[Driver], Any] = Driver.run) -> Written:
    """Drives a run, as the guarded process does, and returns what it has written."""
    driver = run.driver()
    try:
        act(driver)
        assert driver.state.report is not None
        driver.close(driver.state.report)
    except (BatchTransformError, Interrupted) as err:
        if isinstance(err, Interrupted):
            driver.interrupt(ASKED if isinstance(err, StopRequested) else INTERRUPTED)
        found = exit_of(err)
        driver.close(report_of_end(driver.ctx, driver.state, found, err))
    return written(run)


def written(run: MemoryRun) -> Written:
    """What lies in the folder of a run now."""
    report, page = (run.store.get(place)[0] for place in (run.layout.status, run.layout.page))
    return Written(json.loads(report), page.decode())


def raising(error: BaseException, after: Callable[[Driver], bool]) -> Callable[[Driver], None]:
    """Drives a run until `after` holds, and then meets an error."""

    def act(driver: Driver) -> None:
        while not after(driver):
            assert driver.step()
        raise error

    return act


def clean_run(**other: Any) -> MemoryRun:
    return MemoryRun([40] * 8, echoing(lambda row: None), padding={3: 20_000, 50: 900_000}, **other)


class Page(HTMLParser):
    """A page as its elements: tags, attributes, text, and the numbers by where the report has them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.numbers: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        named = dict(attrs)
        if tag == "data" and named.get("data-key"):
            self.numbers[named["data-key"] or ""] = named["value"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def value_at(report: dict[str, Any], key: str) -> Any:
    """What a report has at a dotted key."""
    found: Any = report
    for name in key.split("."):
        found = found[int(name)] if isinstance(found, list) else found[name]
    return found


@dataclass
class TimedService(MemoryService):
    """A service whose instances start, and then work, for so many seconds by the run's clock."""

    def describe(self, name: str) -> JobDescription:
        found = self._jobs[name]
        place = list(self._jobs).index(name)
        assert found.created_at is not None
        started = found.created_at + timedelta(seconds=150 + 20 * (place % 3))
        ended = started + timedelta(seconds=60 + 45 * (place % 4))
        if found.status is JobStatus.STOPPED or self.now() < ended:
            status = found.status if found.status is JobStatus.STOPPED else JobStatus.IN_PROGRESS
            return JobDescription(name, status, None, found.created_at, started, None)
        return replace(found, started_at=started, ended_at=ended)

    def _is_in_flight(self, name: str) -> bool:
        return self._jobs[name].status is not JobStatus.STOPPED


def timed(sizes: list[int], refuse: Any = lambda row: None, **other: Any) -> MemoryRun:
    """A run whose driver takes 0.7 s for each write, and whose jobs take minutes."""
    run = MemoryRun(sizes, echoing(refuse), exported=False, **other)
    run.service = TimedService(run.store, run.model, run.now)

    def tick() -> None:
        run.seconds += 0.7

    run.watched(tick)
    return run


def gallery() -> dict[str, Written]:
    """The runs of which people look at pictures."""
    side_by_side = {"instance_count": 3, "instance_start_seconds": 1, "instance_mb_per_second": 0.01}
    padding = {row: 200 + 37 * (row % 101) for row in range(4000)}
    clean = timed([500] * 12, padding=padding, transform=side_by_side, numbers=some_numbers())
    hostile = set(all_rows([500] * 12)[::3])
    bad = timed([500] * 12, lambda row: 400 + 22 * (row % 2) if row in hostile else None)
    failed = timed([500] * 12, transform=side_by_side)
    failed.service.job_faults.extend(["capacity"] * 40)
    return {
        "clean": driven(clean),
        "two-thousand-bad-rows": driven(bad),
        "failure-of-the-service": driven(failed),
        "in-steps": in_steps(timed([300] * 6, transform=side_by_side)),
    }


def some_numbers() -> PredictedNumbers:
    """What may be counted of predictions: values of all kinds, some of them far out, and columns that are not drawn."""

    def told(name: str, values: list[float], not_finite: int = 0) -> PredictionRange:
        found, counts = np.unique(np.round(values, 2), return_counts=True)
        pairs = [(float(x), float(y)) for x, y in zip(found, counts, strict=True)]
        sketch = [*pairs[:61], pairs[-1]] if len(pairs) > 62 else pairs
        total, least, most = int(sum(count for _, count in sketch)), sketch[0][0], sketch[-1][0]
        return {
            "column": name,
            "rows": 6000,
            "nulls": 6000 - total - not_finite,
            "least": least,
            "most": most,
            "not_finite": not_finite,
            "values": value_counts(sketch, total, least, most),
        }

    made = np.random.default_rng(5)
    odd = told("a_prediction_whose_name_is_as_long_as_a_line_of_a_page.and_longer_still", [2.5] * 9, not_finite=3)
    scores = PredictionRange(column="scores", rows=6000, nulls=7, least=None, most=None)
    return PredictedNumbers(
        (
            told("p_late", made.beta(2, 5, 6000).tolist()),
            told("class", made.integers(0, 4, 6000).tolist()),
            told("far_out", [*made.normal(0, 0.1, 3000).tolist(), 1e12, -3e9]),
            odd,
            {**scores, "note": "array<double>: what is in an array is not counted"},
        ),
        left_out=292,
    )


def in_steps(run: MemoryRun) -> Written:
    """A run in steps, with half an hour between them."""
    status = run.step(PREPARE)["status"]
    for command in (SUBMIT, *[COLLECT] * 9):
        if status != RunStatus.PUBLISHED:
            run.seconds += 1800
            status = run.step(command)["status"]
    return written(run)
