"""Before each Create: whether the model is the one that the run was begun with (`core.state.model_versions`)."""

from __future__ import annotations

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.model_identity import ModelIdentity, model_changes
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.state.model_versions import has_scored, known_model, may_be_another
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.tools.bounds import insisted
from batch_transform.pipeline.remedies import going_on
from batch_transform.sagemaker.model_lookup import ModelFound, ModelGone


def look_at_model(ctx: RunContext, state: RunState, job: JobRecord) -> NewStep | None:
    """Returns the step `model_recorded`, if there is something to record before the job is created.

    Args:
        ctx: of the run.
        state: the run.
        job: that is to be created.

    Raises:
        ServiceFailure: the model is another one than scored before, or gone, and the job was never created.
    """
    name = str(job.request["ModelName"])
    known = known_model(state)
    try:
        found = insisted(ctx, lambda: ctx.models.look(name, state.nonce))
    except ModelGone as err:
        if insisted(ctx, lambda: ctx.jobs.is_there(job.request)):
            return None  # it was created while the model was there, and is adopted
        where = "if it is in another account or region, go on with those (aws.region, aws.sagemaker)"
        raise ServiceFailure(f"{err}. {_kept(state)}. The run goes on when the model is back; {where}") from err
    if found.identity is None:
        return _unknown(ctx, state, name, found)
    changes = model_changes(known, found.identity) if known else []
    if (known and not changes) or (changes and insisted(ctx, lambda: ctx.jobs.is_there(job.request))):
        return None
    if changes and not may_be_another(state):
        raise ServiceFailure(_refusal(ctx, state, found.identity, changes))
    if changes:
        ctx.tell("model", f"{name} is another model than before: {'; '.join(changes)}")
    return _recorded(ctx, found.identity, accepted=bool(changes) and has_scored(state))


def _unknown(ctx: RunContext, state: RunState, name: str, found: ModelFound) -> NewStep | None:
    """Says that the model cannot be looked at, once in a run's life: that is not forbidden."""
    if not found.trouble or (state.models and state.models[-1].identity is None):
        return None
    ctx.tell(
        "model",
        f"warning: DescribeModel {name} is refused ({found.trouble}), so a model that changes between two rounds is "
        "not seen",
    )
    return _recorded(ctx, None, accepted=False)


def _recorded(ctx: RunContext, identity: ModelIdentity | None, *, accepted: bool) -> NewStep:
    document = identity.to_document() if identity else None
    at = ctx.clock.now().isoformat()
    return NewStep(StepKind.MODEL_RECORDED, {"identity": document, "accepted": accepted, "at": at})


def _kept(state: RunState) -> str:
    return f"Nothing more was created, and what was scored ({counted(state.rows_scored, 'row')}) is kept"


def _refusal(ctx: RunContext, state: RunState, now: ModelIdentity, changes: list[str]) -> str:
    return (
        f"the model {now.name} is not the one that has scored rows of this run, and a table of both would not say so: "
        f"{'; '.join(changes)}. {_kept(state)}. The run goes on when the model is as it was; or with the model as it "
        "is now, which prediction.provenance then tells row by row: "
        f"{going_on(ctx, '--accept-model', 'accept_model=True')}"
    )
