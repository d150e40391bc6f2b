"""The requests of the experiments, by the service's own names, and where everything of a `smoke` lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batch_transform.core.sending.job_request import MANIFEST
from batch_transform.core.sending.manifests import manifest
from batch_transform.core.service_shapes import JobProcessing, TransformJobRequest
from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.experiments import Experiment
from batch_transform.core.uris import S3Uri

PREFIX = "batch-transform-smoke"


@dataclass(frozen=True)
class Setting:
    """What all jobs of one `smoke` share.

    Attributes:
        id: of this one; a job's name is used up for ever.
        base: the folder of all that it puts.
        models: the name of each model.
        instance_type: of the jobs.
    """

    id: str
    base: S3Uri
    models: Mapping[str, str]
    instance_type: str

    def job_name(self, name: str) -> str:
        """Returns the name of an experiment's job."""
        return f"{PREFIX}-{self.id}-{name}"

    def inputs(self, name: str) -> S3Uri:
        """Returns the folder of an experiment's input."""
        return self.base.join("in", name)

    def outputs(self, name: str) -> S3Uri:
        """Returns the folder of an experiment's output."""
        return self.base.join("out", name)

    def manifest(self, name: str) -> S3Uri:
        """Returns where an experiment's manifest lies."""
        return self.base.join("manifests", name)


def put_for(experiment: Experiment, setting: Setting) -> dict[S3Uri, bytes]:
    """Returns the objects that an experiment reads, its manifest among them."""
    folder = setting.inputs(experiment.name)
    found = {folder.join(name): body for name, body in experiment.objects.items()}
    if not experiment.by_prefix:
        found[setting.manifest(experiment.name)] = b"".join(manifest(folder, experiment.listed))
    return found


def job_request(experiment: Experiment, setting: Setting) -> TransformJobRequest:
    """Returns the CreateTransformJob request of an experiment."""
    name = experiment.name
    source = f"{setting.inputs(name)}/" if experiment.by_prefix else str(setting.manifest(name))
    kind = "S3Prefix" if experiment.by_prefix else MANIFEST
    request: TransformJobRequest = {
        "TransformJobName": setting.job_name(name),
        "ModelName": setting.models[experiment.model],
        "BatchStrategy": experiment.strategy,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": source}},
            "SplitType": smoke.LINE,
        },
        "TransformOutput": {"S3OutputPath": str(setting.outputs(name))},
        "TransformResources": {"InstanceType": setting.instance_type, "InstanceCount": experiment.instances},
    }
    _add_limits(request, experiment)
    if experiment.content_type is not None:
        request["TransformInput"]["ContentType"] = experiment.content_type
    if experiment.accept is not None:
        request["TransformOutput"]["Accept"] = experiment.accept
    if experiment.assemble is not None:
        request["TransformOutput"]["AssembleWith"] = experiment.assemble
    if experiment.marked:
        request["Environment"] = {smoke.MARK: smoke.MARKED}
    if processing := _processing(experiment):
        request["DataProcessing"] = processing
    return request


def _add_limits(request: TransformJobRequest, experiment: Experiment) -> None:
    if experiment.payload_mb is not None:
        request["MaxPayloadInMB"] = experiment.payload_mb
    if experiment.concurrency is not None:
        request["MaxConcurrentTransforms"] = experiment.concurrency
    if experiment.timeout_seconds is not None or experiment.retries is not None:
        request["ModelClientConfig"] = {}
    if experiment.timeout_seconds is not None:
        request["ModelClientConfig"]["InvocationsTimeoutInSeconds"] = experiment.timeout_seconds
    if experiment.retries is not None:
        request["ModelClientConfig"]["InvocationsMaxRetries"] = experiment.retries


def _processing(experiment: Experiment) -> JobProcessing:
    found: JobProcessing = {}
    if experiment.input_filter is not None:
        found["InputFilter"] = experiment.input_filter
    if experiment.output_filter is not None:
        found["OutputFilter"] = experiment.output_filter
    if experiment.joins:
        found["JoinSource"] = "Input"
    return found
