"""The jobs of `smoke`, each of which tells several of the open points, and the requests that are to be refused.

An object that fails leaves the others of its job alone ("one bad record loses its object", transform_emulator/FACTS.md,
4): so what is to fail lies beside what is to be scored, wherever the settings of the job are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batch_transform.core.smoke.artifact import row_objects

SINGLE_RECORD, MULTI_RECORD = "SingleRecord", "MultiRecord"
JSON_LINES, CSV = "application/jsonlines", "text/csv"
LINE = "Line"
MARK, MARKED = "SMOKE_MARK", "job"

ROWS_JOB = "rows"
PAYLOAD, ZERO, ANSWERS, RECORDS, TIMEOUT = "payload", "zero", "answers", "records", "timeout"
SHARDS, MISSING, STOP, FILTERS, JOIN, PIPELINE = "shards", "missing", "stop", "filters", "join", "pipeline"
PRODUCT, JOIN_SETTINGS, UNKNOWN, DUPLICATE, DATA_SOURCE = (
    *("payload-product", "join-settings", "unknown-job", "duplicate-name", "model-data-source"),
)
PLAIN_MODEL, PIPELINE_MODEL, DATA_SOURCE_MODEL = "plain", "pipeline", "data-source"

BINARY_MB, DECIMAL_MB = 2**20, 10**6
_LINE_BYTES = 100
LARGE_BYTES = 1_000_000
BIG_ANSWER_BYTES = 5_500_000
RETRIES = 1
# What was given up is still being answered when it is sent again, and the second try is seen before it is given up.
TIMEOUT_SECONDS, SLEEP_SECONDS = 3, 4
STATUSES_SCORED = (201, 204, 299)
STATUSES_RETRIED = (400, 429, 500, 503)
SHARDED = tuple(f"o-{number:02}" for number in range(16))
TOGETHER = tuple(f"together-{number}" for number in range(4))
# Over 100 together; two numbers that no other one in a message is taken for.
PRODUCT_CONCURRENCY, PRODUCT_PAYLOAD_MB = 53, 47


@dataclass(frozen=True)
class Experiment:
    """A transform job.

    Attributes:
        name: of it, and of its folders.
        objects: the input, by names below its folder.
        absent: names that its manifest has and S3 has not.
        by_prefix: whether the input is given by its prefix; else by a manifest.
        strategy: BatchStrategy.
        assemble: AssembleWith; None: left unsaid, as all that is None.
        marked: whether its Environment has MARK.
        model: one of the models.
        instances: of the job.
        is_stopped: whether it is stopped once it has an output.
    """

    name: str
    objects: Mapping[str, bytes]
    absent: tuple[str, ...] = ()
    by_prefix: bool = False
    strategy: str = MULTI_RECORD
    payload_mb: int | None = None
    concurrency: int | None = None
    timeout_seconds: int | None = None
    retries: int | None = 0
    content_type: str | None = JSON_LINES
    accept: str | None = None
    assemble: str | None = None
    input_filter: str | None = None
    output_filter: str | None = None
    joins: bool = False
    marked: bool = False
    model: str = PLAIN_MODEL
    instances: int = 1
    is_stopped: bool = False

    @property
    def listed(self) -> tuple[str, ...]:
        """What its manifest has."""
        return (*self.objects, *self.absent)


def experiments(wanted: Iterable[str]) -> list[Experiment]:
    """Returns those of the jobs that are wanted by their names."""
    return [each for each in _jobs() if each.name in set(wanted)]


def refusals(wanted: Iterable[str]) -> list[Experiment]:
    """Returns those of the jobs that are wanted by their names and that the service is to refuse at once."""
    told = {"told": b"told\n"}
    each = [
        Experiment(PRODUCT, told, payload_mb=PRODUCT_PAYLOAD_MB, concurrency=PRODUCT_CONCURRENCY),
        Experiment(JOIN_SETTINGS, told, accept=JSON_LINES, joins=True),
        Experiment(DATA_SOURCE, told, model=DATA_SOURCE_MODEL),
    ]
    return [one for one in each if one.name in set(wanted)]


def _jobs() -> list[Experiment]:
    return [
        Experiment(ROWS_JOB, row_objects(), accept=JSON_LINES, assemble=LINE),
        Experiment(PAYLOAD, _payloads(), payload_mb=1),
        Experiment(ZERO, {"three": b"one\ntwo\nthree\n"}, payload_mb=0, content_type=None),
        Experiment(ANSWERS, _answers(), concurrency=len(TOGETHER), assemble=LINE),
        Experiment(RECORDS, _records(), strategy=SINGLE_RECORD, retries=RETRIES),
        Experiment(
            TIMEOUT,
            {"slow": b"slow @sleep=%d\n" % SLEEP_SECONDS},
            timeout_seconds=TIMEOUT_SECONDS,
            retries=RETRIES,
        ),
        Experiment(SHARDS, {**dict.fromkeys(SHARDED, b"told\n"), "marker/": b"told\n"}, by_prefix=True, instances=2),
        Experiment(MISSING, {"there": b"told\n"}, absent=("nowhere",)),
        # Should nobody stop it, it ends by itself.
        Experiment(
            STOP,
            {**{f"a-quick-{number}": b"told\n" for number in range(4)}, "z-slow": b"slow @sleep=20\n" * 20},
            strategy=SINGLE_RECORD,
            is_stopped=True,
        ),
        Experiment(
            FILTERS,
            {"cells": b"c0,@cells,c2,c3,c4,c5\n", "typed": b"c0,@typed,c2,c3,c4,c5\n"},
            strategy=SINGLE_RECORD,
            content_type=CSV,
            accept=CSV,
            input_filter="$[1:4]",
            output_filter="$[0]",
        ),
        Experiment(
            JOIN,
            {"two-for-one": b'{"a":"@lines=2"}\n'},
            strategy=SINGLE_RECORD,
            accept=JSON_LINES,
            assemble=LINE,
            joins=True,
        ),
        Experiment(
            PIPELINE,
            {"told": b"told\n", "big": b"@big=%d\n" % BIG_ANSWER_BYTES},
            accept=JSON_LINES,
            marked=True,
            model=PIPELINE_MODEL,
        ),
    ]


def _payloads() -> dict[str, bytes]:
    """More than a body of full lines, a record of exactly a MB by both readings, and one that is too large by both."""
    line = b"x" * (_LINE_BYTES - 1) + b"\n"
    return {
        "packed": line * (11 * DECIMAL_MB // (10 * _LINE_BYTES)),
        "exact-binary": _record_of(BINARY_MB),
        "exact-decimal": _record_of(DECIMAL_MB),
        "too-large": _record_of(12 * DECIMAL_MB // 10),
    }


def _record_of(size_bytes: int) -> bytes:
    return b"x" * (size_bytes - 1) + b"\n"


def _answers() -> dict[str, bytes]:
    return {
        "folder/kept": b"told\n",
        "newline": b"told\n",
        "gzip": b"@gzip\n",
        "empty": b"",
        **{f"status-{status}": b"@status=%d\n" % status for status in STATUSES_SCORED},
        **dict.fromkeys(TOGETHER, b"together @sleep=0.7\n"),
    }


def _records() -> dict[str, bytes]:
    small, large = b"small\n", _record_of(LARGE_BYTES)
    return {
        "blank": b"first\n\nlast\n",
        "timed": (large + small) * 4 + small * 5,
        **{f"status-{status}": b"status-%d @status=%d\n" % (status, status) for status in STATUSES_RETRIED},
        "rest": b"rest-1 @status=400\nrest-2\nrest-3\n",
    }
