"""A step of a running EMR cluster: spark-submit by `command-runner.jar` ("Submit work to an EMR cluster")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from batch_transform.deploy.port import Keys, Need, ServiceTarget, Shipment

_NAME_CHARACTERS = 256  # botocore, XmlStringMaxLen256


class Emr(ServiceTarget):
    """AddJobFlowSteps; the role of the step is `deploy.execution_role_arn`, if it is given ("Runtime roles")."""

    name = "emr"
    needs = (Need("cluster_id", "j-[A-Z0-9]{1,32}", "the id of a running cluster, such as j-2AXXXXXXGAPLF"),)
    service = "emr"
    operation = "add_job_flow_steps"
    python_settings = ("spark.yarn.appMasterEnv.PYSPARK_PYTHON", "spark.executorEnv.PYSPARK_PYTHON")
    settings: ClassVar[Mapping[str, str]] = {
        "spark.master": "yarn",
        "spark.submit.deployMode": "cluster",
        "spark.yarn.maxAppAttempts": "1",  # YARN would run a refused run a second time
    }

    def request(self, keys: Keys, shipment: Shipment) -> dict[str, Any]:
        """Returns one step, after whose failure the cluster goes on."""
        step = {
            "Name": shipment.name[:_NAME_CHARACTERS],
            "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {
                "Jar": "command-runner.jar",
                "Args": ["spark-submit", *shipment.spark, shipment.entry, *shipment.arguments],
            },
        }
        role = {"ExecutionRoleArn": keys.execution_role_arn} if keys.execution_role_arn else {}
        return {"JobFlowId": keys.cluster_id, "Steps": [step], **role}

    def started(self, answer: Mapping[str, Any]) -> str:
        """Returns the step's id."""
        return str(answer["StepIds"][0])


TARGET = Emr()
