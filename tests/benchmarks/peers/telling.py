"""The figures as Markdown, and as one JSON document."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.peers.measuring import DRIVER, JVM, OTHER, WORKER
from benchmarks.peers.warm_steps import RATIOS, TEXTBOOK
from benchmarks.peers.whole_runs import WholeRun


def _spread(values: Sequence[float]) -> str:
    median, least, most = (figure(values) for figure in (statistics.median, min, max))
    return f"{median:.1f} ({least:.1f} to {most:.1f})"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield _row(*heads)
    yield "|" + "---|" * len(heads)
    yield from (_row(*row) for row in rows)
    yield ""


def whole_runs(title: str, runs: dict[str, list[WholeRun]]) -> list[str]:
    """Returns the table of whole runs, where our time goes, and everybody's settings.

    Args:
        title: what was scored.
        runs: of each competitor, by its name.
    """
    heads = ["", "wall s (min to max)", "without start and end", "CPU s", "peak memory MB", "model server's CPU s"]
    rows = [_whole_row(name, each) for name, each in runs.items()]
    lines = [f"**Whole runs**, cold, {title}; medians of {max(map(len, runs.values()), default=0)} in turn:", ""]
    lines += _table(heads, rows)
    for name, each in runs.items():
        if each[0].seconds_by_step:
            lines += [f"Where the time of {name} goes:", "", *_where(each)]
    return lines + [f"- {name}: {each[0].settings}" for name, each in runs.items()] + [""]


def _whole_row(name: str, runs: Sequence[WholeRun]) -> list[str]:
    middle = {
        key: statistics.median(of(run) for run in runs)
        for key, of in {
            "work": lambda run: run.work_seconds,
            "cpu": lambda run: run.cost.cpu_seconds,
            "peak": lambda run: run.cost.peak_mb,
            "server": lambda run: run.server_seconds,
        }.items()
    }
    wall = _spread([run.cost.wall_seconds for run in runs])
    return [
        name,
        wall,
        f"{middle['work']:.1f}",
        f"{middle['cpu']:.1f}",
        f"{middle['peak']:.0f}",
        f"{middle['server']:.2f}",
    ]


def growth(runs: dict[str, dict[int, list[WholeRun]]]) -> list[str]:
    """Returns what a row takes in tables of more and more rows, and how far that is from what it takes in the first.

    Args:
        runs: of each competitor, by its name and the rows.
    """
    told = [
        (name, count, _spread([run.cost.wall_seconds for run in each]), _of_a_row(count, each))
        for name, of in runs.items()
        for count, each in of.items()
    ]
    first = {name: cells for name, _, _, cells in reversed(told)}
    heads = [*_of_a_row(1, [])]
    lines = ["**Growth**, whole runs, cold, in turn; medians:", ""]
    rows = [[name, f"{count:,}", wall, *(f"{cells[head]:.1f}" for head in heads)] for name, count, wall, cells in told]
    lines += _table(["", "rows", "wall s (min to max)", *heads], rows)
    lines += ["Times what it is for the first number of rows:", ""]
    times = [
        [name, f"{count:,}", *(f"{cells[head] / (first[name][head] or 1):.2f}" for head in heads)]
        for name, count, _, cells in told
    ]
    return lines + list(_table(["", "rows", *heads], times))


def _of_a_row(rows: int, runs: Sequence[WholeRun]) -> dict[str, float]:
    """Medians: microseconds of a row, of the whole, without start and end, of CPU; the peak of each kind of process."""
    told = {
        "us a row": [run.cost.wall_seconds / rows * 1e6 for run in runs],
        "without start and end": [run.work_seconds / rows * 1e6 for run in runs],
        "CPU us a row": [run.cost.cpu_seconds / rows * 1e6 for run in runs],
        **{f"{kind} MB": [run.cost.peaks_mb.get(kind, 0.0) for run in runs] for kind in (DRIVER, WORKER, JVM, OTHER)},
    }
    return {key: statistics.median(values or [0.0]) for key, values in told.items()}


def _where(runs: Sequence[WholeRun]) -> Iterator[str]:
    steps = {step: [run.seconds_by_step.get(step, 0.0) for run in runs] for step in runs[0].seconds_by_step}
    told = {"*before staging*": [run.start_seconds for run in runs], **steps}
    told["*the rest*"] = [run.cost.wall_seconds - run.work_seconds - run.start_seconds for run in runs]
    yield from _table(["step of the ledger", "seconds"], [(step, _spread(each)) for step, each in told.items()])


def warm_steps(told: Sequence[dict]) -> list[str]:
    """Returns the table of our steps beside their peers, and of the ratios.

    Args:
        told: as `warm_steps` prints it, of each table, format and way.
    """
    if not told:
        return []
    rounds = len(next(iter(told[0]["seconds"].values())))
    lines = [f"**Steps**, warm, objects on local disk; medians of {rounds} in turn, in seconds:", ""]
    names = list(dict.fromkeys(name for each in told for name in each["seconds"]))
    heads = ["table", "format", "by", *names]
    rows = [
        [*_whose(each), *(_spread(each["seconds"][n]) if n in each["seconds"] else "" for n in names)] for each in told
    ]
    lines += _table(heads, rows)
    for key, words in (("seconds", "Rates, ours over theirs"), ("cpu", "The same by CPU seconds of JVM and workers")):
        lines += [f"{words} (more is better):", ""]
        own = [[*_whose(each), *ratios(each[key]).values()] for each in told]
        lines += _table(["table", "format", "by", *RATIOS], own)
    return lines


def _whose(each: dict) -> list[str]:
    return [f"{each['table']}, {each['rows']:,} rows", each["format"], each["way"]]


def ratios(seconds: dict[str, list[float]]) -> dict[str, str]:
    """Returns each of RATIOS, of medians; '' where one of its steps was not done."""
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    told = {}
    for name, (theirs, ours) in RATIOS.items():
        known = medians.keys() >= {*theirs, *ours}
        told[name] = f"{sum(medians[n] for n in theirs) / sum(medians[n] for n in ours):.2f}" if known else ""
    return told


def settings_of_steps(cores: int) -> list[str]:
    """Returns what holds for the warm steps."""
    return [f"- one session, local[{cores}], spark.driver.memory=2g; {', '.join(TEXTBOOK)}: the textbook ways", ""]
