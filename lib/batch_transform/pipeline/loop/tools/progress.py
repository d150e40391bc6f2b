"""How far a run is, told while it goes on: steps that begin, figures, outputs that are listed while jobs run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batch_transform.core.errors import BatchTransformError
from batch_transform.core.events import Event, EventKind
from batch_transform.core.progress.figures import figures_of, objects_in
from batch_transform.core.progress.screen import SCORE
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.state import actions as act
from batch_transform.pipeline.context import RunContext

# What a person calls what is done; what is not named here goes by in a moment.
_STEPS: dict[type[Any], str] = {
    act.Stage: "stage",
    act.Export: "export",
    act.Plan: "plan",
    act.Replan: "plan",
    act.Create: SCORE,
    act.Await: SCORE,
    act.Infer: "infer",
    act.Judge: "reconcile",
    act.Reconcile: "reconcile",
    act.Gate: "gate",
    act.Intend: "gate",  # which may hold the rows back; the merge begins once it has not (`begin_merge`)
    act.Publish: "publish",
}
_TOLD_SECONDS = 1.0
# A page of ListObjectsV2 has a thousand objects. More pages are not asked for a picture, nor more often than this.
_MOST_OBJECTS, _MOST_LISTINGS = 2_000, 100
# The time until the next listing grows by this share of the time since the first: a job of a day is not asked for more
# often than one of an hour.
_GROWTH = 0.1


def begin(ctx: RunContext, state: RunState, action: type[Any]) -> None:
    """Tells that a step begins, if it is another than the one before, and how far the run is then."""
    if (step := _STEPS.get(action)) is not None:
        _begin(ctx, state, step)


def begin_merge(ctx: RunContext, state: RunState) -> None:
    """Tells that nothing holds the rows back that are merged now."""
    _begin(ctx, state, "merge")


def _begin(ctx: RunContext, state: RunState, step: str) -> None:
    if step == ctx.progress.step:
        return
    ctx.progress.step = step
    _tell_figures(ctx, state, ctx.clock.monotonic())
    ctx.listener(Event(step, kind=EventKind.BEGINS))


def measure(ctx: RunContext, state: RunState) -> None:
    """Tells how far the run is, unless that was told a moment ago."""
    now = ctx.clock.monotonic()
    if now - ctx.progress.told_at >= _TOLD_SECONDS:
        _tell_figures(ctx, state, now)


def tell_end(ctx: RunContext, state: RunState, seconds: float | None) -> None:
    """Tells how far the run is at its end, with what the driver has taken."""
    _tell_figures(ctx, state, ctx.clock.monotonic(), seconds)


def _tell_figures(ctx: RunContext, state: RunState, now: float, seconds: float | None = None) -> None:
    shown = ctx.progress
    shown.told_at = now
    flown = {job.name: now - shown.flying.setdefault(job.name, now) for job in state.in_flight}
    figures = figures_of(state, shown.listed, flown, ctx.region)
    ctx.listener(Event("figures", kind=EventKind.FIGURES, figures=replace(figures, seconds=seconds)))


def look_at_outputs(ctx: RunContext, state: RunState, job: JobRecord) -> None:
    """Counts what a job that is at work has put so far, where that may be seen, and tells how far the run is.

    Whether AWS shows an output before its job has ended is not confirmed (transform_emulator/FACTS.md): where it does
    not, what is told moves when a job ends. S3 is asked less than once for an object, and never for one of a single
    object; where it does not answer, it is not asked again.
    """
    now, listings = ctx.clock.monotonic(), ctx.progress.listings.setdefault(job.name, [])
    objects = objects_in(job)
    most = 0 if objects > _MOST_OBJECTS else min(objects - 1, _MOST_LISTINGS)
    is_due = not listings or now - listings[-1] >= _GROWTH * (now - listings[0])
    if len(listings) < most and is_due:
        listings.append(now)
        try:
            folder = ctx.places.layout.outputs.join(job.name)
            others = {f"{name}.out" for name in job.controls}
            names = (found.key.rpartition("/")[2] for found in ctx.store.list(folder))
            ctx.progress.listed[job.name] = sum(name not in others for name in names)
        except BatchTransformError:
            listings.extend([now] * most)
    measure(ctx, state)
