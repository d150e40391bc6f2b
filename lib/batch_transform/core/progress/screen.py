"""What a view of a run looks like: the parts of a live display, or one line for where there is none. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batch_transform.core import amounts
from batch_transform.core.amounts import counted, duration
from batch_transform.core.events import Event, EventKind, Figures
from batch_transform.core.progress.view import StepSeen, View

SCORE = "score"
# A person should still see it at the end, though a step is called so.
_KEPT = ("infer",)
_LEAST_RATE_SECONDS = 1.0


@dataclass(frozen=True)
class StepLine:
    """A step on the screen: its name, whether it goes on, what is told of it, for how long it was done.

    One that was cut short is not done. Of one with failures the run goes on all the same.
    """

    name: str
    is_on: bool
    text: str
    took: str
    is_cut: bool
    has_failures: bool


@dataclass(frozen=True)
class Screen:
    """What a live display shows.

    Attributes:
        title: the run, its round, the time.
        steps: from the first.
        done: objects that are done, and how many there are; None: no job was created yet.
        facts: a line each, below the bar.
    """

    title: str
    steps: tuple[StepLine, ...]
    done: tuple[int, int] | None
    facts: tuple[str, ...]


def screen(view: View, now: float) -> Screen:
    """Returns what a display shows of a view at a time."""
    figures = view.figures
    title = [figures.run_id if figures else "batch-transform"]
    title += [f"round {figures.round}"] if figures and figures.round else []
    title += [_elapsed(view, now)]
    done = (figures.objects_done, figures.objects) if figures and figures.objects else None
    facts = (_of_rows(view, figures, now), _of_jobs(figures)) if figures and figures.rows is not None else ()
    return Screen(
        " · ".join(title), tuple(_line(view, step, now) for step in view.steps), done, tuple(filter(None, facts))
    )


def done_of(done: int, objects: int) -> str:
    """Returns what is said of the objects that are done, among those that all jobs so far were sent."""
    return f"{done:,} of {counted(objects, 'object')} sent"


def line(view: View, now: float) -> str:
    """Returns what one line says of a view at a time."""
    figures, step = view.figures, view.current
    parts = [_elapsed(view, now)]
    parts += [f"{step.name} for {clock(step.took(now))}"] if step else []
    if figures is not None and figures.rows is not None:
        parts += [f"round {figures.round}"] if figures.round else []
        parts += [done_of(figures.objects_done, figures.objects)] if figures.objects else []
        parts += filter(None, (_of_rows(view, figures, now), _of_jobs(figures)))
    return " · ".join(parts)


def is_kept(view: View, event: Event) -> bool:
    """Returns whether what an event tells stays on the terminal, above a display: it is of no step that is shown."""
    return event.kind is EventKind.TOLD and (event.step in _KEPT or view.step(event.step) is None)


def clock(seconds: float) -> str:
    """Returns a time as a clock shows it: 0:07, 1:04, 1:02:03."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def seconds_left(view: View, now: float) -> float | None:
    """Returns for how long the jobs that were created go on, by what was done so far; None: nobody knows."""
    figures, rate = view.figures, bytes_per_second(view)
    if figures is None or not figures.jobs_in_flight or not rate:
        return None
    return max(0.0, (figures.bytes - figures.bytes_done) / rate - (now - view.figures_at))


def bytes_per_second(view: View) -> float | None:
    """Returns how fast records were scored, until the last object that was seen to be done; None: none was."""
    if view.figures is None or view.scoring_since is None or view.scored_at is None:
        return None
    seconds = max(_LEAST_RATE_SECONDS, view.scored_at - view.scoring_since)
    return (view.figures.bytes_done - view.bytes_before) / seconds


def cost(view: View, now: float) -> float | None:
    """Returns what the run has cost until now, in US dollars: the jobs in flight by their time; None: unknown."""
    figures = view.figures
    if figures is None or figures.cost_usd is None:
        return None
    return figures.cost_usd + figures.usd_in_flight + figures.usd_per_hour * max(0.0, now - view.figures_at) / 3600


def _line(view: View, step: StepSeen, now: float) -> StepLine:
    has_failures = step.name == SCORE and view.figures is not None and _has_failures(view.figures)
    return StepLine(step.name, step.began is not None, step.text, clock(step.took(now)), step.is_cut, has_failures)


def _has_failures(figures: Figures) -> bool:
    """Whether jobs have failed, and rows with them that are not scored yet, or never."""
    return bool(figures.jobs_failed and (figures.rows_failed or figures.rows_dead))


def _elapsed(view: View, now: float) -> str:
    """How long it takes; at its end in the very words of the report, if there is one."""
    took = view.figures.seconds if view.figures else None
    if took is None and view.over_at is not None:
        took = view.over_at - view.began
    return f"{clock(now - view.began)} elapsed" if took is None else f"took {duration(took)}"


def _of_rows(view: View, figures: Figures, now: float) -> str:
    return " · ".join(_rows(view, figures, now))


def _rows(view: View, figures: Figures, now: float) -> Iterator[str]:
    assert figures.rows is not None
    settled, rows = figures.rows_scored + figures.rows_dead, counted(figures.rows, "row")
    if settled or (figures.rows_failed and not figures.jobs_in_flight):
        dead = f", {figures.rows_dead:,} without a prediction" if figures.rows_dead else ""
        yield f"{figures.rows_scored:,} of {rows} scored{dead}"
    elif figures.objects:  # what is counted only when jobs have ended
        yield f"about {figures.rows * figures.objects_done // figures.objects:,} of {rows}"
    else:
        yield rows
    if rate := bytes_per_second(view):
        yield f"{rate / 1e6:,.1f} MB/s" if rate >= 50_000 else f"{rate / 1e3:,.1f} kB/s"
    if (left := seconds_left(view, now)) is not None:
        yield f"about {clock(left)} left"
    amount = cost(view, now)
    if amount:
        yield amounts.cost(amount, emulated=figures.emulated)


def _stopping(figures: Figures) -> str:
    if not figures.jobs_stopping:
        return ""
    are_all = figures.jobs_stopping == figures.jobs_in_flight
    return ", asked to stop" if are_all else f", {figures.jobs_stopping:,} of them asked to stop"


def _of_jobs(figures: Figures) -> str:
    failed = f", {figures.jobs_failed:,} of them with failures" if figures.jobs_failed else ""
    parts = [f"{figures.jobs_ended:,} of {counted(figures.jobs, 'job')} ended{failed}"] if figures.jobs else []
    parts += [f"{figures.jobs_in_flight:,} in flight{_stopping(figures)}"] if figures.jobs_in_flight else []
    if figures.rows_failed:
        of = ":" if figures.rows_failed == 1 else ", most of all"
        most = f"{of} {figures.failed_most}" if figures.failed_most else ""
        parts.append(f"{counted(figures.rows_failed, 'row')} failed{most}")
    return " · ".join(parts)
