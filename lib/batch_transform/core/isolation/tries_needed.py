"""How often rows are tried alone in the next job, and beside how many controls. Pure arithmetic.

`evidence` says what a failed try weighs, so how many a row needs follows from how often good requests fail. They
are objects of one job, as many at once as the costs of `splitting` ask: where nothing is flaky all of them, since
another round costs more; where many rows have only been unlucky, first as many as sort most of them out. A row whose
span was refused with a class that speaks of the record itself is tried to the end in the very round in which it first
stands alone, so that it costs no round more than if one refusal were believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from batch_transform.core.amounts import counted
from batch_transform.core.isolation.evidence import LEAST_TRIES, MAX_TRIES, Rate, tries_for
from batch_transform.core.isolation.splitting import Costs

# So many repeats of rows sent alone are paid for in any run, and as many as it has rows; and for each row that may end
# in the dead letters about as many as it takes where the model is not flaky.
FREE_REPEATS, REPEATS_OF_A_BAD_ROW = 10_000, 6
_COSTS = Costs()
# A try of a row that is likely bad runs into time-outs and retries; a control does not.
_TRIES_OVER_CONTROLS = 4
_CONTROLS = (0, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Chosen:
    """Tries that rows need in one job, and the controls beside them."""

    tries: int
    controls: int


def choose(rows: int, weight: float, run: Rate, good: float, *, has_controls: bool) -> Chosen | None:
    """Returns the fewest objects with which `rows` rows, that need so much weight, can be given up after one job.

    Returns None where that takes more than MAX_TRIES.

    Args:
        rows: that are tried.
        weight: that the one needs which needs most.
        run: how often good requests failed so far.
        good: how many of the rows are good, at least.
        has_controls: whether there is a row that was scored.
    """
    found = []
    for controls in _CONTROLS if has_controls else _CONTROLS[:1]:
        tries = tries_for(round(weight, 3), run, good, controls)
        if tries is not None:
            found.append(Chosen(tries, controls))
    return min(found, key=lambda it: (_TRIES_OVER_CONTROLS * rows * it.tries + it.controls, it.tries), default=None)


def at_once(rows: int, tries: int, rate: float, bad: float, room: float) -> int:
    """Returns how many of `tries` tries of each row to send in the next job; 0: there is no room for what is needed.

    The rest is sent in later rounds, for those rows alone that failed each time. The cheapest way is found backwards
    from the last try; objects are made dearer until their expected number has room.

    Args:
        rows: to be tried.
        tries: that each needs, at least 1.
        rate: at which good requests fail.
        bad: the share of the rows that is bad.
        room: objects that may be sent.
    """
    left = [rows * (bad + (1 - bad) * rate**done) for done in range(tries)]
    for dearer in (1.0, 4.0, 16.0, 64.0, 256.0, math.inf):
        first, objects = _cheapest(left, 0.0 if math.isinf(dearer) else _COSTS.round_seconds / dearer)
        if objects <= room:
            return first
    return 0


def _cheapest(left: list[float], round_seconds: float) -> tuple[int, float]:
    """The tries of the first batch, and the objects of all batches."""
    tries = len(left)
    best: list[tuple[float, float, int]] = [(0.0, 0.0, 0)] * (tries + 1)
    for done in reversed(range(tries)):
        ways = []
        for batch in range(1, tries - done + 1):
            seconds, objects, _ = best[done + batch]
            sent = left[done] * batch
            another = round_seconds * min(1.0, left[done])
            ways.append((seconds + another + sent * _COSTS.object_seconds, objects + sent, batch))
        best[done] = min(ways)
    return best[0][2], best[0][1]


def most_repeats(rows: int, accepted: int) -> int:
    """Returns how many repeats of rows sent alone a run may pay for.

    Args:
        rows: of the run.
        accepted: of them that may end without a prediction, as `errors` says.
    """
    return max(rows, FREE_REPEATS, REPEATS_OF_A_BAD_ROW * accepted)


def flaky(rows: int, weight: float, done: int, run: Rate, room: float, classes: Iterable[str]) -> str | None:
    """Returns why rows that are not settled cannot be, if that takes too many tries; None: they can be.

    Args:
        rows: of them.
        weight: that is still needed, for the one that needs most.
        done: tries of that one.
        run: how often good requests failed so far.
        room: repeats that are left.
        classes: how the rows failed last.
    """
    chosen = choose(rows, weight, run, 0, has_controls=True)
    tries = max(LEAST_TRIES - done, chosen.tries) if chosen else None
    unsure = f"the model is flaky: {run.words}. " if run.failed >= 1 else ""
    told = f"To tell {counted(rows, 'row')} that failed alone ({', '.join(sorted(set(classes)))}) from unlucky ones,"
    if tries is None or done + tries > MAX_TRIES:
        why = unsure or "little else was scored in the same jobs. "
        return f"{why}{told} each would have to be tried more than {MAX_TRIES} times; none of them is given up"
    if not at_once(rows, tries, run.bound, 0.0, room):
        return (
            f"{unsure}{told} more repeats of single rows would be needed than a run may pay for; none of them is given "
            "up. Where so many rows are bad, accept as many (errors.max_fraction), leave them out (input.where), or "
            "let the model answer for them"
        )
    return None
