"""A ledger of many spans: each step writes what is its own, and the state is told by a few small objects."""

from __future__ import annotations

from benchmarks.ledger_scale import write

SPANS = 20_000


def test_each_steps_writes_grow_with_that_step_and_not_with_the_run(tmp_path):
    """One span in a hundred goes into the second round: its steps write a hundredth, give or take."""
    steps = list(write(tmp_path, SPANS))
    kinds = [kind for kind, _ in steps]
    second = kinds.index("planned", kinds.index("planned") + 1)
    first_round = sum(size for _, size in steps[kinds.index("planned") : second])
    second_round = sum(size for _, size in steps[second : kinds.index("gated")])
    assert 10 < first_round / SPANS < 200
    assert second_round < first_round / 20
    for kind in ("job_created", "job_ended"):
        assert all(size < 1000 for found, size in steps if found == kind)
