"""`list` asks little of each run, and says nothing of one that was no longer so when it was looked at."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import Interrupted
from batch_transform.core.ledger import decode, encode
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_views.listed_runs import table_of_runs
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands import listing
from batch_transform.pipeline.commands.dispatch import status
from batch_transform.pipeline.commands.listing import listed_runs
from batch_transform.pipeline.commands.looked_at import recorded_report
from batch_transform.pipeline.recorded import named_run
from support.memory_run import LAYOUT, RUN, MemoryRun, echoing
from support.memory_store import MemoryStore
from support.report_pages import driven, raising

WORKSPACE = LAYOUT.workspace


class CountingStore(MemoryStore):
    """Counts what is asked of it, by the run's folder that it is asked of."""

    def __init__(self, world):
        super().__init__(world)
        self.asked = Counter()

    def get(self, uri, if_match=None):
        self.asked[uri.key.split("/")[1]] += 1
        return super().get(uri, if_match)

    def head(self, uri):
        self.asked[uri.key.split("/")[1]] += 1
        return super().head(uri)

    def list(self, prefix):
        self.asked[([*prefix.key.split("/"), ""])[1]] += 1
        return super().list(prefix)


def refusing(row):
    return 400 if row == 2 else None


def made():
    return MemoryRun([4, 4], echoing(refusing), exported=False)


def published():
    run = made()
    driven(run)
    return run


def copied(run, names):
    """A store with a run of its own for each name, which all have the same steps."""
    objects = {}
    for name in names:
        for (bucket, key), found in run.store.world.objects.items():
            objects[bucket, key.replace("/run/", f"/{name}/")] = found
    run.store.world.objects = objects
    return CountingStore(run.store.world)


def test_a_published_run_takes_three_requests_however_long_its_ledger_is():
    store = copied(published(), [f"run-{number}" for number in range(40)])
    found = listed_runs(store, WORKSPACE)
    assert [run["status"] for run in found] == ["published"] * 40
    assert {store.asked[f"run-{number}"] for number in range(40)} == {3}


def test_what_the_ends_of_a_ledger_tell_is_what_all_of_it_tells(monkeypatch):
    store = CountingStore(published().store.world)
    short = listed_runs(store, WORKSPACE)
    monkeypatch.setattr(listing, "_published", lambda *_: None)
    assert listed_runs(store, WORKSPACE) == short


def test_a_run_that_was_cleaned_once_it_was_published_is_published():
    run = published()
    layout = RunLayout(WORKSPACE, "run")
    ledger = named_run(RUN, run.store).ledger
    with named_run(RUN, run.store).held() as (lease, _):
        ledger.load()
        ledger.hold(lease.epoch)
        ledger.append("cleaned", {})
    (found,) = listed_runs(CountingStore(run.store.world), layout.workspace)
    assert (found["status"], found["rows_dead_letter"]) == ("published", 1)


def test_of_a_run_that_was_given_up_no_job_is_in_flight():
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.in_flight))
    assert listed_runs(run.store, WORKSPACE)[0]["in_flight"] == 1
    found = named_run(RUN, run.store)
    with found.held() as (lease, _):
        found.ledger.load()
        found.ledger.hold(lease.epoch)
        found.ledger.append("cleaned", {})
    (listed,) = listed_runs(run.store, WORKSPACE)
    assert (listed["status"], listed["in_flight"]) == ("cleaned", 0)
    client = SimpleNamespace(describe_transform_job=lambda TransformJobName: {"TransformJobStatus": "Stopped"})
    access = SimpleNamespace(is_of_aws=True, session=lambda: None, client=lambda name: client)
    found = named_run(RUN, run.store)
    told = status(SimpleNamespace(access=access, run=lambda: (found, found.state)), pytest.fail)
    assert (told["cleaned"], told["wait_for"], told["jobs"][0]["status"]) == (True, [], "Stopped")


def test_a_run_that_this_program_trips_over_is_named_and_the_others_are_told(monkeypatch, capsys):
    store = copied(published(), ["good", "odd"])
    read = listing.run_at

    def tripping(layout, store):
        if layout.name == "odd":
            raise KeyError("a row's value")
        return read(layout, store)

    monkeypatch.setattr(listing, "_published", lambda *_: None)
    monkeypatch.setattr(listing, "run_at", tripping)
    by_place = {run["workspace"].rpartition("/")[2]: run for run in listed_runs(store, WORKSPACE)}
    assert (by_place["good"]["status"], by_place["odd"]["status"]) == ("published", "unreadable")
    assert "KeyError at test_listing.py" in by_place["odd"]["error"]
    assert "Traceback" in capsys.readouterr().err
    assert "a row's value" not in str(by_place)


ODD = b'{"seconds_by_step": {}, "status": {}, "report": null, "advice": []}'
NO_REPORTS = [b"5", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"seconds_by_step": {}}', ODD]


@pytest.mark.parametrize("words", NO_REPORTS)
def test_a_run_whose_report_is_none_is_told_by_its_ledger(words):
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.in_flight))
    seconds = json.dumps(json.loads(run.store.get(LAYOUT.status)[0])["seconds_by_step"]).encode()
    if words is ODD:
        words = words.replace(b'"seconds_by_step": {}', b'"seconds_by_step": ' + seconds)
    run.store.put(LAYOUT.status, words)
    assert listed_runs(run.store, WORKSPACE)[0]["status"] == "ended"


@pytest.mark.parametrize("report", [{"status": []}, {"status": "published", "output": 5}, {"run_id": 5}])
def test_a_published_run_whose_last_step_has_another_form_is_told_of(report):
    run = published()
    last = max(key for _, key in run.store.world.objects if "/ledger/" in key)
    place = S3Uri(WORKSPACE.bucket, last)
    step = decode(run.store.get(place)[0])
    payload = {"report": {**step.payload["report"], **report}}
    run.store.put(place, encode(replace(step, payload=payload)))
    runs = listed_runs(run.store, WORKSPACE)
    assert (runs[0]["status"], len(table_of_runs({"workspace": "w", "runs": runs}))) == ("unreadable", 5)
    assert "is of another form" in runs[0]["error"]


@pytest.mark.parametrize("number", [0, 5])
def test_a_published_run_that_has_lost_a_step_is_told_of(number):
    run = published()
    run.store.delete([LAYOUT.step(number)])
    (found,) = listed_runs(run.store, WORKSPACE)
    assert found["status"] == "unreadable"
    assert "ledger" in found["error"]


def test_an_interrupted_run_of_a_version_that_named_no_command_is_told_how_it_goes_on():
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.in_flight))
    said = json.loads(run.store.get(LAYOUT.status)[0])
    way = said.pop("next")
    run.store.put(LAYOUT.status, json.dumps(said).encode())
    found = named_run(RUN, run.store)
    report = recorded_report(found, found.state).report
    assert (report["status"], report["next"]) == ("interrupted", way)


@pytest.mark.parametrize("before", ["old", "an old one", "/somebody's", "it's an `old` one"])
def test_the_way_on_of_a_recorded_run_has_the_folder_of_the_emulator_that_is_given_now(monkeypatch, before):
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.in_flight))
    said = json.loads(run.store.get(LAYOUT.status)[0])
    option = shlex.quote(f"emulator.state={before}")
    said |= {"next": f"p resume {RUN} --set {option} --x", "ways": [f"To go on: p resume {RUN} --set {option}"]}
    run.store.put(LAYOUT.status, json.dumps(said).encode())
    monkeypatch.setenv("BATCH_TRANSFORM_ERRORS", "p errors s3://b/r --set 'emulator.state=/a new one'")
    found = named_run(RUN, run.store)
    report = recorded_report(found, found.state).report
    assert report["next"] == f"p resume {RUN} --set 'emulator.state=/a new one' --x"
    assert report["ways"] == [f"To go on: p resume {RUN} --set 'emulator.state=/a new one'"]
    monkeypatch.delenv("BATCH_TRANSFORM_ERRORS")
    assert recorded_report(found, found.state).report["next"] == said["next"]


def test_a_run_that_is_published_while_it_is_looked_at_is_published():
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.gate is not None))
    before = named_run(RUN, run.store)
    driven(run)
    assert before.state.report is None
    seen = recorded_report(before, before.state)
    assert (seen.report["status"], seen.state.report["rows_scored"]) == ("published", 7)


def test_a_run_that_others_go_on_with_at_each_look_is_looked_at_no_longer_than_some_times(monkeypatch):
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.staged is not None))
    before = named_run(RUN, run.store)
    load = before.ledger.load

    def again():
        driven(run, raising(Interrupted(2), lambda driver: True))
        return load()

    monkeypatch.setattr(before.ledger, "load", again)
    assert recorded_report(before, before.state).report["status"] in ("ended", "interrupted")
