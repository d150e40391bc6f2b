"""Which model scored what in a run: the models that it was seen with, and which of them its jobs were created with.

| the model is | and so far | then |
|---|---|---|
| as it was recorded last | | the job is created |
| another one, or gone | the service knows the job already | the job is adopted: it was created with the recorded one |
| another one | nothing was scored or given up, and no job is in flight | it is recorded: nothing can be mixed |
| another one | a person has accepted what it is now | it is recorded, as accepted |
| another one, or gone | else | the run ends with exit code 4 |
| not to be looked at | | a warning, once, and the job is created |
"""

from __future__ import annotations

from dataclasses import replace

from batch_transform.core.ledger import JsonObject
from batch_transform.core.model_identity import ModelIdentity, ModelVersion, model_changes
from batch_transform.core.report_keys import ModelReport
from batch_transform.core.run_state import RunState


def known_model(state: RunState) -> ModelIdentity | None:
    """Returns what the model was when it was last known; None: it never was."""
    known = (version.identity for version in reversed(state.models) if version.identity is not None)
    return next(known, None)


def has_scored(state: RunState) -> bool:
    """Returns whether an answer of the model's counts, or may come to count."""
    return any(job.created for job in state.unsettled) or any(r.scored_rows + r.dead_rows for r in state.round_records)


def may_be_another(state: RunState) -> bool:
    """Returns whether the model may be another one than was recorded."""
    return state.accepts_model or not has_scored(state)


def model_recorded(state: RunState, payload: JsonObject) -> RunState:
    """Returns the state with a model that the jobs to come are created with.

    Raises:
        ValueError: it is another one than scored before, and nobody has accepted it.
    """
    found = payload["identity"]
    identity = None if found is None else ModelIdentity.from_document(found)
    known = known_model(state)
    if identity and known and model_changes(known, identity) and not may_be_another(state):
        raise ValueError(f"{identity.name} is another model than scored before, and was not accepted")
    version = ModelVersion(len(state.models) + 1, identity, payload.get("accepted", False), payload["at"])
    return replace(state, models=(*state.models, version), accepts_model=False)


def model_labels(state: RunState) -> dict[str, str]:
    """Returns for each job what provenance says of its model: its name, and which one where the run had several."""
    name = state.settings.model_name
    used = {job.model for job in state.jobs if job.model}
    if len(used) <= 1:
        return {job.name: name for job in state.jobs}
    labels = {v.number: f"{name}@{v.identity.label}" for v in state.models if v.identity is not None}
    return {job.name: labels.get(job.model or 0, name) for job in state.jobs}


def models_told(state: RunState) -> list[ModelReport]:
    """Returns the models of a run as a report says them: number, label, whether accepted, when, and their jobs."""
    return [
        {
            "version": version.number,
            "model": version.identity.label if version.identity else None,
            "accepted": version.accepted,
            "seen_at": version.at,
            "jobs": [job.name for job in state.jobs if job.model == version.number],
        }
        for version in state.models
    ]
