"""The section `deploy`: where `run RUNFILE --target` starts a run."""

from __future__ import annotations

from typing import Annotated

from batch_transform.config.places import check_workspace
from batch_transform.config.typed_sections import Section
from batch_transform.config.typed_values import AfterValidator, PlainValidator
from batch_transform.config.values import RoleArn, Text, one_of
from batch_transform.deploy.targets import target_names


class Deploy(Section):
    """What a target needs to know; a file may have the keys of several.

    Attributes:
        target: the default of `--target`; a driver that has been started says nothing of it.
        cluster_id: of a running EMR or Databricks cluster.
        application_id: of EMR Serverless.
        execution_role_arn: who the driver is: of a job run, or of a step.
        artifacts: where files are uploaded; None: below the workspace.
    """

    target: Annotated[str, PlainValidator(one_of(*target_names()))] | None = None
    cluster_id: Text | None = None
    application_id: Text | None = None
    execution_role_arn: RoleArn | None = None
    artifacts: Annotated[str, AfterValidator(check_workspace)] | None = None
