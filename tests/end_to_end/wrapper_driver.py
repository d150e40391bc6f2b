"""A driver for the tests of the wrapper: does what the variable DRIVER_DOES says, as the real one would."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from batch_transform.pipeline.handshake import COMMAND_VARIABLE, Handshake

handshake = Handshake.from_environ(os.environ)


def end(code: int, **report) -> None:
    handshake.report({"status": "ended", "code": code, **report})
    handshake.end(code)
    sys.exit(code)


def clean_up(number, _frame):
    time.sleep(1)
    end(128 + number)


def wait_for_a_signal() -> None:
    Path(os.environ["DRIVER_READY"]).write_text(f"{os.getpid()} {os.getppid()}")
    time.sleep(120)
    end(99)


def score() -> None:
    from pyspark.sql import SparkSession

    print("a line that is no report")
    spark = SparkSession.builder.getOrCreate()
    worker = spark.range(0, 1, 1, 1).mapInArrow(of_worker, "source string, preloaded array<string>").first()
    code = int(os.environ["DRIVER_CODE"])
    end(
        code,
        rows=spark.range(10).count(),
        source=sys.modules["batch_transform"].__file__,
        command=os.environ[COMMAND_VARIABLE],
        worker=worker.asDict(),
    )


def lose_the_report() -> None:
    """As where a disk has filled up meanwhile: all is done, and nothing of it can be told."""
    handshake.end(0)


def of_worker(batches):
    import pyarrow

    for _ in batches:
        modules = sorted(name for name in sys.modules if name.startswith("batch_transform.spark."))
        row = {"source": sys.modules["batch_transform"].__file__, "preloaded": modules}
        yield pyarrow.RecordBatch.from_pylist([row])


signal.signal(signal.SIGTERM, clean_up)
signal.signal(signal.SIGINT, clean_up)
signal.signal(signal.SIGHUP, clean_up)
if "DRIVER_SILENT" not in os.environ:
    handshake.announce(os.getpid())
{"wait": wait_for_a_signal, "score": score, "lose": lose_the_report}[os.environ["DRIVER_DOES"]]()
