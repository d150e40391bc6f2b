"""Under `spark-submit.sh` the Python process, the JVM, or both and all that they started are killed; then resumed.

Everything that Spark writes goes to disk here, and so is published by the driver's own calls on files.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from support.drivers import DEAD, Scene, expected
from support.emulated import emulated
from support.sampling import one_in
from support.strikes import Strike
from support.submissions import Submission
from support.watching_proxy import watching

pytestmark = [pytest.mark.spark, pytest.mark.slow]
# A run to disk asks for about so much of S3 and SageMaker.
REQUESTS = 60
VICTIMS = ["python", "jvm", "group"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submissions")
    with emulated() as world, watching(world.url, ask_who=False) as proxy:
        yield Scene(world, proxy, folder)


def begin(scene):
    run = scene.run()
    folder = scene.folder / f"tables-{run.run_id}"
    run.document |= {"staging": str(folder / "staging"), "output": {"path": str(folder / "out"), "mode": "append"}}
    run.document = {key: value for key, value in run.document.items() if value is not None}
    return run


def submitted(run, *words):
    """`spark-submit.sh` over a run, in a folder of its own."""
    number = len(list(run.scene.folder.glob(f"{run.run_id}-*")))
    place = run.scene.folder / f"{run.run_id}-{number}"
    place.mkdir()
    return Submission(place, run.document, *words)


def tables(run):
    out = run.document["output"]["path"]
    assert (Path(out) / "_SUCCESS").exists()
    result = pq.read_table(out).to_pylist()
    dead = pq.read_table(f"{out}_dead_letter").to_pylist()
    return sorted((r["id"], r["echo"]) for r in result), sorted((r["id"], r["error"]["class"]) for r in dead)


def check(run, report):
    run.check_paid_once(report)
    assert tables(run) == (expected(), DEAD)


def killed_and_resumed(scene, victim, number, after):
    run = begin(scene)
    submission = submitted(run)
    strike = Strike(number, after, lambda: submission.kill(victim)).into(scene.proxy)
    code, report = submission.wait()
    scene.proxy.watch = scene.proxy.answered = lambda passing: None
    if strike.struck is None:
        assert code == 0, submission.log()
        check(run, report)
        return "the end"
    # Without its JVM the driver ends as by SIGTERM, and has stopped its jobs.
    assert code == {"python": 4, "jvm": 143, "group": 4}[victim], (report, submission.log())
    time.sleep(0.1)
    again = submitted(run, *resumption(run))
    code, report = again.wait()
    assert code == 0, again.log()
    check(run, report)
    return f"{victim} at {strike.struck}"


def resumption(run):
    """The words that go on with a run; none, which start its run file, where it was killed before it began."""
    began = run.scene.world.objects(f"runs/{run.run_id}/ledger/")
    return ["resume", f"{run.document['workspace']}/{run.run_id}", *reach(run)] if began else []


def reach(run):
    """A resume has no run file: how AWS is reached stands in its arguments."""
    aws = run.document["aws"]
    return ["--set", f"aws.endpoint_url={aws['endpoint_url']}", "--set", f"aws.region={aws['region']}"]


@pytest.mark.parametrize("victim", one_in(2, ["jvm", "python"]))
def test_sampled_points_under_spark_submit(scene, victim):
    draw = random.Random(victim)
    assert killed_and_resumed(scene, victim, draw.randrange(5, REQUESTS // 2), draw.random() < 0.5)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_dozen_points_under_spark_submit(scene):
    draw = random.Random(12)
    survived = [
        killed_and_resumed(scene, victim, draw.randrange(place * REQUESTS // 4, (place + 1) * REQUESTS // 4), after)
        for place, after in enumerate([False, True, False, True])
        for victim in VICTIMS
    ]
    print(f"{len(survived)} points under spark-submit survived: {survived}")
    assert len(survived) == 12
