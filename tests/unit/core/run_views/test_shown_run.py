"""What `show` prints of the rounds and jobs of a run."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ErrorBudgetExceeded
from batch_transform.core.publishing.report import run_report
from batch_transform.core.run_views.shown_run import lines_of_run, shown_run
from batch_transform.core.statuses import RunStatus
from support.memory_run import RUN, MemoryRun, echoing

ROWS = 4


def shown(state):
    return lines_of_run(shown_run(state, run_report(state, RunStatus.PUBLISHED, str(RUN)), None), state)


def of_rounds(lines):
    """The rows of the table of rounds, and what stands below it."""
    place = next(place for place, line in enumerate(lines) if line.startswith("ROUND "))
    return lines[place + 1 : lines.index("", place)]


def test_rows_that_are_counted_in_two_rounds_are_told():
    """Else they would add up to more than there are."""
    refused = {1}
    run = MemoryRun([ROWS], echoing(lambda row: 400 if row in refused else None), errors={})
    with pytest.raises(ErrorBudgetExceeded):
        run.to_the_end()
    assert not any("sent once more" in line for line in shown(run.state()))
    refused.clear()
    *rounds, note = of_rounds(shown(run.to_the_end(retry_dead=True)))
    scored, dead = (sum(int(line.split()[column]) for line in rounds) for column in (2, 3))
    assert (scored + dead, note) == (ROWS + 1, "1 row sent once more: counted in each of these rounds")


def test_jobs_tell_their_lanes_where_these_are_several():
    state = MemoryRun([ROWS], echoing(lambda row: None)).to_the_end()
    found = shown_run(state, run_report(state, RunStatus.PUBLISHED, str(RUN)), None)
    assert not any("RECORDS" in line for line in lines_of_run(found, state))
    several = {**found, "jobs": [found["jobs"][0], {**found["jobs"][0], "lane": "oversize"}]}
    assert sum("standard" in line or "oversize" in line for line in lines_of_run(several, state)) == 2
