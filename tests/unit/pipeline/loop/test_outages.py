"""A model's server that is not there for a while says nothing about rows: what it left is sent again as it was.

The server goes away in the midst of a job; the job after it finds nobody who answers a ping, which ends the run;
whoever resumes finds it back.
"""

from __future__ import annotations

import json
from itertools import count

import pytest

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ServiceFailure
from support.memory_run import MemoryRun, all_rows

SIZES = [400, 400, 400]
NO_WORDS = ["drop", 503]  # nobody at the port; a proxy with nobody behind it


class Server:
    """Answers so many requests, and then none until it is `back`; rows in `kills` end it whenever they come."""

    def __init__(self, way, answers, kills=()):
        self.way, self.answers, self.kills, self.back = way, answers, kills, False
        self._seen = count()

    def __call__(self, records):
        ids = [json.loads(record)["id"] for record in records]
        if not self.kills and not self.back and next(self._seen) >= self.answers:
            return self.way
        if not self.back and not set(ids).isdisjoint(self.kills):
            return self.way
        return [json.dumps({"echo": row}).encode() for row in ids]


def begun(way, answers, befalls=(None, "ping"), **options):
    """A run that the outage has ended, and its server, which is back."""
    server = Server(way, answers)
    run = MemoryRun(SIZES, server, transform={"invocations_max_retries": 0}, **options)
    run.service.job_faults.extend(befalls)
    with pytest.raises(ServiceFailure, match="the model never answered"):
        run.to_the_end()
    server.back = True
    return run, server


def of_many_rows(run):
    """The objects of more than one row that jobs were sent, each once."""
    return {name for name in run.service.sent if name.split("-")[1] != "1"}


@pytest.mark.parametrize("way", NO_WORDS)
@pytest.mark.parametrize("answers", range(len(SIZES)))
def test_what_an_outage_left_is_sent_again_in_the_objects_that_it_had(way, answers):
    run, _ = begun(way, answers)
    state = run.to_the_end()
    assert len(set(run.service.sent)) == len(SIZES)
    assert run.outcomes(state) == {row: row for row in all_rows(SIZES)}


@pytest.mark.parametrize("way", NO_WORDS)
@pytest.mark.parametrize("answers", range(len(SIZES)))
def test_nobody_is_told_of_memory_or_load_after_an_outage(way, answers):
    run, _ = begun(way, answers)
    (told,) = run.to_the_end().report["advice"]
    assert told.startswith(f"{counted(len(SIZES) - answers, 'object')} failed at first and ")
    assert "unsplit" in told
    assert "memory" not in told


def test_a_server_that_is_away_from_the_beginning_costs_no_object():
    run, _ = begun("drop", 0, befalls=["ping"])
    run.to_the_end()
    assert len(run.service.sent) == len(SIZES)


def test_an_outage_whose_words_came_late_cuts_no_more_than_the_probe_did():
    """The job's reason alone blames the model, so single rows are to tell, and those find nobody either."""
    server = Server("drop", 0)
    run = MemoryRun(SIZES, server, transform={"invocations_max_retries": 0})
    run.service.logs_late = True
    run.service.job_faults.extend([None, "ping"])
    with pytest.raises(ServiceFailure):
        run.to_the_end()
    cut = run.state().last_round.open_spans
    server.back, run.service.sent = True, []
    state = run.to_the_end()
    assert len(run.service.sent) == cut < 100
    assert run.outcomes(state) == {row: row for row in all_rows(SIZES)}


def test_a_model_that_was_mended_gets_what_it_refused_as_it_was():
    """Every object was refused, then every single row of the probe: that was the model, whatever a row may be."""
    server = Server(400, 0)
    run = MemoryRun(SIZES, server)
    with pytest.raises(ServiceFailure, match="no record at all was scored"):
        run.to_the_end()
    cut = run.state().last_round.open_spans
    server.back, run.service.sent = True, []
    run.to_the_end()
    assert len(run.service.sent) == cut < 100


@pytest.mark.parametrize("way", NO_WORDS)
def test_a_model_that_never_answers_is_told_by_a_probe_before_anything_is_split(way):
    run = MemoryRun(SIZES, lambda records: way)
    with pytest.raises(ServiceFailure, match="no record at all was scored"):
        run.to_the_end()
    assert [record.is_probe for record in run.state().round_records] == [False, False, True]
    assert len(of_many_rows(run)) == len(SIZES)


@pytest.mark.parametrize("way", NO_WORDS)
def test_a_row_that_the_server_dies_of_is_found_all_the_same(way):
    bad = all_rows(SIZES)[450]
    server = Server(way, 0, kills=[bad])
    run = MemoryRun(SIZES, server)
    outcomes = run.outcomes(run.to_the_end())
    assert [row for row, outcome in outcomes.items() if outcome != row] == [bad]
