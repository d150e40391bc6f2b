"""What was seen of a run so far: a fold over its events, each with its time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from batch_transform.core.events import Event, EventKind, Figures
from batch_transform.core.progress.event_lines import END, ERROR


@dataclass(frozen=True)
class StepSeen:
    """A step of a run, all the times it was done together.

    Attributes:
        name: of the step.
        seconds: for which it was done, the last time apart if it goes on.
        began: when it last began; None: it does not go on.
        text: what was last told of it.
        is_cut: whether an error, or a person, has ended it.
    """

    name: str
    seconds: float = 0.0
    began: float | None = None
    text: str = ""
    is_cut: bool = False

    def took(self, now: float) -> float:
        """Returns the seconds for which it was done until now."""
        return self.seconds + (now - self.began if self.began is not None else 0.0)


@dataclass(frozen=True)
class View:
    """What was seen of a run.

    Attributes:
        began: when it was first looked at, in seconds of whatever clock, as are all times.
        steps: in the order in which they first began.
        figures: the latest.
        figures_at: when they were told.
        scoring_since: when the first job was seen in flight by whoever looks.
        bytes_before: that were done then.
        scored_at: when objects were last seen to be done.
        over_at: when nothing went on any more; None: something does.
    """

    began: float
    steps: tuple[StepSeen, ...] = ()
    figures: Figures | None = None
    figures_at: float = 0.0
    scoring_since: float | None = None
    bytes_before: int = 0
    scored_at: float | None = None
    over_at: float | None = None

    @property
    def current(self) -> StepSeen | None:
        """The step that goes on."""
        return next((step for step in self.steps if step.began is not None), None)

    def step(self, name: str) -> StepSeen | None:
        """Returns the step of that name, if it was seen."""
        return next((step for step in self.steps if step.name == name), None)


def seen(view: View, event: Event, at: float) -> View:
    """Returns the view after one more event."""
    if event.kind is EventKind.BEGINS:
        return _begun(view, event.step, at)
    if event.kind is EventKind.FIGURES:
        return view if event.figures is None else _measured(view, event.figures, at)
    return _told(view, event)


def ended(view: View, at: float) -> View:
    """Returns the view once nothing goes on any more."""
    return replace(_between(view, at), over_at=at)


def _between(view: View, at: float) -> View:
    """The view once its step has ended."""
    return replace(view, steps=tuple(_closed(step, at) for step in view.steps))


def _begun(view: View, name: str, at: float) -> View:
    closed = replace(_between(view, at), over_at=None)
    if view.step(name) is None:
        return replace(closed, steps=(*closed.steps, StepSeen(name, began=at)))
    again = tuple(replace(step, began=at, is_cut=False) if step.name == name else step for step in closed.steps)
    return replace(closed, steps=again)


def _closed(step: StepSeen, at: float) -> StepSeen:
    return replace(step, seconds=step.took(at), began=None)


def _measured(view: View, figures: Figures, at: float) -> View:
    more = figures.bytes_done - view.figures.bytes_done if view.figures is not None else 0
    if more < 0:  # a job was stopped: what it had done is to be done
        view = replace(view, scoring_since=None, scored_at=None)
    new = replace(view, figures=figures, figures_at=at, scored_at=at if more > 0 else view.scored_at)
    if view.scoring_since is None and figures.jobs_in_flight:
        return replace(new, scoring_since=at, bytes_before=figures.bytes_done)
    return new


def _told(view: View, event: Event) -> View:
    """What is told of a step is seen beside it; what is told of none that was seen, is told and not seen."""
    if event.step in (END, ERROR):
        return replace(
            view, steps=tuple(replace(step, is_cut=step.is_cut or step.began is not None) for step in view.steps)
        )
    steps = tuple(replace(step, text=event.text) if step.name == event.step else step for step in view.steps)
    return replace(view, steps=steps)
