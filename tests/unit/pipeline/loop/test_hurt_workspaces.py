"""A workspace of which any object is deleted or altered, before any step of a run: the right result, or a final end.

In memory, over the real loop. Whoever resumes comes to the right table, or meets the same final error each time: a
damaged ledger, or staged rows that are gone. Nothing is paid for twice but rows whose own output is gone or altered.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from batch_transform.core.errors import BatchTransformError
from batch_transform.core.object_names import original_name, rows_named
from batch_transform.core.predictions.output_counts import KeyCheck
from batch_transform.pipeline.commands.step_work import submit
from batch_transform.pipeline.lifecycle.resuming_without_spark import NeedsSpark, NoTables
from support.crashing_run import Model
from support.memory_run import LAYOUT, RUN, MemoryRun, all_rows
from support.sampling import one_in

pytestmark = pytest.mark.slow

SIZES = [6, 5, 1, 4]
LARGE = 11
POISON = {2: 400, 9: 500}
FLAKY = 14
# Kinds of objects that are the ledger, of which no one can be derived.
LEDGER = ("ledger", "parts")
MOST_RESUMES = 4


def begun(**options):
    rows = all_rows(SIZES)
    return MemoryRun(SIZES, Model(rows, POISON, FLAKY), oversize=[rows[LARGE]], exported=False, **options)


def deleted(body):
    return None


def flipped(body):
    """As many bytes as before, one of them another digit or letter: a record or an answer stays one."""
    text = bytearray(body)
    for place, byte in enumerate(text):
        if chr(byte).isdigit():
            text[place] = ord(str((int(chr(byte)) + 1) % 10))
            return bytes(text)
    return bytes([byte ^ 1 for byte in text[:1]]) + bytes(text[1:])


def shortened(body):
    return body[: len(body) // 2]


WAYS = [deleted, flipped, shortened]


def hurt(run, key, way):
    """Deletes or alters an object, as somebody else would."""
    place = ("bucket", key)
    body, modified = run.store.world.objects.pop(place)
    after = way(body)
    if after is not None and after != body:
        run.store.world.objects[place] = (after, modified)
    elif after is not None:
        run.store.world.objects[place] = (body + b" ", modified)


def kind_of(key):
    """The folder, or the file, below those of the run."""
    return key.split("/")[2]


def objects_of(run, *kinds):
    """What the run keeps, in both of its folders: all of it, or some kinds."""
    keys = [*run.store.world.tree("runs/run/"), *run.store.world.tree("rows/run/")]
    return [key for key in keys if not kinds or kind_of(key) in kinds]


@pytest.fixture(scope="module")
def worlds():
    """The run before each of its steps."""
    run, found = begun(), []
    driver = run.driver()
    found.append(run.copy())
    while driver.step():
        found.append(run.copy())
    driver.close(driver.state.report)
    found.append(run.copy())
    check(run, driver.state)
    return found


def answers(run):
    """How often each row was answered for, by all jobs; copies of a row in a job are one."""
    times = Counter[str]()
    for name, count in Counter(run.service.answered).items():
        if rows_named(name):
            times[original_name(name)] = max(times[original_name(name)], count)
    return Counter(row for name, count in times.items() for row in rows_in(name) for _ in range(count))


def rows_in(name):
    """The rows of an object, by its name."""
    first, rows = original_name(name).removeprefix("s").split("-")[:2]
    return range(int(first), int(first) + int(rows))


def check(run, state, lost=frozenset()):
    """The right table, and no row answered for twice but those that are named."""
    rows = all_rows(SIZES)
    dead = {rows[place] for place in POISON}
    assert run.published("result") == [(row, str(row)) for row in rows if row not in dead]
    assert [row for row, _ in run.published("dead_letter")] == sorted(dead)
    assert state.report["status"] == "published"
    again = {row for row, times in answers(run).items() if times > 1}
    assert again <= lost, f"paid twice: {sorted(again - lost)}"


def rows_of(key):
    """The rows of an output, by its name."""
    name = key.rpartition("/")[2]
    if not name.endswith(".out") or not rows_named(name):
        return set()
    return set(rows_in(name))


def resumed(run):
    """The state of the published run, or the final error's words; whoever resumes resumes a few times."""
    said = []
    for _ in range(MOST_RESUMES):
        end = tried(run)
        if not isinstance(end, str):
            return end
        said.append(end)
        if len(said) > 1 and said[-1] == said[-2]:
            return end
    return pytest.fail(f"it ends in other ways each time, with {len(run.service.requests)} jobs: {said}")


def tried(run):
    try:
        return run.to_the_end()
    except BatchTransformError as err:
        code, words = err.exit_code, f"{type(err).__name__}: {err}"
    assert code == 4
    return words


def is_final(words):
    return words.startswith(("LedgerCorrupt", "RowsLost"))


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.long)], ids=["a way in turn", "each way"])
def is_each(request):
    """Whether an object is hurt in each way at each step, or in one of them, another at the next step."""
    return request.param


def cases(worlds, kinds, is_each, seed=5):
    """(step, run, key, way): for each step and kind one object, hurt in each way, or in one of them."""
    draw = random.Random(seed)
    for number, run in enumerate(worlds):
        found: dict[str, list[str]] = {}
        for key in objects_of(run):
            found.setdefault(kind_of(key), []).append(key)
        for kind in kinds:
            for way in WAYS if is_each else [WAYS[number % len(WAYS)]]:
                if found.get(kind):
                    yield number, run.copy(), draw.choice(found[kind]), way


@pytest.mark.parametrize("kind", ["input", "manifests"])
def test_what_is_sent_is_made_again(worlds, kind, is_each):
    seen = 0
    for number, run, key, way in cases(worlds, [kind], is_each):
        hurt(run, key, way)
        end = resumed(run)
        assert not isinstance(end, str), f"step {number}, {way.__name__} {key}: {end}"
        check(run, end)
        seen += 1
    assert seen > (40 if is_each else 13)


def outputs_hurt(worlds, is_each):
    """(step, run, rows of the outputs that were hurt): one output, and all, at each step that has any."""
    draw = random.Random(3)
    for number, run in enumerate(worlds):
        keys = [key for key in objects_of(run, "output") if rows_of(key)]
        for chosen in ([draw.choice(keys)], keys) if keys else ():
            ways = [way for way in WAYS if way is deleted or _is_counted(run, chosen)]  # of others nobody can tell
            for way in ways if is_each else [ways[number % len(ways)]]:
                twin = run.copy()
                for key in chosen:
                    hurt(twin, key, way)
                yield number, twin, set().union(*map(rows_of, chosen))


def _is_counted(run, keys):
    state = run.state()
    return all(state.job(key.split("/")[-2]).verdicts for key in keys)


def test_an_output_that_is_gone_or_altered_is_scored_again_and_no_other(worlds, is_each):
    seen = 0
    for number, run, rows in outputs_hurt(worlds, is_each):
        end = resumed(run)
        assert not isinstance(end, str), f"step {number}: {end}"
        check(run, end, rows)
        assert (end.rows_scored, end.rows_dead) == (end.report["rows_scored"], end.report["rows_dead_letter"])
        seen += 1
    assert seen > (40 if is_each else 13)


def test_staged_rows_that_are_gone_end_a_run_for_good_once_a_job_is_planned(worlds, is_each):
    ends = Counter()
    for number, run, key, way in cases(worlds, ["staging"], is_each):
        jobs = len(run.service.requests)
        state = run.state()
        hurt(run, key, way)
        end = resumed(run)
        if isinstance(end, str):
            assert end.startswith("RowsLost: 1 of 4 staged files is gone or altered"), f"step {number}: {end}"
            assert "another run_id" in end
            assert len(run.service.requests) == jobs
            assert state.last_round is not None
        else:
            check(run, end)
            assert state.last_round is None or state.publication is not None
        ends[isinstance(end, str)] += 1
    assert ends[True] > (20 if is_each else 10)
    assert ends[False] > (5 if is_each else 1)


def test_a_damaged_ledger_ends_a_run_for_good_or_is_not_needed(worlds, is_each):
    ends = Counter()
    for number, run, key, way in cases(worlds, LEDGER, is_each):
        jobs = len(run.service.requests)
        hurt(run, key, way)
        end = resumed(run)
        if isinstance(end, str):
            assert end.startswith("LedgerCorrupt"), f"step {number}, {way.__name__} {key}: {end}"
            assert len(run.service.requests) == jobs, f"step {number}, {way.__name__} {key}: paid for {end}"
            assert "another run_id" in end
        else:
            check(run, end)
        ends[isinstance(end, str)] += 1
    assert ends[True] > 20


@pytest.mark.parametrize("kind", ["lease.json", "status.json", "report.html", "merged", "dead_letters", "stop.json"])
def test_nothing_else_of_a_run_keeps_it_from_its_end(worlds, kind, is_each):
    for number, run, key, way in cases(worlds, [kind], is_each):
        hurt(run, key, way)
        end = resumed(run)
        assert not isinstance(end, str), f"step {number}, {way.__name__} {key}: {end}"
        check(run, end)


KINDS = ["staging", "input", "output", "manifests", "merged", "lease.json"]


@pytest.mark.parametrize("kind", one_in(3, KINDS))
def test_a_driver_that_is_at_work_meets_it_as_well(kind):
    """Before each of its steps in turn something is hurt under a living driver; whoever is ended by it starts again."""
    draw = random.Random(kind)
    for number in range(60):
        run = begun()
        driver = run.driver()
        for _ in range(number):
            if not driver.step():
                return
        keys = objects_of(run, kind)
        key, way = draw.choice(keys) if keys else "", draw.choice(WAYS)
        counted = kind != "output" or not keys or (bool(rows_of(key)) and _is_counted(run, [key]))
        if not keys or not (counted or way is deleted):
            continue
        hurt(run, key, way)
        end = _went_on(run, driver)
        if isinstance(end, str):
            assert (kind, is_final(end)) == ("staging", True), f"step {number}, {way.__name__} {key}: {end}"
        else:
            check(run, end, rows_of(key))
    pytest.fail("the run never ends")


def _went_on(run, driver):
    try:
        driver.run()
        driver.close(driver.state.report)
    except BatchTransformError:
        driver.ctx.lease.release()
        return resumed(run)
    return driver.state


@pytest.mark.parametrize("mode", one_in(3, ["append", "error", "overwrite"]))
@pytest.mark.parametrize("every", [2, pytest.param(1, marks=pytest.mark.long)])
def test_merged_files_that_are_lost_while_they_are_copied_are_merged_again(mode, every):
    """At each mutation of publishing the process dies and a merged file is gone or altered."""
    run, worlds = begun(mode=mode), []
    faults = run.watched(lambda: worlds.append(run.copy()))
    run.to_the_end()
    copies = [place for place, name in enumerate(faults.log) if name.startswith("CopyObject")]
    again = 0
    for world in worlds[copies[0] - 2 : copies[-1] + 6 : every]:
        for place, key in enumerate(sorted(objects_of(world, "merged"))):
            twin = world.copy()
            hurt(twin, key, WAYS[place % len(WAYS)])
            end = resumed(twin)
            assert not isinstance(end, str), f"{key}: {end}"
            check(twin, end)
            again += end.merges_lost
    assert again > 10 / every


def test_a_step_without_spark_says_who_can_mend_and_pays_for_nothing():
    run = begun()
    run.step("prepare")
    for key in objects_of(run, "input"):
        hurt(run, key, deleted)
    driver = run.rejoined("submit")
    driver.ctx = replace(driver.ctx, tables=NoTables(RUN))
    with pytest.raises(NeedsSpark, match="resume s3://bucket/run"):
        submit(driver)
    driver.ctx.lease.release()
    assert not run.service.requests
    check(run, run.to_the_end())


def test_keys_are_compared_with_the_records_that_were_exported():
    """The model echoes the key of each record, which is read again to be compared once the job has ended."""
    key = KeyCheck("echo", "id", LAYOUT.input)
    for way in WAYS:
        run = begun(prediction={"schema": "echo long", "key": {"field": "echo", "column": "id"}}, key=key)
        driver = run.driver()
        while not any(job.status for job in driver.state.jobs):
            assert driver.step()
        for name in objects_of(run, "input"):
            hurt(run, name, way)
        end = _went_on(run, driver)
        assert not isinstance(end, str), f"{way.__name__}: {end}"
        check(run, end)
