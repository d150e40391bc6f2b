"""Whether what a run is to publish is as `expect` says: looked at once it is merged, before publishing is recorded."""

from __future__ import annotations

from collections.abc import Sequence

from batch_transform.core.errors import UnexpectedPredictions
from batch_transform.core.expectations import Expectation, Previous, accepted, not_met, refusal, sentences
from batch_transform.core.run_state import RunState
from batch_transform.core.sql_calls import names_previous
from batch_transform.outputs.written_tables import WrittenTable
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.earlier_runs import latest_published
from batch_transform.pipeline.places import targets_of
from batch_transform.pipeline.remedies import going_on


def require_expected(ctx: RunContext, state: RunState) -> None:
    """Raises UnexpectedPredictions if it is known already that the predictions are not as expected."""
    found = state.expectations or ()
    if ctx.switches.accept_expectations or not not_met(found):
        return
    accept = going_on(ctx, "--accept-expectations", "accept_expectations=True")
    another = going_on(ctx, "--set 'expect=[...]'", "another `expect`")
    ways = (
        f"To publish these predictions, without scoring again: {accept}",
        f"To expect something else of them: {another}",
    )
    raise UnexpectedPredictions(refusal(found), ways)


def expectations(ctx: RunContext, state: RunState, tables: Sequence[WrittenTable]) -> list[Expectation]:
    """Returns what `expect` is found to be; what is known of these rows already is not looked at again.

    Args:
        ctx: of the run.
        state: of the run, which is gated.
        tables: that are merged already.
    """
    found = list(state.expectations or ())
    if state.expectations is None and state.settings.expect and not _is_committed(ctx, state):
        result = next((table for table in tables if table.kind == "result"), None)
        found = ctx.tables.measure(state, _previous(ctx, state), result)
        for line in sentences(found):
            ctx.tell("expect", line)
    return accepted(found) if ctx.switches.accept_expectations else found


def _is_committed(ctx: RunContext, state: RunState) -> bool:
    """Whether the result is there already, so that nothing can be held back."""
    return bool(state.intents) and ctx.tables.committed(state, state.config, "result") is not None


def _previous(ctx: RunContext, state: RunState) -> Previous | None:
    if not any(map(names_previous, state.settings.expect)):
        return None
    output = targets_of(ctx.config, ctx.places).named()["output"]
    return latest_published(ctx.store, ctx.places.layout, output)
