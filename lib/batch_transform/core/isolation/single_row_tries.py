"""How many objects each single row of a round becomes, and how many controls go beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from batch_transform.core.isolation.error_classes import ErrorClass, Remedy
from batch_transform.core.isolation.evidence import LEAST_TRIES, Rate, tries_for, weight_needed
from batch_transform.core.isolation.open_spans import Move, OpenSpan
from batch_transform.core.isolation.tries_needed import Chosen, at_once, choose, most_repeats

# What a span becomes: rows, and as how many objects they are sent; 0: not in this round.
Pieces = list[tuple[int, int]]
# Spans of a lane and a payload are one job.
Lane = tuple[str, int]
# Where no number of tries is enough, since nothing good is known that could be sent beside them.
_BLIND = Chosen(6, 0)
_FEW = 32


@dataclass(frozen=True)
class Known:
    """What is known as a round is planned.

    Attributes:
        rows: of the run.
        good_rows: scored so far.
        bad_rows: given up so far.
        run: how often good requests failed.
        rows_alone: rows that were sent alone.
        repeats: how often such a row was sent once more.
        plan: its number.
        accepted: rows that may end without a prediction.
    """

    rows: int = 0
    good_rows: int = 0
    bad_rows: int = 0
    run: Rate = field(default_factory=Rate)
    rows_alone: int = 0
    repeats: int = 0
    plan: int = 1
    accepted: int = 0

    @property
    def room(self) -> int:
        """Repeats of single rows that the run may still pay for."""
        return most_repeats(self.rows, self.accepted) - self.repeats

    @property
    def bad_share(self) -> float:
        """The share of bad rows, never 0 or 1."""
        return (self.bad_rows + 1) / (self.good_rows + self.bad_rows + 2)


def is_tried_to_the_end(span: OpenSpan) -> bool:
    """Returns whether the rows of a failed span are tried to the end in the round in which they first stand alone.

    That is where its class speaks of the record: one more round is not to be paid for what is hardly in doubt.
    """
    return span["error_class"] is not None and ErrorClass(span["error_class"]).remedy is Remedy.ISOLATE


def likely_tries(known: Known, rows: int) -> int:
    """Returns how many tries a row will likely need of which many come to stand alone, before they are counted."""
    needed = weight_needed(known.rows, min(rows, 1000), known.plan)
    return tries_for(round(needed, 3), known.run, 100, 0) or _BLIND.tries


def with_tries(
    spans: list[OpenSpan], cut: dict[int, Pieces], known: Known
) -> tuple[dict[int, Pieces], dict[Lane, int]]:
    """Returns the pieces with as many objects for each single row as it is to be tried, and the controls of each lane.

    Args:
        spans: open (open_spans.OPEN_SCHEMA).
        cut: what each of them becomes, in one object each.
        known: so far.
    """
    lanes: dict[Lane, list[OpenSpan]] = {}
    for span in spans:
        if span["start"] in cut and any(rows == 1 for rows, _ in cut[span["start"]]):
            lanes.setdefault((span["lane"], span["payload_mb"]), []).append(span)
    cut, controls = dict(cut), {}
    for lane, of_lane in lanes.items():
        suspects = _Suspects(of_lane, cut, known)
        if suspects.count:
            cut |= suspects.tried()
            controls[lane] = suspects.chosen.controls
        elif suspects.are_there and known.good_rows:
            # They would be alone in the job, and none of them any wiser after any number of such jobs.
            controls[lane] = _FEW
    return cut, controls


def _has_yet_to_be_sent(span: OpenSpan) -> bool:
    """Whether an untried row has an object of its own: sent again on request, it is sent once like any other."""
    return bool(span["whole"] and span["move"] == Move.AGAIN.value)


class _Suspects:
    """The single rows of a job that may be bad: some have failed alone, others come to stand alone."""

    def __init__(self, spans: list[OpenSpan], cut: Mapping[int, Pieces], known: Known) -> None:
        self._cut, self._known = cut, known
        # What failed through no fault of a row is sent again as it is.
        failed = [span for span in spans if span["error_class"] and ErrorClass(span["error_class"]).counts]
        suspects = [span for span in failed if span["tries"] or not _has_yet_to_be_sent(span)]
        self._fresh = [span for span in suspects if not span["tries"]]
        self._tried = [span for span in suspects if span["tries"]]
        self.are_there = bool(suspects)
        # Many rows that failed where nothing was scored were hardly tried at all: they are each other's controls.
        if sum(not span["weight"] for span in self._tried) > _FEW:
            self._tried = [span for span in self._tried if span["weight"]]
        self._singles = sum(rows == 1 for span in self._fresh for rows, _ in cut[span["start"]])
        self.count = len(self._tried) + self._singles
        self._needed = weight_needed(known.rows, known.rows_alone + self._singles, known.plan)
        most = max([self._needed] * bool(self._singles) + [self._left(span) for span in self._tried], default=0.0)
        chosen = choose(self.count, most, known.run, self._good, has_controls=known.good_rows > 0)
        self.chosen = chosen or _BLIND

    @property
    def _good(self) -> int:
        # A span failed for one row of it, as a rule: half of those that it is split into are surely good. Of lines
        # that could not be read nothing of the kind is known.
        split = [span for span in self._fresh if span["move"] == Move.SPLIT.value]
        return sum(rows == 1 for span in split for rows, _ in self._cut[span["start"]]) // 2

    def _left(self, span: OpenSpan) -> float:
        return max(0.0, self._needed - (span["weight"] or 0.0))

    def _needs(self, span: OpenSpan) -> int:
        tries = tries_for(round(self._left(span), 3), self._known.run, self._good, self.chosen.controls)
        least = max(1, LEAST_TRIES - int(span["tries"] or 0))
        return max(least, min(tries or self.chosen.tries, self.chosen.tries))

    def tried(self) -> dict[int, Pieces]:
        """Returns the pieces of all spans of the job, each single row in as many objects as it is tried."""
        known, rate = self._known, self._known.run.bound
        needs = {span["start"]: self._needs(span) for span in self._tried}
        batch = 1
        if needs:
            # Of the rows that were tried alone so many good ones would have failed each time; the others are bad.
            tries = max(1, min(span["tries"] or 0 for span in self._tried))
            unlucky = known.rows_alone * known.run.likely**tries
            bad = max(known.bad_share, 1 - unlucky / len(needs))
            batch = at_once(len(needs), max(needs.values()), rate, bad, known.room) or 1
        pieces = {start: [(1, min(need, batch))] for start, need in needs.items()}
        own = [span for span in self._fresh if is_tried_to_the_end(span)]
        return pieces | self._of(own, to_the_end=True) | self._of([s for s in self._fresh if s not in own])

    def _of(self, spans: list[OpenSpan], *, to_the_end: bool = False) -> dict[int, Pieces]:
        singles = sum(rows == 1 for span in spans for rows, _ in self._cut[span["start"]])
        tries = max(LEAST_TRIES, self.chosen.tries)
        if singles and not (to_the_end and singles * (tries - 1) <= self._known.room / 2):
            # An object failed for one row of it, as a rule; a line that could not be read stands for itself.
            failures = len({span["object"] if span["lines"] is None else span["start"] for span in spans})
            bad = min(0.5, max(self._known.bad_share, failures / singles))
            # The first of each is no repeat.
            tries = at_once(singles, tries, self._known.run.bound, bad, self._known.room / 2 + singles) or 1
        return {
            span["start"]: [(rows, tries if rows == 1 and count else count) for rows, count in self._cut[span["start"]]]
            for span in spans
        }
