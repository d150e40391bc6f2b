"""Prints what it takes to find 20 bad rows on a model that fails at random, beside one that does not.

    python tests/benchmarks/flaky_models.py [--rows 1000] [--seeds 1] [--ways 400 500 document]

Each is a run of the driver's real loop in memory, over objects of 100 rows; the service's own retries are off. Counted
are rounds, objects of all jobs (tries and controls included) and rows that were sent again after the first round, means
of the seeds; a run that ended with exit code 4 is named. No good row may be given up.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from support.flaky_runs import STRATEGIES, WAYS, Ended, play

RATES = (0.0, 0.01, 0.1, 0.3, 0.6)


def line(way: str, strategy: str, rate: float, runs: list[Ended]) -> str:
    """Returns a line of the table.

    Raises:
        AssertionError: a good row was given up, or a bad one was not found.
    """
    assert not any(run.wrong for run in runs), f"{way}, {strategy}, {rate}: a good row was given up"
    assert all(run.stopped or run.found == run.bad for run in runs), f"{way}, {strategy}, {rate}: a bad row was scored"
    stopped = sum(bool(run.stopped) for run in runs)
    counts = [statistics.mean(getattr(run, name) for run in runs) for name in ("rounds", "objects", "again")]
    ended = f"{stopped} of {len(runs)}" if stopped else "none"
    return f"| {way} | {strategy} | {rate:.0%} | {counts[0]:.1f} | {counts[1]:,.0f} | {counts[2]:,.0f} | {ended} |"


def main() -> None:
    """Prints the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=["400", "500", "document"])
    asked = parser.parse_args()
    sys.stdout.write("| failing | strategy | at random | rounds | objects | rows sent again | exit code 4 |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    for way in asked.ways:
        for strategy in STRATEGIES:
            for rate in RATES:
                seeds = range(asked.seeds)
                runs = [play(rate, way, strategy, seed, asked.rows, invocations_max_retries=0) for seed in seeds]
                sys.stdout.write(line(way, strategy, rate, runs) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
